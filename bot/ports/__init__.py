"""What the use cases need of the world, as protocols. Adapters live in dns/, store/, slack/, matching/.

A transaction is short and synchronous: `Store.transact` runs it in a worker thread, all or nothing.
Nothing in it may wait on a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.facts import DomainFacts
from bot.ports.queues import (
    LONGEST_LEASE,
    LONGEST_RETRY,
    Delivery,
    Inbox,
    InboxRow,
    Outbox,
    OutboxRow,
    Outgoing,
    PlannedReminder,
    ReminderRow,
    Reminders,
)
from bot.ports.store import (
    AlreadyOpen,
    Cutovers,
    History,
    HistoryEntry,
    Installation,
    Observations,
    Page,
    People,
    Person,
    Places,
    Question,
    Questions,
    Store,
    StoreUnavailable,
    Tx,
    VersionConflict,
    Workspaces,
)

__all__ = [
    "LONGEST_LEASE",
    "LONGEST_RETRY",
    "AlreadyOpen",
    "Candidate",
    "Clock",
    "Cutovers",
    "Delivery",
    "Dns",
    "History",
    "HistoryEntry",
    "Inbox",
    "InboxRow",
    "Installation",
    "Match",
    "Matcher",
    "Observations",
    "Outbox",
    "OutboxRow",
    "Outgoing",
    "Page",
    "People",
    "Person",
    "Places",
    "PlannedReminder",
    "Question",
    "Questions",
    "ReminderRow",
    "Reminders",
    "Store",
    "StoreUnavailable",
    "Tx",
    "VersionConflict",
    "Workspaces",
]


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware UTC."""
        ...


class Dns(Protocol):
    async def look(self, domain: str, *, expected: Sequence[str] = ()) -> DomainFacts:
        """Ask about a domain (A-label form) and gather what was said; never raises for what DNS does.

        `expected`: the new exchanges (absolute), whose addresses are looked up too.
        """
        ...

    async def look_mx(self, domain: str, known: DomainFacts | None = None) -> DomainFacts:
        """The authoritative MX answers alone, for the watch; `known` spares finding the servers again."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    entry: str
    score: float


@dataclass(frozen=True, slots=True)
class Match:
    """`decision`: answer (the first candidate), choose (one of up to three), none, clarify (one question)."""

    decision: str
    candidates: tuple[Candidate, ...] = ()


class Matcher(Protocol):
    def match(self, text: str) -> Match:
        """Which FAQ entry a question means. Pure computation, under 10 ms; never raises on text."""
        ...
