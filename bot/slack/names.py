"""Names as they are shown: a domain as people read it, people and groups as mentions."""

from collections.abc import Iterable

from bot.content.names_text import shown_name
from bot.domain.policy import groups_in

__all__ = ["named", "shown_name"]


def named(people: Iterable[str]) -> list[str]:
    """People and groups as Slack shows them: <@U…>, <!subteam^S…>."""
    return [f"<!subteam^{one}>" if groups_in((one,)) else f"<@{one}>" for one in people]
