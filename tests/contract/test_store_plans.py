"""Queries that run every second, or on every click, are served by an index, whatever else is stored."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from psycopg import ClientCursor
from sqlalchemy import event, insert, text

from bot.domain.cutover import State
from bot.domain.facts_json import facts_to_json
from bot.store.codec import cutover_columns, team_columns
from bot.store.engine import SqlStore
from bot.store.tables import CUTOVERS, HISTORY, INBOX, OBSERVATIONS, OUTBOX, REMINDERS
from bot.store.tx import SqlTx
from tests.contract.conftest import SqlOpener
from tests.contract.samples import LONG, NOW, A, cutover, facts

MANY = 3000


@pytest.fixture
async def filled(sql_opener: SqlOpener) -> SqlStore:
    """Many rows that are not due, settled, closed or another's."""
    store = sql_opener()

    def fill(tx: SqlTx) -> None:
        on = tx.connection.execute
        later = NOW + timedelta(days=90)
        team = team_columns(A)
        on(insert(CUTOVERS), [cutover_columns(cutover(n, next_look_at=later)) for n in range(MANY)])
        of_one = [{**team, "cutover_id": f"c{n}"} for n in range(MANY)]
        on(insert(HISTORY), [{**row, "at": NOW, "kind": "x", "data": {}} for row in of_one])
        on(insert(OBSERVATIONS), [{**row, "at": NOW, "facts": facts_to_json(facts())} for row in of_one])
        reminder = {"plan_version": 1, "kind": "x", "late": "send", "args": {}}
        for version, state in ((1, "pending"), (2, "fired")):
            rows = [
                {**row, **reminder, "plan_version": version, "due_at": later, "state": state}
                for row in of_one
            ]
            on(insert(REMINDERS), rows)
        message = {"delivery": "post", "kind": "x", "args": {}, "lang": "ja", "attempts": 1, "put_at": NOW}
        on(
            insert(OUTBOX),
            [
                {**team, **message, "key": str(n), "lane": "x", "state": "sent", "unknown": False}
                for n in range(MANY)
            ],
        )
        on(
            insert(INBOX),
            [
                {**team, "delivery_id": str(n), "kind": "event", "payload": {}, "at": NOW, "state": "done"}
                for n in range(MANY)
            ],
        )
        on(text("ANALYZE"))

    await store.transact(fill)
    return store


QUERIES: dict[str, tuple[Callable[[SqlTx], Any], str]] = {
    "reminders.claim": (lambda tx: tx.reminders.claim(NOW, limit=20, lease=LONG), "ix_reminders_due"),
    "reminders.next_due": (lambda tx: tx.reminders.next_due(), "ix_reminders_due"),
    "reminders.pending": (lambda tx: tx.reminders.pending(A, "c7"), "uq_reminders_plan"),
    "outbox.claim": (lambda tx: tx.outbox.claim(NOW, limit=20, lease=LONG), "ix_outbox_pending"),
    "outbox.unsettled": (lambda tx: tx.outbox.unsettled(), "ix_outbox_"),
    "inbox.unprocessed": (lambda tx: tx.inbox.unprocessed(older_than=NOW, limit=9), "ix_inbox_new"),
    "cutovers.due_looks": (lambda tx: tx.cutovers.due_looks(NOW, 9), "ix_cutovers_look"),
    "cutovers.due_looks in": (
        lambda tx: tx.cutovers.due_looks(NOW, 9, states=frozenset({State.CHANGING})),
        "ix_cutovers_look",
    ),
    "cutovers.get": (lambda tx: tx.cutovers.get(A, "c7"), "uq_cutovers_id"),
    "cutovers.open_for": (lambda tx: tx.cutovers.open_for(A, "example7.co.jp"), "cutovers_"),
    "cutovers.latest_for": (lambda tx: tx.cutovers.latest_for(A, "example7.co.jp"), "ix_cutovers_domain"),
    "cutovers.by_thread": (lambda tx: tx.cutovers.by_thread(A, "C", "1.1"), "ix_cutovers_thread"),
    "history.of": (lambda tx: tx.history.of(A, "c7"), "ix_history_cutover"),
    "observations.of": (lambda tx: tx.observations.of(A, "c7"), "ix_observations_cutover"),
}


async def test_an_index_serves_each_query(filled: SqlStore) -> None:
    seen: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "EXPLAIN")):
            seen.append((statement, parameters))

    event.listen(filled.engine, "before_cursor_execute", listen)

    def explain(tx: SqlTx, work: Callable[[SqlTx], Any]) -> str:
        seen.clear()
        work(tx)
        ((statement, parameters),) = seen
        if filled.engine.dialect.name == "postgresql":
            return _generic_plan(tx, statement, parameters)
        rows = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(str(row[-1]) for row in rows)

    for name, (work, index) in QUERIES.items():
        plan = await filled.transact(lambda tx, work=work: explain(tx, work))  # type: ignore[misc]
        # SQLite names the index of a constraint by itself.
        assert index in plan or f"sqlite_autoindex_{name.split('.')[0]}" in plan, f"{name}: {plan}"
        if not name.endswith(".claim"):
            # A generic plan does not know the claim's LIMIT, and at this size scans to find its rows by id.
            assert "Seq Scan" not in plan, f"{name}: {plan}"
        assert not re.search(r"SCAN (?!due|ready)\w+$", plan, re.MULTILINE), f"{name}: {plan}"


def _generic_plan(tx: SqlTx, statement: str, parameters: dict[str, Any]) -> str:
    """The plan of the statement once it is prepared, as psycopg does with what it sees often."""
    names = list(parameters)
    numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement)
    driver: Any = tx.connection.connection.driver_connection
    with ClientCursor(driver) as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE seen AS {numbered}".replace("%%", "%"))
        values = f"({', '.join(['%s'] * len(names))})" if names else ""
        cursor.execute(f"EXPLAIN EXECUTE seen{values}", [parameters[name] for name in names])
        plan = "\n".join(str(row[0]) for row in cursor.fetchall())
        cursor.execute("DEALLOCATE seen")
    return plan
