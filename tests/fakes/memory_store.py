"""ports.Store in memory, for tests of what stands on it. tests/contract holds it to what SQL does.

A transaction works on a copy, which takes the old one's place when it ends well. Everything JSON-able goes
through JSON, so that what the databases refuse or change (a datetime, a tuple) is seen here too.
"""

import asyncio
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from bot.domain.cutover import Cutover, State
from bot.domain.essence import edges
from bot.domain.facts import DomainFacts
from bot.domain.teams import Team
from bot.ports import (
    LONGEST_LEASE,
    LONGEST_RETRY,
    AlreadyOpen,
    Delivery,
    HistoryEntry,
    InboxRow,
    Installation,
    OutboxRow,
    Outgoing,
    Page,
    Person,
    PlannedReminder,
    Question,
    ReminderRow,
    VersionConflict,
)
from bot.store.faults import Inconsistent

T = TypeVar("T")
LeaseClock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def _json(value: Mapping[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(dict(value)))
    return copied


def _aware(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)


@dataclass
class _Reminder:
    row: ReminderRow
    state: str = "pending"
    token: str | None = None
    lease_until: datetime | None = None


@dataclass
class _Out:
    id: int
    team: Team
    message: Outgoing
    lane: tuple[Any, ...] | None
    not_before: datetime | None
    state: str = "pending"
    attempts: int = 0
    mistakes: int = 0
    tried_at: datetime | None = None
    unknown: bool = False
    token: str | None = None
    lease_until: datetime | None = None
    ts: str | None = None
    error: str | None = None


@dataclass
class _In:
    row: InboxRow
    state: str = "new"
    error_id: str | None = None


@dataclass
class _Data:
    ids: int = 0
    cutovers: dict[tuple[Team, str], Cutover] = field(default_factory=dict)
    history: list[tuple[Team, str, HistoryEntry]] = field(default_factory=list)
    reminders: dict[int, _Reminder] = field(default_factory=dict)
    outbox: dict[int, _Out] = field(default_factory=dict)
    inbox: dict[int, _In] = field(default_factory=dict)
    people: dict[tuple[Team, str], Person] = field(default_factory=dict)
    observations: list[tuple[Team, str, DomainFacts]] = field(default_factory=list)
    places: dict[tuple[Team, str], dict[str, Any]] = field(default_factory=dict)

    questions: dict[int, tuple[Team, Question]] = field(default_factory=dict)
    installations: dict[Team, Installation] = field(default_factory=dict)
    settings: dict[Team, dict[str, Any]] = field(default_factory=dict)

    def next_id(self) -> int:
        self.ids += 1
        return self.ids

    def copied(self) -> "_Data":
        """Rows that are changed in place are copied; everything else is immutable."""
        return replace(
            self,
            cutovers=dict(self.cutovers),
            history=list(self.history),
            reminders={key: copy.copy(row) for key, row in self.reminders.items()},
            outbox={key: copy.copy(row) for key, row in self.outbox.items()},
            inbox={key: copy.copy(row) for key, row in self.inbox.items()},
            people=dict(self.people),
            observations=list(self.observations),
            places=dict(self.places),
            questions=dict(self.questions),
            installations=dict(self.installations),
            settings=dict(self.settings),
        )

    def check(self) -> None:
        """What the foreign keys check at commit."""
        hanging = [(team, cutover) for team, cutover, _ in (*self.history, *self.observations)]
        hanging += [(r.row.team, r.row.cutover_id) for r in self.reminders.values()]
        for key in hanging:
            if key not in self.cutovers:
                raise Inconsistent(f"no such cutover: {key}")


class MemoryCutovers:
    def __init__(self, data: _Data) -> None:
        self._data = data

    def add(self, cutover: Cutover) -> None:
        _aware(cutover.day), _aware(cutover.opened_at)
        if (cutover.team, cutover.id) in self._data.cutovers:
            raise AlreadyOpen(cutover.domain)
        if cutover.is_open and self.open_for(cutover.team, cutover.domain) is not None:
            raise AlreadyOpen(cutover.domain)
        self._data.cutovers[cutover.team, cutover.id] = cutover

    def get(self, team: Team, cutover_id: str) -> Cutover | None:
        return self._data.cutovers.get((team, cutover_id))

    def open_for(self, team: Team, domain: str) -> Cutover | None:
        return next((c for c in self._of(team) if c.domain == domain and c.is_open), None)

    def latest_for(self, team: Team, domain: str) -> Cutover | None:
        found = [c for c in self._of(team) if c.domain == domain]
        return max(reversed(found), key=lambda c: c.opened_at, default=None)

    def by_thread(self, team: Team, channel: str, thread_ts: str) -> Cutover | None:
        found = [c for c in self._of(team) if c.channel == channel and c.thread_ts == thread_ts]
        return found[-1] if found else None

    def save(self, cutover: Cutover) -> Cutover:
        stored = self.get(cutover.team, cutover.id)
        if stored is None or stored.version != cutover.version:
            raise VersionConflict(cutover.id)
        other = self.open_for(cutover.team, cutover.domain)
        if cutover.is_open and other is not None and other.id != cutover.id:
            raise AlreadyOpen(cutover.domain)
        saved = replace(cutover, version=cutover.version + 1)
        self._data.cutovers[cutover.team, cutover.id] = saved
        return saved

    def list(
        self,
        team: Team,
        *,
        states: frozenset[State] | None = None,
        owner: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page:
        found = [
            c
            for c in self._of(team)
            if (states is None or c.state in states) and (owner is None or c.owner == owner)
        ]
        found.sort(key=lambda c: (c.day, c.domain))
        return Page(tuple(found[offset : offset + limit]), len(found))

    def due_looks(
        self, now: datetime, limit: int, *, states: frozenset[State] | None = None
    ) -> Sequence[Cutover]:
        due = [
            (c.next_look_at, number, c)
            for number, c in enumerate(self._data.cutovers.values())
            if c.is_open and c.next_look_at is not None and c.next_look_at <= now
            if states is None or c.state in states
        ]
        return [c for _, _, c in sorted(due, key=lambda item: item[:2])[:limit]]

    def _of(self, team: Team) -> Sequence[Cutover]:
        return [c for c in self._data.cutovers.values() if c.team == team]


class MemoryHistory:
    def __init__(self, data: _Data) -> None:
        self._data = data

    def append(self, team: Team, cutover_id: str, entry: HistoryEntry) -> None:
        kept = replace(entry, at=_aware(entry.at), data=_json(entry.data))
        self._data.history.append((team, cutover_id, kept))

    def of(
        self, team: Team, cutover_id: str, *, kinds: frozenset[str] | None = None
    ) -> Sequence[HistoryEntry]:
        return [
            entry
            for whose, which, entry in self._data.history
            if (whose, which) == (team, cutover_id) and (kinds is None or entry.kind in kinds)
        ]


def _is_free(until: datetime | None, clock: datetime) -> bool:
    return until is None or until <= clock or until > clock + LONGEST_LEASE


class MemoryReminders:
    def __init__(self, data: _Data, lease_clock: LeaseClock) -> None:
        self._data = data
        self._lease_clock = lease_clock

    def plan(
        self, team: Team, cutover_id: str, plan_version: int, reminders: Sequence[PlannedReminder]
    ) -> None:
        there = {
            (r.row.team, r.row.cutover_id, r.row.plan_version, r.row.reminder.kind)
            for r in self._data.reminders.values()
        }
        for reminder in reminders:
            key = (team, cutover_id, plan_version, reminder.kind)
            if key in there:
                continue
            there.add(key)
            kept = replace(reminder, due_at=_aware(reminder.due_at), args=_json(reminder.args))
            row = ReminderRow(self._data.next_id(), team, cutover_id, plan_version, kept)
            self._data.reminders[row.id] = _Reminder(row)

    def withdraw(self, team: Team, cutover_id: str, *, kinds: frozenset[str] | None = None) -> int:
        rows = [
            r
            for r in self._pending()
            if (r.row.team, r.row.cutover_id) == (team, cutover_id)
            and (kinds is None or r.row.reminder.kind in kinds)
        ]
        for row in rows:
            row.state, row.token, row.lease_until = "withdrawn", None, None
        return len(rows)

    def claim(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[ReminderRow]:
        clock = self._lease_clock()
        due = [r for r in self._pending() if r.row.reminder.due_at <= now and _is_free(r.lease_until, clock)][
            :limit
        ]
        token = uuid4().hex
        for row in due:
            row.token, row.lease_until = token, clock + lease
        return [replace(r.row, token=token) for r in due]

    def done(self, reminder_id: int, token: str, outcome: str) -> bool:
        row = self._data.reminders.get(reminder_id)
        if row is None or row.state != "pending" or row.token != token:
            return False
        if outcome not in ("fired", "dropped", "not_needed", "withdrawn"):
            raise Inconsistent(f"no such outcome: {outcome}")
        row.state, row.token, row.lease_until = outcome, None, None
        return True

    def pending(self, team: Team, cutover_id: str) -> Sequence[ReminderRow]:
        return [r.row for r in self._pending() if (r.row.team, r.row.cutover_id) == (team, cutover_id)]

    def next_due(self) -> datetime | None:
        return min((r.row.reminder.due_at for r in self._pending()), default=None)

    def _pending(self) -> Sequence[_Reminder]:
        rows = [r for r in self._data.reminders.values() if r.state == "pending"]
        return sorted(rows, key=lambda r: (r.row.reminder.due_at, r.row.id))


class MemoryOutbox:
    def __init__(self, data: _Data, lease_clock: LeaseClock) -> None:
        self._data = data
        self._lease_clock = lease_clock

    def put(self, team: Team, message: Outgoing) -> int:
        for row in self._data.outbox.values():
            if (row.team, row.message.key) == (team, message.key):
                return row.id
        kept = replace(message, args=_json(message.args))
        row_id = self._data.next_id()
        self._data.outbox[row_id] = _Out(
            row_id, team, kept, self._lane(team, message), message.not_before and _aware(message.not_before)
        )
        return row_id

    def _lane(self, team: Team, message: Outgoing) -> tuple[Any, ...] | None:
        if message.delivery is Delivery.RESPONSE:
            return None
        if message.delivery is Delivery.DM:
            return (team, "dm", message.user)
        cutover = self._data.cutovers.get((team, message.cutover_id or ""))
        channel = message.channel or (cutover.channel if cutover else None)
        return (team, "channel", channel) if channel else (team, "cutover", message.cutover_id)

    def claim(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[OutboxRow]:
        clock, token = self._lease_clock(), uuid4().hex
        busy: set[tuple[Any, ...]] = set()
        claimed: list[OutboxRow] = []
        for row in sorted(self._data.outbox.values(), key=lambda r: r.id):
            if row.state != "pending":
                continue
            ready = row.not_before is None or row.not_before <= now
            ready = ready or bool(row.attempts and row.not_before and row.not_before > now + LONGEST_RETRY)
            if row.lane in busy or len(claimed) == limit:
                continue
            if row.lane is not None and (ready or row.attempts):
                busy.add(row.lane)
            if not ready or not _is_free(row.lease_until, clock):
                continue
            row.unknown = row.unknown or row.token is not None
            row.tried_at = now if row.attempts == 0 else row.tried_at
            row.attempts += 1
            row.token, row.lease_until = token, clock + lease
            message = replace(row.message, not_before=row.not_before)
            claimed.append(
                OutboxRow(
                    *(row.id, row.team, message, row.attempts, token, row.unknown, row.mistakes),
                    tried_at=row.tried_at,
                    since=row.tried_at,
                )
            )
        return claimed

    def held(self, row_id: int, token: str, seconds: float) -> bool:
        row = self._of(row_id, token)
        until = None if row is None else row.lease_until
        return until is not None and until >= self._lease_clock() + timedelta(seconds=seconds)

    def sent(self, row_id: int, token: str, ts: str | None) -> bool:
        row = self._leased(row_id, token)
        if row is None:
            return False
        row.state, row.ts = "sent", ts
        return True

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
        row = self._leased(row_id, token)
        if row is None:
            return False
        row.mistakes += mistake
        row.lane = None if aside else row.lane
        row.not_before, row.unknown, row.error = _aware(at), unknown, error
        return True

    def failed(self, row_id: int, token: str, error: str) -> bool:
        row = self._leased(row_id, token)
        if row is None:
            return False
        row.state, row.error = "failed", error
        return True

    def withdraw(self, team: Team, key: str) -> bool:
        for row in self._data.outbox.values():
            if (row.team, row.message.key, row.state, row.token) == (team, key, "pending", None):
                row.state, row.error = "failed", "withdrawn"
                return True
        return False

    def unsettled(self) -> int:
        return sum(row.state == "pending" for row in self._data.outbox.values())

    def _of(self, row_id: int, token: str) -> _Out | None:
        row = self._data.outbox.get(row_id)
        return None if row is None or row.state != "pending" or row.token != token else row

    def _leased(self, row_id: int, token: str) -> _Out | None:
        row = self._of(row_id, token)
        if row is not None:
            row.token, row.lease_until = None, None
        return row


class MemoryInbox:
    def __init__(self, data: _Data) -> None:
        self._data = data

    def accept(
        self, delivery_id: str, kind: str, team: Team, payload: Mapping[str, Any], at: datetime
    ) -> int | None:
        for known in self._data.inbox.values():
            if (known.row.team, known.row.delivery_id) == (team, delivery_id):
                return None
        row = InboxRow(self._data.next_id(), delivery_id, kind, team, _json(payload), _aware(at))
        self._data.inbox[row.id] = _In(row)
        return row.id

    def get(self, row_id: int) -> InboxRow | None:
        found = self._data.inbox.get(row_id)
        return None if found is None else found.row

    def unprocessed(
        self, *, older_than: datetime, ahead_of: datetime | None = None, limit: int
    ) -> Sequence[InboxRow]:
        rows = [
            i.row
            for i in self._data.inbox.values()
            if i.state == "new" and (i.row.at < older_than or (ahead_of is not None and i.row.at >= ahead_of))
        ]
        return sorted(rows, key=lambda row: (row.at, row.id))[:limit]

    def done(self, row_id: int) -> bool:
        return self._settle(row_id, "done", None)

    def failed(self, row_id: int, error_id: str) -> bool:
        return self._settle(row_id, "failed", error_id)

    def _settle(self, row_id: int, state: str, error_id: str | None) -> bool:
        found = self._data.inbox.get(row_id)
        if found is None or found.state != "new":
            return False
        found.state, found.error_id = state, error_id
        found.row = replace(found.row, payload={})
        return True


class MemoryPeople:
    def __init__(self, data: _Data) -> None:
        self._data = data

    def get(self, team: Team, user: str) -> Person | None:
        return self._data.people.get((team, user))

    def put(self, team: Team, person: Person) -> None:
        self._data.people[team, person.user] = replace(person, at=_aware(person.at))


class MemoryObservations:
    def __init__(self, data: _Data) -> None:
        self._data = data

    def add(self, team: Team, cutover_id: str, facts: DomainFacts) -> None:
        _aware(facts.at)
        self._data.observations.append((team, cutover_id, facts))

    def of(self, team: Team, cutover_id: str, *, since: datetime | None = None) -> Sequence[DomainFacts]:
        found = [
            facts
            for whose, which, facts in self._data.observations
            if (whose, which) == (team, cutover_id) and (since is None or facts.at >= since)
        ]
        return sorted(found, key=lambda facts: facts.at)

    def edges(self, team: Team, cutover_id: str) -> Sequence[DomainFacts]:
        return edges(self.of(team, cutover_id))


class MemoryPlaces:
    def __init__(self, data: _Data) -> None:
        self._data = data

    def get(self, team: Team, key: str) -> Mapping[str, Any] | None:
        value = self._data.places.get((team, key))
        return None if value is None else _json(value)

    def put(self, team: Team, key: str, value: Mapping[str, Any], at: datetime) -> None:
        _aware(at)
        self._data.places[team, key] = _json(value)

    def drop(self, team: Team, key: str) -> None:
        self._data.places.pop((team, key), None)


class MemoryQuestions:
    def __init__(self, data: _Data) -> None:
        self._data = data

    def add(self, team: Team, question: Question) -> int:
        row_id = self._data.next_id()
        self._data.questions[row_id] = (team, replace(question, at=_aware(question.at)))
        return row_id

    def rate(self, team: Team, question_id: int, helped: bool) -> bool:
        whose, question = self._data.questions.get(question_id, (None, None))
        if whose != team or question is None:
            return False
        self._data.questions[question_id] = (team, replace(question, helped=helped))
        return True

    def unanswered(self, *, since: datetime, limit: int) -> Sequence[Question]:
        found = [
            (question.at, row_id, question)
            for row_id, (_, question) in self._data.questions.items()
            if question.at >= since and (question.entry is None or question.helped is False)
        ]
        return [question for _, _, question in sorted(found, key=lambda f: f[:2], reverse=True)[:limit]]


class MemoryWorkspaces:
    def __init__(self, data: _Data) -> None:
        self._data = data

    def installation(self, team: Team) -> Installation | None:
        return self._data.installations.get(team)

    def installed(self) -> tuple[Team, ...]:
        return tuple(sorted(self._data.installations))

    def install(self, team: Team, installation: Installation) -> None:
        self._data.installations[team] = replace(installation, at=_aware(installation.at))

    def uninstall(self, team: Team) -> bool:
        return self._data.installations.pop(team, None) is not None

    def settings(self, team: Team) -> Mapping[str, Any] | None:
        return self._data.settings.get(team)

    def set(self, team: Team, settings: Mapping[str, Any], at: datetime) -> None:
        _aware(at)
        self._data.settings[team] = _json(settings)


class MemoryTx:
    def __init__(self, data: _Data, lease_clock: LeaseClock) -> None:
        self.cutovers = MemoryCutovers(data)
        self.history = MemoryHistory(data)
        self.reminders = MemoryReminders(data, lease_clock)
        self.outbox = MemoryOutbox(data, lease_clock)
        self.inbox = MemoryInbox(data)
        self.people = MemoryPeople(data)
        self.observations = MemoryObservations(data)
        self.places = MemoryPlaces(data)
        self.questions = MemoryQuestions(data)
        self.workspaces = MemoryWorkspaces(data)


class MemoryStore:
    """`lease_clock` is what leases go by, as the database's clock is for the others."""

    def __init__(self, lease_clock: LeaseClock = _now) -> None:
        self._data = _Data()
        self._lease_clock = lease_clock
        self._lock = asyncio.Lock()

    async def transact(self, work: Callable[[MemoryTx], T]) -> T:
        async with self._lock:
            data = self._data.copied()
            result = work(MemoryTx(data, self._lease_clock))
            data.check()
            self._data = data
            return result

    async def wipe(self) -> None:
        pass

    async def close(self) -> None:
        pass
