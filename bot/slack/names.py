"""A domain as it is shown: as people read it, with the form that DNS knows beside it."""

import idna


def shown_name(domain: str) -> str:
    """`domain` (A-label form), with its Unicode form before it where the two differ."""
    try:
        readable = idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain
    return domain if readable == domain else f"{readable} ({domain})"
