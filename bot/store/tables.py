"""The tables. Everything is keyed by (enterprise_id, team_id), and every query is scoped by it.

Times are aware UTC: SQLModel stores them so for a plain `datetime` field. Never give such a field an
explicit Column(DateTime(timezone=True)): SQLite would hand back naive values, nine hours off in Tokyo.
A table model validates nothing: domain types are apart, and `codec` turns one into the other.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    event,
    literal_column,
    text,
)
from sqlalchemy.schema import DDL
from sqlmodel import Field, SQLModel

from bot.domain.cutover import OPEN_STATES, State
from bot.ports import Delivery


class Base(SQLModel):
    """Metadata of our own: other packages' tables do not mix with ours in a migration."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def one_of(column: str, values: list[str]) -> str:
    """The SQL condition that a column holds one of `values`. Constants only: nothing a person typed."""
    return f"{column} IN ({', '.join(repr(value) for value in sorted(values))})"


# The conditions of the partial indexes. A query must repeat them word for word, as literals: PostgreSQL's
# generic plan of a prepared statement cannot know that a parameter is 'pending', and scans the table.
PENDING = "state = 'pending'"
NEW = "state = 'new'"
OPEN = one_of("state", [str(state) for state in OPEN_STATES])

REMINDER_STATES = ["pending", "withdrawn", "fired", "dropped", "not_needed"]
OUTBOX_STATES = ["pending", "sent", "failed"]
INBOX_STATES = ["new", "done", "failed"]


def is_state(state: ColumnElement[str], value: str) -> ColumnElement[bool]:
    """`state = 'value'` as a literal, so that a partial index can serve it."""
    return state == literal_column(f"'{value}'")


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


def _id() -> Column[int]:
    return Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _json(*, nullable: bool = False) -> Column[Any]:
    return Column(JSON(none_as_null=True), nullable=nullable)


def _of_cutover() -> ForeignKeyConstraint:
    """Deferred, so that a transaction may write in any order; it must fit when it commits."""
    return ForeignKeyConstraint(
        ["enterprise_id", "team_id", "cutover_id"],
        ["cutovers.enterprise_id", "cutovers.team_id", "cutovers.id"],
        deferrable=True,
        initially="DEFERRED",
    )


class CutoverRow(Base, table=True):
    """domain.cutover.Cutover. `seq` is the order in which cutovers were opened."""

    __tablename__ = "cutovers"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "team_id", "id", name="uq_cutovers_id"),
        CheckConstraint(one_of("state", [str(state) for state in State]), name="state"),
        CheckConstraint("version >= 0 AND plan_version >= 1", name="versions"),
        _partial("ux_cutovers_open", "enterprise_id", "team_id", "domain", where=OPEN, unique=True),
        _partial("ix_cutovers_look", "next_look_at", where=OPEN),
        Index("ix_cutovers_domain", "enterprise_id", "team_id", "domain", "opened_at"),
        Index("ix_cutovers_thread", "enterprise_id", "team_id", "channel", "thread_ts"),
        Index("ix_cutovers_day", "enterprise_id", "team_id", "day", "domain"),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, sa_column=_id())
    enterprise_id: str
    team_id: str
    id: str
    domain: str
    product: str
    plan: str
    mail_service: str
    expected: list[Any] = Field(sa_column=_json())
    day: datetime
    owner: str
    channel: str
    opened_at: datetime
    lang: str
    tz: str
    state: str
    plan_version: int
    version: int
    steps: dict[str, Any] = Field(sa_column=_json())
    snapshot: dict[str, Any] | None = Field(default=None, sa_column=_json(nullable=True))
    instants: dict[str, Any] = Field(sa_column=_json())
    asked: str | None = None
    thread_ts: str | None = None
    assignees: list[str] = Field(sa_column=_json())
    next_look_at: datetime | None = None
    progress_ts: str | None = None
    alert: str | None = None


class HistoryRow(Base, table=True):
    """Append-only: triggers refuse UPDATE, and DELETE but for a cutover named in `history_purges`."""

    __tablename__ = "history"
    __table_args__ = (
        _of_cutover(),
        Index("ix_history_cutover", "enterprise_id", "team_id", "cutover_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=_id())
    enterprise_id: str
    team_id: str
    cutover_id: str
    at: datetime
    kind: str
    actor: str | None = None
    data: dict[str, Any] = Field(sa_column=_json())


class HistoryPurgeRow(Base, table=True):
    """That, when and why a cutover's history was removed: the only way past the triggers leaves a mark."""

    __tablename__ = "history_purges"

    enterprise_id: str = Field(primary_key=True)
    team_id: str = Field(primary_key=True)
    cutover_id: str = Field(primary_key=True)
    at: datetime
    reason: str


class ReminderRow(Base, table=True):
    """ports.ReminderRow. A leased row stays pending until it is settled by its token."""

    __tablename__ = "reminders"
    __table_args__ = (
        _of_cutover(),
        UniqueConstraint(
            "enterprise_id", "team_id", "cutover_id", "plan_version", "kind", name="uq_reminders_plan"
        ),
        CheckConstraint(one_of("state", REMINDER_STATES), name="state"),
        _partial("ix_reminders_due", "due_at", "id", where=PENDING),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=_id())
    enterprise_id: str
    team_id: str
    cutover_id: str
    plan_version: int
    kind: str
    due_at: datetime
    late: str
    args: dict[str, Any] = Field(sa_column=_json())
    state: str
    token: str | None = None
    lease_until: datetime | None = None
    settled_at: datetime | None = None


class OutboxTable(Base, table=True):
    """ports.OutboxRow. `lane` is what keeps its order: a channel, or one person's DM; NULL: none."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "team_id", "key", name="uq_outbox_key"),
        CheckConstraint(one_of("state", OUTBOX_STATES), name="state"),
        CheckConstraint(one_of("delivery", [str(delivery) for delivery in Delivery]), name="delivery"),
        _partial("ix_outbox_pending", "id", where=PENDING),
        _partial("ix_outbox_lane", "lane", "id", where=PENDING),
        Index("ix_outbox_settled", "settled_at"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=_id())
    enterprise_id: str
    team_id: str
    delivery: str
    kind: str
    args: dict[str, Any] = Field(sa_column=_json())
    lang: str
    channel: str | None = None
    user_id: str | None = None
    thread_ts: str | None = None
    update_ts: str | None = None
    response_url: str | None = None
    cutover_id: str | None = None
    not_before: datetime | None = None
    key: str
    lane: str | None = None
    state: str
    attempts: int
    mistakes: int | None = None
    unknown: bool
    token: str | None = None
    lease_until: datetime | None = None
    put_at: datetime
    tried_at: datetime | None = None
    settled_at: datetime | None = None
    ts: str | None = None
    error: str | None = None


class InboxTable(Base, table=True):
    """ports.InboxRow. `at` is when it was accepted."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "team_id", "delivery_id", name="uq_inbox_delivery"),
        CheckConstraint(one_of("state", INBOX_STATES), name="state"),
        _partial("ix_inbox_new", "at", "id", where=NEW),
        Index("ix_inbox_settled", "settled_at"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=_id())
    enterprise_id: str
    team_id: str
    delivery_id: str
    kind: str
    payload: dict[str, Any] = Field(sa_column=_json())
    at: datetime
    state: str
    error_id: str | None = None
    settled_at: datetime | None = None


class PersonRow(Base, table=True):
    """ports.Person."""

    __tablename__ = "people"

    enterprise_id: str = Field(primary_key=True)
    team_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    locale: str
    tz: str
    is_guest: bool
    at: datetime


class ObservationRow(Base, table=True):
    """One look at DNS, for the instants that are derived from all of them."""

    __tablename__ = "observations"
    __table_args__ = (
        _of_cutover(),
        Index("ix_observations_cutover", "enterprise_id", "team_id", "cutover_id", "at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=_id())
    enterprise_id: str
    team_id: str
    cutover_id: str
    at: datetime
    facts: dict[str, Any] = Field(sa_column=_json())
    essence: str | None = None  # None: stored by a release before it was kept


class PlaceRow(Base, table=True):
    """Where somebody stands in a conversation."""

    __tablename__ = "places"
    __table_args__ = (Index("ix_places_at", "at"),)

    enterprise_id: str = Field(primary_key=True)
    team_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: dict[str, Any] = Field(sa_column=_json())
    at: datetime


class QuestionRow(Base, table=True):
    """ports.Question."""

    __tablename__ = "questions"
    __table_args__ = (Index("ix_questions_at", "at"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, sa_column=_id())
    enterprise_id: str
    team_id: str
    text: str
    lang: str
    decision: str
    entry: str | None = None
    at: datetime
    helped: bool | None = None


class WorkspaceRow(Base, table=True):
    """What belongs to a workspace as a whole. `installation` NULL: not installed (any more)."""

    __tablename__ = "workspaces"

    enterprise_id: str = Field(primary_key=True)
    team_id: str = Field(primary_key=True)
    installation: dict[str, Any] | None = Field(default=None, sa_column=_json(nullable=True))
    settings: dict[str, Any] | None = Field(default=None, sa_column=_json(nullable=True))
    at: datetime


METADATA = Base.metadata


def _table(model: type[Base]) -> Table:
    return METADATA.tables[str(model.__tablename__)]


CUTOVERS = _table(CutoverRow)
HISTORY = _table(HistoryRow)
HISTORY_PURGES = _table(HistoryPurgeRow)
REMINDERS = _table(ReminderRow)
OUTBOX = _table(OutboxTable)
INBOX = _table(InboxTable)
PEOPLE = _table(PersonRow)
OBSERVATIONS = _table(ObservationRow)
PLACES = _table(PlaceRow)
QUESTIONS = _table(QuestionRow)
WORKSPACES = _table(WorkspaceRow)


_PURGED = (
    "EXISTS (SELECT 1 FROM history_purges p WHERE p.enterprise_id = OLD.enterprise_id"
    " AND p.team_id = OLD.team_id AND p.cutover_id = OLD.cutover_id)"
)

SQLITE_TRIGGERS = (
    "CREATE TRIGGER history_no_update BEFORE UPDATE ON history"
    " BEGIN SELECT RAISE(ABORT, 'history is append-only'); END",
    f"CREATE TRIGGER history_no_delete BEFORE DELETE ON history WHEN NOT {_PURGED}"
    " BEGIN SELECT RAISE(ABORT, 'history is append-only'); END",
)
POSTGRESQL_TRIGGERS = (
    "CREATE FUNCTION history_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" IF TG_OP = 'DELETE' THEN IF {_PURGED} THEN RETURN OLD; END IF; END IF;"
    " RAISE EXCEPTION 'history is append-only' USING ERRCODE = 'restrict_violation'; END $$",
    "CREATE TRIGGER history_no_change BEFORE UPDATE OR DELETE ON history"
    " FOR EACH ROW EXECUTE FUNCTION history_append_only()",
    "CREATE TRIGGER history_no_truncate BEFORE TRUNCATE ON history"
    " FOR EACH STATEMENT EXECUTE FUNCTION history_append_only()",
)

for _dialect, _statements in (("sqlite", SQLITE_TRIGGERS), ("postgresql", POSTGRESQL_TRIGGERS)):
    for _statement in _statements:
        event.listen(METADATA, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
