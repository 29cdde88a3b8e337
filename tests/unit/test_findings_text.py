"""Every finding has words in both languages, filled from its own arguments."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.content import LANGUAGES, messages
from bot.content.findings import finding_text
from bot.domain.checks import Expectation, judge
from bot.domain.cutover import Instants
from bot.domain.facts import Outcome
from bot.domain.findings import Finding, Severity, Status
from tests.unit.dns_facts import GATEWAY, NOW, OLD, ONE, TWO, answer, both, failed
from tests.unit.dns_facts import facts as facts_of
from tests.unit.test_findings_mail import ROWS as MAIL_ROWS
from tests.unit.test_findings_mail import SILENT
from tests.unit.test_findings_mx import SETS
from tests.unit.test_findings_zone import ROWS


def findings() -> Iterator[Finding]:
    """Every finding that the scenario tables bring about, in all its states."""
    for _, seen, expected, _ in SETS:
        yield from judge(both(seen), Expectation(expected=expected, before=OLD, now=NOW))
    for _, _, facts, expectation, _ in (*ROWS, *MAIL_ROWS):
        yield from judge(
            facts, Expectation(**{"now": NOW, "expected": GATEWAY, "before": OLD, **expectation})
        )

    for _, facts in SILENT:
        yield from judge(facts, Expectation(expected=GATEWAY, before=OLD, now=NOW))
    nobody = facts_of(failed(ONE, Outcome.TIMEOUT), delegation=Outcome.TIMEOUT)
    yield from judge(nobody, Expectation(expected=GATEWAY, now=NOW))
    after = Instants(t_flip=NOW - timedelta(days=11))
    yield from judge(nobody, Expectation(expected=GATEWAY, now=NOW, instants=after, ttl_before=3600))
    yield from judge(both(OLD), Expectation(expected=GATEWAY, before=OLD, changed=True, now=NOW))
    yield from judge(both(OLD), Expectation(expected=GATEWAY, before=OLD, now=NOW, planned_at=NOW + HOUR))
    yield from judge(facts_of(answer(ONE, OLD), answer(TWO, GATEWAY)), Expectation(now=NOW))
    yield from judge(both(OLD, parent=Outcome.TIMEOUT, parent_ns=()), Expectation(now=NOW))
    yield from judge(facts_of(answer(ONE, OLD, owner_cname="www.example.net.")), Expectation(now=NOW))


HOUR = timedelta(hours=1)
ALL = {(f.id, f.status, tuple(sorted(f.args))): f for f in findings()}


@pytest.mark.parametrize("finding", ALL.values(), ids=[f"{i} {s}" for i, s, _ in ALL])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_finding_speaks_both_languages(finding: Finding, lang: str) -> None:
    text, remedy = finding_text(finding, lang)
    assert text
    if finding.status is Status.WRONG:
        assert remedy
    for words in (text, remedy):
        assert not re.search(r"\{\w*\}|None|\[\]|datetime|Outcome\.", words)


def test_values_from_outside_are_escaped_and_our_own_text_is_not() -> None:
    finding = Finding(
        "target.is-cname", Status.WRONG, Severity.BLOCK, {"domain": "d", "host": "<h>", "cname": "<!channel>"}
    )
    text, _ = finding_text(finding, "en", lambda value: value.replace("<", "&lt;"))
    assert "<" not in text
    assert "`&lt;!channel>`" in text


def test_a_text_that_no_check_uses_would_be_found() -> None:
    """Each family of keys belongs to an id that some scenario brings about, in that very state."""
    spoken = {(f.id, f.status) for f in ALL.values()}
    states = {".ok": Status.OK, ".unknown": Status.UNKNOWN, ".late": Status.WRONG, "": Status.WRONG}
    unused = []
    for key in messages():
        match = re.fullmatch(r"finding\.(.+?)(\.ok|\.unknown|\.late)?\.text", key)
        if match and (match[1], states[match[2] or ""]) not in spoken:
            unused.append(key)
    assert unused == []
