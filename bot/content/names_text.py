"""A name in both forms: as people read it, and the A-labels that DNS panels and zone files take."""

import idna


def shown_name(name: str) -> str:
    """`name` (A-labels, a final dot or not), with its Unicode form before it where the two differ.

    A label that IDNA 2008 does not allow stays as it is: what nobody may register is not made to look good.
    """
    readable = ".".join(_readable(label) for label in name.split("."))
    return name if readable == name else f"{readable} ({name})"


def _readable(label: str) -> str:
    if not label.lower().startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label
