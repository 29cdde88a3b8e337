"""Cutovers, their history and what was observed of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bot.domain.cutover import Cutover, State
from bot.domain.essence import essence
from bot.domain.facts import DomainFacts
from bot.domain.facts_json import facts_from_json, facts_to_json
from bot.domain.teams import Team
from bot.ports import AlreadyOpen, HistoryEntry, Page, VersionConflict
from bot.store.codec import cutover_columns, cutover_of, team_columns
from bot.store.dialect import insert_new
from bot.store.scope import cutover_key, of_cutover, of_team, team_key
from bot.store.tables import CUTOVERS, HISTORY, OBSERVATIONS, OPEN

IS_OPEN: ColumnElement[bool] = literal_column(f"({OPEN})")

_OF_TEAM = select(CUTOVERS).where(of_team(CUTOVERS))
_OF_DOMAIN = _OF_TEAM.where(CUTOVERS.c.domain == bindparam("of_domain"))
GET = _OF_TEAM.where(CUTOVERS.c.id == bindparam("of_id"))
OPEN_FOR = _OF_DOMAIN.where(IS_OPEN)
LATEST_FOR = _OF_DOMAIN.order_by(CUTOVERS.c.opened_at.desc(), CUTOVERS.c.seq.desc()).limit(1)
BY_THREAD = (
    _OF_TEAM.where(
        CUTOVERS.c.channel == bindparam("of_channel"), CUTOVERS.c.thread_ts == bindparam("of_thread")
    )
    .order_by(CUTOVERS.c.seq.desc())
    .limit(1)
)
DUE_LOOKS = (
    select(CUTOVERS)
    .where(IS_OPEN, CUTOVERS.c.next_look_at <= bindparam("now"))
    .order_by(CUTOVERS.c.next_look_at)
    .limit(bindparam("limit"))
)
DUE_LOOKS_IN = DUE_LOOKS.where(CUTOVERS.c.state.in_(bindparam("states", expanding=True)))
SAVE = (
    update(CUTOVERS)
    .where(
        of_team(CUTOVERS),
        CUTOVERS.c.id == bindparam("of_id"),
        CUTOVERS.c.version == bindparam("of_version"),
    )
    .values({column.name: bindparam(column.name) for column in CUTOVERS.c if column.name != "seq"})
)
HISTORY_OF = select(HISTORY).where(of_cutover(HISTORY)).order_by(HISTORY.c.id)
HISTORY_OF_KINDS = HISTORY_OF.where(HISTORY.c.kind.in_(bindparam("kinds", expanding=True)))
OBSERVATIONS_OF = (
    select(OBSERVATIONS.c.facts)
    .where(of_cutover(OBSERVATIONS))
    .order_by(OBSERVATIONS.c.at, OBSERVATIONS.c.id)
)
OBSERVATIONS_SINCE = OBSERVATIONS_OF.where(OBSERVATIONS.c.at >= bindparam("since"))
APPEND = insert(HISTORY)
OBSERVE = insert(OBSERVATIONS)
_BY_TIME = (OBSERVATIONS.c.at, OBSERVATIONS.c.id)
_RUNS = (
    select(
        OBSERVATIONS.c.facts,
        OBSERVATIONS.c.at,
        OBSERVATIONS.c.id,
        OBSERVATIONS.c.essence,
        func.lag(OBSERVATIONS.c.essence)
        .over(order_by=(OBSERVATIONS.c.at, OBSERVATIONS.c.id))
        .label("before"),
        func.lead(OBSERVATIONS.c.essence)
        .over(order_by=(OBSERVATIONS.c.at, OBSERVATIONS.c.id))
        .label("after"),
    )
    .where(of_cutover(OBSERVATIONS))
    .subquery()
)
EDGES = (
    select(_RUNS.c.facts)
    .where(
        or_(
            _RUNS.c.essence.is_(None),
            _RUNS.c.before.is_(None),
            _RUNS.c.after.is_(None),
            _RUNS.c.before != _RUNS.c.essence,
            _RUNS.c.after != _RUNS.c.essence,
        )
    )
    .order_by(_RUNS.c.at, _RUNS.c.id)
)


class SqlCutovers:
    """ports.Cutovers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, cutover: Cutover) -> None:
        statement = insert_new(self._connection.dialect.name, CUTOVERS)
        if self._connection.execute(statement, cutover_columns(cutover)).first() is None:
            raise AlreadyOpen(cutover.domain)

    def get(self, team: Team, cutover_id: str) -> Cutover | None:
        return self._one(GET, team_key(team, of_id=cutover_id))

    def open_for(self, team: Team, domain: str) -> Cutover | None:
        return self._one(OPEN_FOR, team_key(team, of_domain=domain))

    def latest_for(self, team: Team, domain: str) -> Cutover | None:
        return self._one(LATEST_FOR, team_key(team, of_domain=domain))

    def by_thread(self, team: Team, channel: str, thread_ts: str) -> Cutover | None:
        return self._one(BY_THREAD, team_key(team, of_channel=channel, of_thread=thread_ts))

    def save(self, cutover: Cutover) -> Cutover:
        saved = replace(cutover, version=cutover.version + 1)
        key = team_key(cutover.team, of_id=cutover.id, of_version=cutover.version)
        try:
            changed = self._connection.execute(SAVE, {**cutover_columns(saved), **key}).rowcount
        except IntegrityError as error:
            raise AlreadyOpen(cutover.domain) from error  # opened again beside another open one
        if changed == 0:
            raise VersionConflict(cutover.id)
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
        wanted: list[ColumnElement[bool]] = [of_team(CUTOVERS)]
        if states is not None:
            wanted.append(CUTOVERS.c.state.in_(sorted(str(state) for state in states)))
        if owner is not None:
            wanted.append(CUTOVERS.c.owner == owner)
        domain: ColumnElement[str] = CUTOVERS.c.domain
        if self._connection.dialect.name == "postgresql":
            domain = domain.collate("C")  # as SQLite and Python sort: by code point
        count = select(func.count()).select_from(CUTOVERS).where(*wanted)
        page = select(CUTOVERS).where(*wanted).order_by(CUTOVERS.c.day, domain, CUTOVERS.c.seq)
        return Page(
            rows=tuple(self._many(page.limit(limit).offset(offset), team_key(team))),
            total=self._connection.execute(count, team_key(team)).scalar_one(),
        )

    def due_looks(
        self, now: datetime, limit: int, *, states: frozenset[State] | None = None
    ) -> Sequence[Cutover]:
        parameters = {"now": now, "limit": limit}
        if states is None:
            return self._many(DUE_LOOKS, parameters)
        return self._many(DUE_LOOKS_IN, {**parameters, "states": sorted(str(state) for state in states)})

    def _one(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Cutover | None:
        row = self._connection.execute(statement, parameters).mappings().first()
        return None if row is None else cutover_of(row)

    def _many(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Cutover]:
        return [cutover_of(row) for row in self._connection.execute(statement, parameters).mappings()]


class SqlHistory:
    """ports.History. The database itself refuses to change a line."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, team: Team, cutover_id: str, entry: HistoryEntry) -> None:
        values = {
            **team_columns(team),
            "cutover_id": cutover_id,
            "at": entry.at,
            "kind": entry.kind,
            "actor": entry.actor,
            "data": dict(entry.data),
        }
        self._connection.execute(APPEND, values)

    def of(
        self, team: Team, cutover_id: str, *, kinds: frozenset[str] | None = None
    ) -> Sequence[HistoryEntry]:
        statement = HISTORY_OF if kinds is None else HISTORY_OF_KINDS
        parameters = cutover_key(team, cutover_id)
        if kinds is not None:
            parameters["kinds"] = sorted(kinds)
        return [
            HistoryEntry(at=row["at"], kind=row["kind"], actor=row["actor"], data=row["data"])
            for row in self._connection.execute(statement, parameters).mappings()
        ]


class SqlObservations:
    """ports.Observations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, team: Team, cutover_id: str, facts: DomainFacts) -> None:
        values = {
            **team_columns(team),
            "cutover_id": cutover_id,
            "at": facts.at,
            "facts": facts_to_json(facts),
            "essence": essence(facts),
        }
        self._connection.execute(OBSERVE, values)

    def edges(self, team: Team, cutover_id: str) -> Sequence[DomainFacts]:
        found = self._connection.execute(EDGES, cutover_key(team, cutover_id)).scalars()
        return [facts_from_json(facts) for facts in found]

    def of(self, team: Team, cutover_id: str, *, since: datetime | None = None) -> Sequence[DomainFacts]:
        statement, parameters = OBSERVATIONS_OF, cutover_key(team, cutover_id)
        if since is not None:
            statement, parameters["since"] = OBSERVATIONS_SINCE, since
        found = self._connection.execute(statement, parameters).scalars()
        return [facts_from_json(facts) for facts in found]
