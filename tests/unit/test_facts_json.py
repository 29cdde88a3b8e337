"""Facts survive the store and `--json` unchanged."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.facts import DomainFacts, HostAddresses, MxAnswer, MxRecord, Outcome, Server
from bot.domain.facts_json import facts_from_json, facts_to_json
from bot.domain.mx import Mx

st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))


@settings(max_examples=60, deadline=None)
@given(facts=st.from_type(DomainFacts))
def test_whatever_was_seen_comes_back_as_it_was(facts: DomainFacts) -> None:
    assert facts_from_json(json.loads(json.dumps(facts_to_json(facts)))) == facts


def _facts() -> DomainFacts:
    at = datetime(2026, 12, 5, 13, tzinfo=UTC)
    server = Server("01.dnsv.jp.", "192.0.2.11")
    record = MxRecord(Mx(10, "mgf.cybermail.jp."), 300)
    return DomainFacts(
        "example.co.jp",
        at,
        (MxAnswer(server, at, Outcome.ANSWER, True, "NOERROR", (record,)),),
        targets={"mgf.cybermail.jp.": HostAddresses("mgf.cybermail.jp.", Outcome.ANSWER, ("192.0.2.80",))},
    )


def test_what_an_older_version_stored_is_still_read() -> None:
    data = facts_to_json(_facts())
    del data["spf"], data["zone_answers"]
    data["a field of some other version"] = 1
    assert facts_from_json(data) == _facts()


@pytest.mark.parametrize(
    "spoil",
    [
        {"at": "2026-12-05T13:00:00"},
        {"at": None},
        {"delegation": "perhaps"},
        {"authoritative": 3},
        {"by_hand": 1},
        {"domain": 7},
    ],
)
def test_what_cannot_be_facts_is_refused(spoil: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        facts_from_json({**facts_to_json(_facts()), **spoil})


def test_a_missing_domain_is_refused_with_its_name() -> None:
    data = facts_to_json(_facts())
    del data["domain"]
    with pytest.raises(ValueError, match="domain"):
        facts_from_json(data)
