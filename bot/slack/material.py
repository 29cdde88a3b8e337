"""What a message is made of besides its own words: the cutover as it stands when the message is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.cutover import Cutover
from bot.domain.desk import DECIDED, TICKED, UNTICKED
from bot.domain.facts import DomainFacts
from bot.domain.teams import Team
from bot.ports import HistoryEntry, Outgoing, ReminderRow, Tx


@dataclass(frozen=True, slots=True)
class Material:
    """Read in one transaction, so that a message is of one moment."""

    now: datetime
    cutover: Cutover | None = None
    pending: Sequence[ReminderRow] = ()
    history: Sequence[HistoryEntry] = ()
    looks: Sequence[DomainFacts] = ()  # what DNS gave, for the report; oldest first

    @property
    def last(self) -> DomainFacts | None:
        """What DNS gave when it was last looked at."""
        return self.looks[-1] if self.looks else None


_TICKS = frozenset({TICKED, UNTICKED, DECIDED})
_WANTS_TICKS = frozenset({"prepare", "tests", "runbook", "lockdown", "reminder"})
_WANTS_HISTORY = frozenset({"report", "export"})
_WANTS_LOOKS = frozenset({"report", "picture"})


def gather(tx: Tx, team: Team, message: Outgoing, now: datetime) -> Material:
    """What `message` may show of its cutover."""
    if message.cutover_id is None:
        return Material(now)
    cutover = tx.cutovers.get(team, message.cutover_id)
    if cutover is None:
        return Material(now)
    history: Sequence[HistoryEntry] = ()
    looks: Sequence[DomainFacts] = ()
    if message.kind in _WANTS_TICKS:
        history = tx.history.of(team, cutover.id, kinds=_TICKS)
    elif message.kind in _WANTS_HISTORY:
        history = tx.history.of(team, cutover.id)
    if message.kind in _WANTS_LOOKS:
        looks = tx.observations.of(team, cutover.id)
    return Material(now, cutover, tx.reminders.pending(team, cutover.id), history, looks)
