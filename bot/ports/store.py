"""The store: rows, and what may be done with them in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from bot.domain.cutover import Cutover, State
from bot.domain.facts import DomainFacts
from bot.domain.teams import Team
from bot.ports.queues import Inbox, Outbox, Reminders

T = TypeVar("T")


class VersionConflict(Exception):
    """Somebody else saved the cutover in between; nothing was written. Read again and decide again."""


class AlreadyOpen(Exception):
    """The team has an open cutover for this domain already; nothing was written."""


class StoreUnavailable(Exception):
    """Nothing was stored. `reason`: full, read_only, locked, unreachable, damaged, other.

    What was being stored must not be acknowledged. After "unreachable" (the database went away, or gave no
    answer in time) a commit may have arrived all the same: settle by the row's own state (Inbox.done, a
    token) rather than by trying again blindly.
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

    def due_looks(
        self, now: datetime, limit: int, *, states: frozenset[State] | None = None
    ) -> Sequence[Cutover]:
        """Open cutovers of every team whose next_look_at has come (the scheduler's, not a person's).

        The longest due first. `states`: only those in one of them.
        """
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
