"""Whatever a cutover can hold survives being stored."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from bot.domain.cutover import (
    Cutover,
    Instants,
    MailService,
    Plan,
    Product,
    Snapshot,
    State,
    Step,
    StepState,
    StepStatus,
)
from bot.domain.mx import Mx
from bot.domain.teams import Team
from bot.ports import Delivery, Outgoing
from bot.store import codec
from bot.store.engine import create, parse_url
from bot.store.tables import CUTOVERS, METADATA, OUTBOX

# What PostgreSQL can hold as text: no NUL, no half of a surrogate pair.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
MAYBE = st.none() | TEXT
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-3, minutes=-30))])
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001
MX_SETS = st.frozensets(st.builds(Mx, st.integers(0, 65535), TEXT), max_size=4)
CUTOVERS_ANY = st.builds(
    Cutover,
    id=TEXT,
    team=st.builds(Team, TEXT, TEXT),
    domain=TEXT,
    product=st.sampled_from(Product),
    plan=st.sampled_from(Plan),
    mail_service=st.sampled_from(MailService),
    expected=MX_SETS,
    day=TIMES,
    owner=TEXT,
    channel=TEXT,
    opened_at=TIMES,
    lang=TEXT,
    tz=TEXT,
    state=st.sampled_from(State),
    plan_version=st.integers(1, 2**31 - 1),
    version=st.integers(0, 2**31 - 1),
    steps=st.dictionaries(
        st.sampled_from(Step),
        st.builds(
            StepState,
            status=st.sampled_from(StepStatus),
            by=MAYBE,
            at=st.none() | TIMES,
            reason=MAYBE,
            verified=st.booleans(),
        ),
    ),
    snapshot=st.none()
    | st.builds(
        Snapshot,
        mx=MX_SETS,
        ttl=st.none() | st.integers(0, 2**31 - 1),
        nameservers=st.lists(TEXT, max_size=3).map(tuple),
        dns_host=MAYBE,
        at=TIMES,
    ),
    instants=st.builds(Instants, *([st.none() | TIMES] * 4)),
    asked=st.none() | st.sampled_from(Step),
    thread_ts=MAYBE,
    assignees=st.lists(TEXT, max_size=3).map(tuple),
    next_look_at=st.none() | TIMES,
    progress_ts=MAYBE,
    alert=MAYBE,
)


@pytest.fixture(scope="module")
def connection() -> Any:
    engine = create(parse_url("sqlite://"))
    METADATA.create_all(engine)
    with engine.connect() as opened:
        yield opened
        opened.rollback()
    engine.dispose()


@given(stored=CUTOVERS_ANY)
def test_a_cutover_survives_the_database(connection: Any, stored: Cutover) -> None:
    with connection.begin_nested() as savepoint:
        connection.execute(insert(CUTOVERS).values(codec.cutover_columns(stored)))
        (row,) = connection.execute(select(CUTOVERS)).mappings()
        savepoint.rollback()
    found = codec.cutover_of(row)
    assert found == stored
    assert found.day.utcoffset() == timedelta(0)  # UTC inside, whatever zone it came with


def test_every_field_of_a_cutover_has_a_column() -> None:
    """A field that is added to the domain and forgotten here would be lost in silence."""
    columns = set(CUTOVERS.c.keys()) - {"seq", "enterprise_id", "team_id"}
    assert columns == {each.name for each in fields(Cutover)} - {"team"}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(
    message=st.builds(
        Outgoing,
        delivery=st.sampled_from(Delivery),
        kind=TEXT,
        args=st.dictionaries(TEXT, JSON_VALUES, max_size=3),
        lang=TEXT,
        channel=MAYBE,
        user=MAYBE,
        thread_ts=MAYBE,
        update_ts=MAYBE,
        response_url=MAYBE,
        cutover_id=MAYBE,
        not_before=st.none() | TIMES,
        key=TEXT,
    )
)
def test_a_message_survives_its_columns(message: Outgoing) -> None:
    columns: Any = codec.outgoing_columns(message)
    assert set(columns) <= set(OUTBOX.c.keys())
    assert codec.outgoing_of({**columns, "args": json.loads(json.dumps(columns["args"]))}) == message  # type: ignore[arg-type]


def test_a_time_without_a_zone_is_not_written_into_json() -> None:
    with pytest.raises(ValueError, match="zone"):
        codec.time_to_json(datetime(2026, 12, 5, 22))  # noqa: DTZ001
