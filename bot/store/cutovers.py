"""Cutovers, their history and what was observed of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, func, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from bot.domain.cutover import Cutover, State
from bot.domain.facts import DomainFacts
from bot.domain.facts_json import facts_from_json, facts_to_json
from bot.domain.teams import Team
from bot.ports import AlreadyOpen, HistoryEntry, Page, VersionConflict
from bot.store.codec import cutover_columns, cutover_of, team_columns
from bot.store.dialect import insert_new
from bot.store.scope import of_cutover, of_team
from bot.store.tables import CUTOVERS, HISTORY, OBSERVATIONS, OPEN

IS_OPEN: ColumnElement[bool] = literal_column(f"({OPEN})")


class SqlCutovers:
    """ports.Cutovers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, cutover: Cutover) -> None:
        statement = insert_new(self._connection, CUTOVERS).values(cutover_columns(cutover))
        # RETURNING tells; the row count does not, on PostgreSQL.
        if self._connection.execute(statement.returning(CUTOVERS.c.seq)).first() is None:
            raise AlreadyOpen(cutover.domain)

    def get(self, team: Team, cutover_id: str) -> Cutover | None:
        return self._one(select(CUTOVERS).where(of_team(CUTOVERS, team), CUTOVERS.c.id == cutover_id))

    def open_for(self, team: Team, domain: str) -> Cutover | None:
        return self._one(
            select(CUTOVERS).where(of_team(CUTOVERS, team), CUTOVERS.c.domain == domain, IS_OPEN)
        )

    def latest_for(self, team: Team, domain: str) -> Cutover | None:
        return self._one(
            select(CUTOVERS)
            .where(of_team(CUTOVERS, team), CUTOVERS.c.domain == domain)
            .order_by(CUTOVERS.c.opened_at.desc(), CUTOVERS.c.seq.desc())
            .limit(1)
        )

    def by_thread(self, team: Team, channel: str, thread_ts: str) -> Cutover | None:
        return self._one(
            select(CUTOVERS)
            .where(of_team(CUTOVERS, team), CUTOVERS.c.channel == channel, CUTOVERS.c.thread_ts == thread_ts)
            .order_by(CUTOVERS.c.seq.desc())
            .limit(1)
        )

    def save(self, cutover: Cutover) -> Cutover:
        saved = replace(cutover, version=cutover.version + 1)
        statement = (
            update(CUTOVERS)
            .where(
                of_team(CUTOVERS, cutover.team),
                CUTOVERS.c.id == cutover.id,
                CUTOVERS.c.version == cutover.version,
            )
            .values(cutover_columns(saved))
        )
        try:
            changed = self._connection.execute(statement).rowcount
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
        wanted: list[ColumnElement[bool]] = [of_team(CUTOVERS, team)]
        if states is not None:
            wanted.append(CUTOVERS.c.state.in_(sorted(str(state) for state in states)))
        if owner is not None:
            wanted.append(CUTOVERS.c.owner == owner)
        total = self._connection.execute(
            select(func.count()).select_from(CUTOVERS).where(*wanted)
        ).scalar_one()
        domain: ColumnElement[str] = CUTOVERS.c.domain
        if self._connection.dialect.name == "postgresql":
            domain = domain.collate("C")  # as SQLite and Python sort: by code point
        rows = self._many(
            select(CUTOVERS)
            .where(*wanted)
            .order_by(CUTOVERS.c.day, domain, CUTOVERS.c.seq)
            .limit(limit)
            .offset(offset)
        )
        return Page(tuple(rows), total)

    def due_looks(self, now: datetime, limit: int) -> Sequence[Cutover]:
        return self._many(
            select(CUTOVERS)
            .where(IS_OPEN, CUTOVERS.c.next_look_at <= now)
            .order_by(CUTOVERS.c.next_look_at)
            .limit(limit)
        )

    def _one(self, statement: Select[tuple[object, ...]]) -> Cutover | None:
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else cutover_of(row)

    def _many(self, statement: Select[tuple[object, ...]]) -> Sequence[Cutover]:
        return [cutover_of(row) for row in self._connection.execute(statement).mappings()]


class SqlHistory:
    """ports.History. The database itself refuses to change a line."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, team: Team, cutover_id: str, entry: HistoryEntry) -> None:
        self._connection.execute(
            insert(HISTORY).values(
                **team_columns(team),
                cutover_id=cutover_id,
                at=entry.at,
                kind=entry.kind,
                actor=entry.actor,
                data=dict(entry.data),
            )
        )

    def of(
        self, team: Team, cutover_id: str, *, kinds: frozenset[str] | None = None
    ) -> Sequence[HistoryEntry]:
        statement = select(HISTORY).where(of_cutover(HISTORY, team, cutover_id)).order_by(HISTORY.c.id)
        if kinds is not None:
            statement = statement.where(HISTORY.c.kind.in_(sorted(kinds)))
        return [
            HistoryEntry(at=row["at"], kind=row["kind"], actor=row["actor"], data=row["data"])
            for row in self._connection.execute(statement).mappings()
        ]


class SqlObservations:
    """ports.Observations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, team: Team, cutover_id: str, facts: DomainFacts) -> None:
        self._connection.execute(
            insert(OBSERVATIONS).values(
                **team_columns(team), cutover_id=cutover_id, at=facts.at, facts=facts_to_json(facts)
            )
        )

    def of(self, team: Team, cutover_id: str, *, since: datetime | None = None) -> Sequence[DomainFacts]:
        statement = (
            select(OBSERVATIONS.c.facts)
            .where(of_cutover(OBSERVATIONS, team, cutover_id))
            .order_by(OBSERVATIONS.c.at, OBSERVATIONS.c.id)
        )
        if since is not None:
            statement = statement.where(OBSERVATIONS.c.at >= since)
        return [facts_from_json(facts) for facts in self._connection.execute(statement).scalars()]
