"""What waits: reminders to fall due, messages to be said, deliveries to be worked on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import uuid4

from bot.domain.teams import Team

# What lies further ahead than these was noted by a clock that has been set back since: it is not waited for.
LONGEST_RETRY = timedelta(minutes=5)  # that Outbox.again may ask to wait
LONGEST_LEASE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """A reminder to come. `kind` and `late` are values of domain.plan.

    Unique per (cutover, plan_version, kind).
    """

    kind: str
    due_at: datetime
    late: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReminderRow:
    id: int
    team: Team
    cutover_id: str
    plan_version: int
    reminder: PlannedReminder
    token: str | None = None  # set on a claimed row: proof of the lease


class Reminders(Protocol):
    def plan(
        self, team: Team, cutover_id: str, plan_version: int, reminders: Sequence[PlannedReminder]
    ) -> None:
        """Insert; a row that is already there (same cutover, version, kind) stays as it is."""
        ...

    def withdraw(self, team: Team, cutover_id: str, *, kinds: frozenset[str] | None = None) -> int:
        """Pending reminders that are not wanted any more; how many there were."""
        ...

    def claim(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[ReminderRow]:
        """Due pending rows, or rows whose lease has run out (by the database's clock), leased to the caller.

        So has a lease that ends more than LONGEST_LEASE ahead: that clock was set back under it. Rows of
        every team: for the scheduler.
        """
        ...

    def done(self, reminder_id: int, token: str, outcome: str) -> bool:
        """Settle a claimed row (`outcome`: fired, dropped, not_needed). False: the lease is lost."""
        ...

    def pending(self, team: Team, cutover_id: str) -> Sequence[ReminderRow]:
        """By due time."""
        ...

    def next_due(self) -> datetime | None:
        """When the earliest pending reminder of anybody falls due."""
        ...


class Delivery(StrEnum):
    """How an outbox row reaches people."""

    POST = "post"  # chat.postMessage in a channel or thread
    UPDATE = "update"  # chat.update of an earlier message
    DM = "dm"  # conversations.open, then chat.postMessage
    EPHEMERAL = "ephemeral"  # chat.postEphemeral, to one person
    RESPONSE = "response"  # the response_url of a command or click


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is to be said: what it says (`kind`, `args`), never how it looks.

    It is rendered when it is sent, so that a checklist is always the present one. `args` is JSON-able.
    `cutover_id` with no `thread_ts`: in the cutover's thread, once its root message is there
    (`kind` "root" *is* that root message, and a post of it sets the cutover's thread_ts).
    """

    delivery: Delivery
    kind: str
    args: Mapping[str, Any] = field(default_factory=dict)
    lang: str = "ja"
    channel: str | None = None
    user: str | None = None
    thread_ts: str | None = None
    update_ts: str | None = None
    response_url: str | None = None
    cutover_id: str | None = None
    not_before: datetime | None = None
    key: str = field(default_factory=lambda: uuid4().hex)  # goes with the post, to find it again


@dataclass(frozen=True, slots=True)
class OutboxRow:
    id: int
    team: Team
    message: Outgoing
    attempts: int
    token: str
    unknown: bool  # an earlier try may have succeeded: look for its metadata before another
    mistakes: int = 0  # tries that ended in a mistake of the program
    tried_at: datetime | None = None  # when it was first tried; None: by a release that did not note it
    since: datetime | None = None  # before this instant it was not said; None: as above


class Outbox(Protocol):
    def put(self, team: Team, message: Outgoing) -> int:
        """The row's id. A `key` that is there already is the same message: its row stays as it is."""
        ...

    def claim(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[OutboxRow]:
        """Rows to send, in order of id, at most one a channel; an expired lease comes back as `unknown`.

        A row waits behind every earlier unsettled row of its channel (POST, UPDATE, EPHEMERAL),
        so a thread's messages keep their order. (One put off with `not_before` joins when its time comes.)
        A row that was handed back for a time more than LONGEST_RETRY ahead is ready, a lease that ends more
        than LONGEST_LEASE ahead has run out: a clock was set back.
        """
        ...

    def held(self, row_id: int, token: str, seconds: float) -> bool:
        """Whether the lease is still ours, and for `seconds` more, by the database's clock."""
        ...

    def sent(self, row_id: int, token: str, ts: str | None) -> bool:
        """Settle as said. False: the lease is not ours any more."""
        ...

    def again(
        self,
        row_id: int,
        token: str,
        *,
        at: datetime,
        unknown: bool,
        error: str,
        mistake: bool = False,
        aside: bool = False,
    ) -> bool:
        """Hand back, to be tried at `at`, within LONGEST_RETRY. `mistake`: of the program's; counted.

        `aside`: from now on nothing waits behind it any more, nor it behind anything.
        """
        ...

    def failed(self, row_id: int, token: str, error: str) -> bool:
        """Settle as not to be said."""
        ...

    def withdraw(self, team: Team, key: str) -> bool:
        """Settle a message as not wanted any more. False: somebody is at it, or it is settled."""
        ...

    def unsettled(self) -> int:
        """How many rows are still to be said."""
        ...


@dataclass(frozen=True, slots=True)
class InboxRow:
    """Something Slack delivered. `kind`: command, action, view, event, shortcut."""

    id: int
    delivery_id: str
    kind: str
    team: Team
    payload: Mapping[str, Any]
    at: datetime


class Inbox(Protocol):
    def accept(
        self, delivery_id: str, kind: str, team: Team, payload: Mapping[str, Any], at: datetime
    ) -> int | None:
        """Keep it; its row id, or None where it was accepted before."""
        ...

    def get(self, row_id: int) -> InboxRow | None:
        """The row; its payload is empty once it is settled."""
        ...

    def unprocessed(
        self, *, older_than: datetime, ahead_of: datetime | None = None, limit: int
    ) -> Sequence[InboxRow]:
        """Accepted before `older_than` and neither done nor failed: what a crash left.

        `ahead_of`: from then on too, as by a clock that was set back since.
        """
        ...

    def done(self, row_id: int) -> bool:
        """Settle and forget what was delivered, in the transaction that did the work.

        False: it was settled before, so roll back.
        """
        ...

    def failed(self, row_id: int, error_id: str) -> bool:
        """Give up, and forget what was delivered. False: it was settled before."""
        ...
