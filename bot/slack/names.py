"""Names as they are shown: a domain as people read it, people and groups as mentions."""

from collections.abc import Iterable

import idna

from bot.domain.policy import groups_in


def shown_name(domain: str) -> str:
    """`domain` (A-label form), with its Unicode form before it where the two differ."""
    try:
        readable = idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain
    return domain if readable == domain else f"{readable} ({domain})"


def named(people: Iterable[str]) -> list[str]:
    """People and groups as Slack shows them: <@U…>, <!subteam^S…>."""
    return [f"<!subteam^{one}>" if groups_in((one,)) else f"<@{one}>" for one in people]
