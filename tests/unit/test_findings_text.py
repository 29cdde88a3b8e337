"""Every finding has words in both languages, filled from its own arguments."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.content import LANGUAGES, messages
from bot.content.findings import finding_text
from bot.content.names_text import shown_name
from bot.domain.checks import Expectation, judge
from bot.domain.cutover import Instants
from bot.domain.facts import Outcome
from bot.domain.findings import Finding, Severity, Status
from bot.slack.material import Material
from bot.slack.notes import none_for
from bot.slack.voice import Voice
from tests.unit.dns_facts import GATEWAY, NOW, OLD, ONE, TWO, answer, both, failed
from tests.unit.dns_facts import facts as facts_of
from tests.unit.test_findings_complete import MORE
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

    for _, facts, expectation, _ in MORE:
        yield from judge(facts, Expectation(**{"now": NOW, **expectation}))
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


IDN, READABLE = "xn--wgv71a119e.jp", "日本語.jp"


@pytest.mark.parametrize("finding", ALL.values(), ids=[f"{i} {s}" for i, s, _ in ALL])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_japanese_domain_is_read_as_it_is_written_with_what_dns_takes_beside_it(
    finding: Finding, lang: str
) -> None:
    was = str(finding.args["domain"])

    def moved(value: object) -> object:
        if isinstance(value, str):
            return re.sub(rf"(?<![\w-]){re.escape(was)}\b", IDN, value)
        return [moved(item) for item in value] if isinstance(value, (list, tuple)) else value

    there = Finding(
        finding.id, finding.status, finding.severity, {k: moved(v) for k, v in finding.args.items()}
    )
    for before, words in zip(finding_text(finding, lang), finding_text(there, lang), strict=True):
        # Read: the readable form never alone, nor as a part of a longer name that is to be copied.
        assert not re.search(rf"{READABLE}(?!\.? \(\S*{IDN})", words)
        assert not re.search(rf"(mta-sts|_tls|\*)\.{READABLE}", words)
        # To copy: as DNS takes it.
        blocks = re.compile(r"```.*?```", re.DOTALL)
        assert all(block.isascii() for block in blocks.findall(words))
        if re.search(rf"(?<![.\w-]){re.escape(was)}(?![\w.])", blocks.sub("", before)):
            assert f"{READABLE} ({IDN})" in words


def test_a_host_of_a_japanese_domain_is_shown_in_both_forms() -> None:
    held = Finding("mx.missing-dot", Status.WRONG, Severity.BLOCK, {
        "domain": IDN, "exchange": f"mgf.cybermail.jp.{IDN}.", "meant": "mgf.cybermail.jp.",
        "servers": [], "lines": f"{IDN}. 300 IN MX 10 mgf.cybermail.jp.",
    })  # fmt: skip
    text, remedy = finding_text(held, "ja")
    assert f"`mgf.cybermail.jp.{READABLE}. (mgf.cybermail.jp.{IDN}.)`" in text
    assert f"```\n{IDN}. 300 IN MX 10 mgf.cybermail.jp.\n```" in remedy
    left = Finding("mx.leftover-old", Status.WRONG, Severity.HIGH, {
        "domain": IDN, "hosts": [f"mail.{IDN}.", "mail.example.jp."], "servers": [],
        "delete": "", "lines": "",
    })  # fmt: skip
    assert f"mail.{READABLE}. (mail.{IDN}.)、mail.example.jp." in finding_text(left, "ja")[0]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_slack_shows_both_forms_and_a_command_to_copy_takes_the_one_of_dns(lang: str) -> None:
    voice = Voice(lang)
    data = {"id": "dnssec.bogus", "status": "wrong", "severity": "block", "args": {"domain": IDN}}
    assert f"`{READABLE} ({IDN})`" in voice.finding(data)[0]
    told = str(none_for(voice, Material(NOW), {"domain": IDN}).blocks)
    assert f"{READABLE} ({IDN})" in told
    assert f"`/mxcutover start {IDN}`" in told


def test_a_name_that_nobody_may_register_is_not_made_readable() -> None:
    forged = "xn--mgf-.jp"
    assert shown_name(forged) == forged
    assert shown_name("mail.xn--0.jp.") == "mail.xn--0.jp."
    assert shown_name(IDN.upper()).startswith(READABLE.partition(".")[0])


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
