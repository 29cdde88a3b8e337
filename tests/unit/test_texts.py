"""Texts to copy: announcement and request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.content import LANGUAGES, TOKYO
from bot.content.texts import Change, announcement, change_of, dns_request
from bot.domain.cutover import Cutover, MailService, Plan, Product, Snapshot, Step, StepState, StepStatus
from bot.domain.mx import Mx
from bot.domain.plan import PlanRequest, make_plan
from bot.domain.teams import Team
from bot.holidays import japanese_calendar

NOW = datetime(2026, 10, 20, 12, tzinfo=TOKYO)
AT = datetime(2026, 12, 5, 22, tzinfo=TOKYO)
CUTOVER = Cutover(
    id="c1",
    team=Team("", "T1"),
    domain="example.co.jp",
    product=Product.MAILGATES,
    plan=Plan.SIGMA,
    mail_service=MailService.GOOGLE,
    expected=frozenset({Mx(10, "mgf.cybermail.jp.")}),
    day=AT.astimezone(UTC),
    owner="U1",
    channel="C1",
    opened_at=NOW.astimezone(UTC),
    snapshot=Snapshot(frozenset({Mx(10, "mx.old.example.")}), 3600, ("ns1.example.",), None, NOW),
)


def change(cutover: Cutover = CUTOVER, **more: object) -> Change:
    request = PlanRequest(at=cutover.day, now=NOW, ttl=3600, **more)  # type: ignore[arg-type]
    return change_of(cutover, make_plan(request, japanese_calendar()), "example.co.jp")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_request_has_three_tasks_with_the_exact_lines(lang: str) -> None:
    body = dns_request(change(), lang).body
    assert [line[:2] for line in body.splitlines() if line[:2] in ("1.", "2.", "3.", "4.")] == [
        "1.",
        "2.",
        "3.",
    ]
    assert "example.co.jp. 300 IN MX 10 mx.old.example." in body
    assert "example.co.jp. 300 IN MX 10 mgf.cybermail.jp." in body
    assert "mgf.cybermail.jp.example.co.jp" in body  # what a missing dot turns into
    assert "3600" in body
    assert "{" not in body


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_ttl_that_cannot_be_changed_is_not_asked_for(lang: str) -> None:
    skipped = CUTOVER.with_step(Step.TTL, StepState(StepStatus.SKIPPED, reason="固定"))
    body = dns_request(change(skipped, can_lower_ttl=False), lang).body
    assert "1." in body
    assert "2." not in body
    assert "example.co.jp. 3600 IN MX 10 mgf.cybermail.jp." in body


def test_an_unknown_old_mx_is_not_invented() -> None:
    body = dns_request(change(replace(CUTOVER, snapshot=None)), "ja").body
    assert "現在登録されている MX レコードすべて" in body
    assert "None" not in body


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_announcement_says_when_and_until_when(lang: str) -> None:
    letter = announcement(change(), lang)
    assert "22:00" in letter.subject
    assert "22:05" in letter.body
    assert "22:05" not in announcement(replace(change(), safe_from=None), lang).body
    assert "cybermail" not in letter.body  # no words of DNS for the users
    assert "TTL" not in letter.body


def test_times_are_those_of_the_reader() -> None:
    assert "13:00" in announcement(change(), "en", tz=ZoneInfo("UTC")).subject
    assert change().lower_by == datetime(2026, 11, 25, 10, tzinfo=TOKYO)
    assert (change().restore_after or AT) - AT >= timedelta(days=10)
