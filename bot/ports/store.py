"""The store: rows, and what may be done with them in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from bot.domain.cutover import Cutover, State
from bot.domain.facts import DomainFacts
from bot.domain.teams import Team

T = TypeVar("T")


class VersionConflict(Exception):
    """Somebody else saved the cutover in between; nothing was written. Read again and decide again."""


class AlreadyOpen(Exception):
    """The team has an open cutover for this domain already; nothing was written."""


class StoreUnavailable(Exception):
    """Nothing was stored. `reason`: full, read_only, locked, unreachable, damaged, other.

    What was being stored must not be acknowledged. After "unreachable" a commit may have arrived all the
    same: settle by the row's own state (Inbox.done, a token) rather than by trying again blindly.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"the database is unavailable ({reason}){': ' + detail if detail else ''}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and how many rows there are in all."""

    rows: tuple[Cutover, ...]
    total: int


class Cutovers(Protocol):
    def add(self, cutover: Cutover) -> None:
        """Raises AlreadyOpen where the team has an open cutover for the domain (a unique index)."""
        ...

    def get(self, team: Team, cutover_id: str) -> Cutover | None: ...

    def open_for(self, team: Team, domain: str) -> Cutover | None:
        """The open cutover of a domain (A-label form)."""
        ...

    def latest_for(self, team: Team, domain: str) -> Cutover | None:
        """The newest cutover of a domain, open or not."""
        ...

    def by_thread(self, team: Team, channel: str, thread_ts: str) -> Cutover | None: ...

    def save(self, cutover: Cutover) -> Cutover:
        """Store the new value, its version raised by one. Raises VersionConflict."""
        ...

    def list(
        self,
        team: Team,
        *,
        states: frozenset[State] | None = None,
        owner: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page:
        """Ordered by day, then domain."""
        ...

    def due_looks(self, now: datetime, limit: int) -> Sequence[Cutover]:
        """Open cutovers of every team whose next_look_at has come (the scheduler's, not a person's)."""
        ...


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of the append-only history. `data` is JSON-able."""

    at: datetime
    kind: str
    actor: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class History(Protocol):
    def append(self, team: Team, cutover_id: str, entry: HistoryEntry) -> None: ...

    def of(
        self, team: Team, cutover_id: str, *, kinds: frozenset[str] | None = None
    ) -> Sequence[HistoryEntry]:
        """Oldest first."""
        ...


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

        Rows of every team: for the scheduler.
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


class Outbox(Protocol):
    def put(self, team: Team, message: Outgoing) -> int:
        """The row's id. A `key` that is there already is the same message: its row stays as it is."""
        ...

    def claim(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[OutboxRow]:
        """Rows to send, in order of id, at most one a channel; an expired lease comes back as `unknown`.

        A row waits behind every earlier unsettled row of its channel (POST, UPDATE, EPHEMERAL),
        so a thread's messages keep their order. (One put off with `not_before` joins when its time comes.)
        """
        ...

    def held(self, row_id: int, token: str, seconds: float) -> bool:
        """Whether the lease is still ours, and for `seconds` more, by the database's clock."""
        ...

    def sent(self, row_id: int, token: str, ts: str | None) -> bool:
        """Settle as said. False: the lease is not ours any more."""
        ...

    def again(self, row_id: int, token: str, *, at: datetime, unknown: bool, error: str) -> bool:
        """Hand back, to be tried at `at`."""
        ...

    def failed(self, row_id: int, token: str, error: str) -> bool:
        """Settle as not to be said."""
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

    def unprocessed(self, *, older_than: datetime, limit: int) -> Sequence[InboxRow]:
        """Accepted before `older_than` and neither done nor failed: what a crash left."""
        ...

    def done(self, row_id: int) -> bool:
        """Settle and forget what was delivered, in the transaction that did the work.

        False: it was settled before, so roll back.
        """
        ...

    def failed(self, row_id: int, error_id: str) -> None:
        """Give up, and forget what was delivered."""
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """What Slack's users.info said of someone."""

    user: str
    locale: str
    tz: str
    is_guest: bool
    at: datetime


class People(Protocol):
    def get(self, team: Team, user: str) -> Person | None: ...

    def put(self, team: Team, person: Person) -> None: ...


class Observations(Protocol):
    def add(self, team: Team, cutover_id: str, facts: DomainFacts) -> None: ...

    def of(self, team: Team, cutover_id: str, *, since: datetime | None = None) -> Sequence[DomainFacts]:
        """Oldest first."""
        ...

    def edges(self, team: Team, cutover_id: str) -> Sequence[DomainFacts]:
        """The first and the last of each run of equal ones (domain.essence), oldest first."""
        ...


class Places(Protocol):
    """Where somebody stands in the FAQ tree: one row a conversation, so that a restart loses none."""

    def get(self, team: Team, key: str) -> Mapping[str, Any] | None: ...

    def put(self, team: Team, key: str, value: Mapping[str, Any], at: datetime) -> None: ...

    def drop(self, team: Team, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the FAQ and how it was met; not who asked. Personal data all the same: kept for days.

    `decision`: as Match.decision. `helped`: what was said of the answer; None: nothing.
    """

    text: str
    lang: str
    decision: str
    entry: str | None
    at: datetime
    helped: bool | None = None


class Questions(Protocol):
    """What was asked, so that the content can grow."""

    def add(self, team: Team, question: Question) -> int:
        """The row's id, for `rate`."""
        ...

    def rate(self, team: Team, question_id: int, helped: bool) -> bool:
        """Whether the answer helped; the last word counts. False: there is no such question (any more)."""
        ...

    def unanswered(self, *, since: datetime, limit: int) -> Sequence[Question]:
        """Of every team, newest first: no entry was found, or the answer did not help. For the operator."""
        ...


@dataclass(frozen=True, slots=True)
class Installation:
    """The app's being installed in a workspace, by OAuth. The token is a secret: it is in no repr."""

    bot_token: str = field(repr=False)
    bot_user: str
    bot_id: str
    app_id: str
    scopes: tuple[str, ...]
    installed_by: str
    team_name: str
    at: datetime


class Workspaces(Protocol):
    """What belongs to a workspace as a whole: its installation, and what was set in it."""

    def installation(self, team: Team) -> Installation | None: ...

    def installed(self) -> tuple[Team, ...]:
        """Every workspace where the app is installed: for the bot's own upkeep, not for a person."""
        ...

    def install(self, team: Team, installation: Installation) -> None:
        """Keep it, in place of an earlier one. What was set stays."""
        ...

    def uninstall(self, team: Team) -> bool:
        """Delete the tokens. Cutovers and settings stay, for a later installation. False: there were none."""
        ...

    def settings(self, team: Team) -> Mapping[str, Any] | None:
        """What was set in Slack; None: nothing yet."""
        ...

    def set(self, team: Team, settings: Mapping[str, Any], at: datetime) -> None: ...


class Tx(Protocol):
    """One transaction's view of the store."""

    @property
    def cutovers(self) -> Cutovers: ...
    @property
    def history(self) -> History: ...
    @property
    def reminders(self) -> Reminders: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def people(self) -> People: ...
    @property
    def observations(self) -> Observations: ...
    @property
    def places(self) -> Places: ...
    @property
    def questions(self) -> Questions: ...
    @property
    def workspaces(self) -> Workspaces: ...


class Store(Protocol):
    async def transact(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in one transaction: committed when it returns, rolled back when it raises."""
        ...

    async def wipe(self) -> None:
        """Leave no trace of deleted text in the files that the database keeps beside its own."""
        ...

    async def close(self) -> None: ...
