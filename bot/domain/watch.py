"""The change as it arrives: which address gives what, and what the sampled caches still hold.

Pure: a cutover and one look in, a view out that a message is made from. Instants are aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.cutover import Cutover, State
from bot.domain.facts import DEFINITE, DomainFacts, MxAnswer
from bot.domain.progress import asked

WATCHED = frozenset({State.CHANGING, State.WATCHING, State.ROLLING_BACK})


class Standing(StrEnum):
    """What one address gives, seen from the change."""

    NEW = "new"
    OLD = "old"
    OTHER = "other"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Line:
    """One authoritative address."""

    server: str
    standing: Standing
    mx: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchView:
    """One look. `old` of `sampled` cache answers held another set; the last of them goes by `gone_at`."""

    lines: tuple[Line, ...]
    sampled: int = 0
    old: int = 0
    gone_at: datetime | None = None

    @property
    def signature(self) -> tuple[object, ...]:
        """Equal for views that would be told alike: a copy's last minute moves with every look."""
        minute = self.gone_at.replace(second=0, microsecond=0) if self.gone_at else None
        return (self.lines, self.sampled, self.old, minute)

    def as_args(self) -> dict[str, Any]:
        """JSON-able, for a message."""
        return {
            "lines": [[line.server, line.standing.value, list(line.mx)] for line in self.lines],
            "sampled": self.sampled,
            "old": self.old,
            "gone_at": self.gone_at.isoformat() if self.gone_at else None,
        }


def view_of(args: Mapping[str, Any]) -> WatchView:
    """The view that `as_args` wrote."""
    gone = args.get("gone_at")
    return WatchView(
        tuple(Line(server, Standing(standing), tuple(mx)) for server, standing, mx in args["lines"]),
        int(args["sampled"]),
        int(args["old"]),
        datetime.fromisoformat(gone) if gone else None,
    )


def watch_view(cutover: Cutover, facts: DomainFacts) -> WatchView:
    """What this look shows of the change."""
    known = [answer for answer in facts.resolvers if answer.outcome in DEFINITE]
    old = [answer for answer in known if answer.mx != cutover.expected]
    gone = [answer.at + timedelta(seconds=answer.ttl or 0) for answer in old]
    return WatchView(
        tuple(_line(cutover, answer) for answer in asked(facts)),
        len(known),
        len(old),
        max(gone, default=None),
    )


def _line(cutover: Cutover, answer: MxAnswer) -> Line:
    shown = tuple(str(mx) for mx in sorted(answer.mx))
    server = str(answer.server)
    if not answer.usable:
        return Line(server, Standing.SILENT)
    if answer.mx == cutover.expected:
        return Line(server, Standing.NEW, shown)
    before = cutover.snapshot.mx if cutover.snapshot else None
    return Line(server, Standing.OLD if answer.mx == before else Standing.OTHER, shown)
