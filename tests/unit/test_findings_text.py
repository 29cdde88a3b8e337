"""Every finding has words in both languages, filled from its own arguments."""

import re
from collections.abc import Iterator

import pytest

from bot.content import LANGUAGES
from bot.content.findings import finding_text
from bot.domain.checks import Expectation, judge
from bot.domain.findings import Finding, Severity, Status
from tests.unit.dns_facts import GATEWAY, NOW, OLD, both
from tests.unit.test_findings_mx import SETS
from tests.unit.test_findings_zone import ROWS


def findings() -> Iterator[Finding]:
    """Every finding that the scenario tables bring about, in all its states."""
    for _, seen, expected, _ in SETS:
        yield from judge(both(seen), Expectation(expected=expected, before=OLD, now=NOW))
    for _, _, facts, expectation, _ in ROWS:
        yield from judge(
            facts, Expectation(**{"now": NOW, "expected": GATEWAY, "before": OLD, **expectation})
        )


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
