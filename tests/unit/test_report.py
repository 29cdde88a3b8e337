"""The report of a cutover, and its history for other programs."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import LANGUAGES
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
from bot.domain.facts import DomainFacts, MxAnswer, MxRecord, Outcome, Server
from bot.domain.mx import Mx
from bot.domain.teams import Team
from bot.ports import HistoryEntry
from bot.report import build, history_csv, history_json, to_html, to_markdown

FLIP = datetime(2026, 12, 5, 13, 3, tzinfo=UTC)
NEW = Mx(10, "mgf.cybermail.jp.")
CUTOVER = Cutover(
    id="c1",
    team=Team("", "T1"),
    domain="example.co.jp",
    product=Product.SECURITYSUITE,
    plan=Plan.STANDARD,
    mail_service=MailService.GOOGLE,
    expected=frozenset({NEW}),
    day=datetime(2026, 12, 5, 13, tzinfo=UTC),
    owner="U1",
    channel="C1",
    opened_at=datetime(2026, 11, 1, tzinfo=UTC),
    state=State.FINISHED,
    assignees=("U2",),
    steps={
        Step.TTL: StepState(StepStatus.DONE, "U1", FLIP - timedelta(days=9), verified=True),
        Step.ZIP: StepState(StepStatus.SKIPPED, "U2", FLIP, reason="*使わない* | <b>"),
        Step.MX: StepState(StepStatus.DONE, None, FLIP, verified=True),
    },
    snapshot=Snapshot(frozenset({Mx(5, "mx.old.example.")}), 3600, ("ns1.example.",), None, FLIP),
    instants=Instants(t_flip=FLIP, t_safe=FLIP + timedelta(minutes=5)),
)
HISTORY = [
    HistoryEntry(datetime(2026, 11, 1, tzinfo=UTC), "opened", "U1", {"domain": "example.co.jp"}),
    HistoryEntry(FLIP - timedelta(days=10), "reminded", None, {"kind": "lower_ttl"}),
    HistoryEntry(FLIP, "event", None, {"event": "mx_seen_all"}),
    HistoryEntry(FLIP, "step_skipped", "U2", {"step": "zip", "reason": "=cmd()|x"}),
    HistoryEntry(FLIP, "some_new_kind", "U2", {}),
]
LAST = DomainFacts(
    domain="example.co.jp",
    at=FLIP + timedelta(days=11),
    authoritative=(
        MxAnswer(
            Server("ns1.example.", "192.0.2.1"), FLIP, Outcome.ANSWER, True, records=(MxRecord(NEW, 3600),)
        ),
        MxAnswer(Server("ns2.example.", "192.0.2.2"), FLIP, Outcome.TIMEOUT),
    ),
)
NAMES = {"U1": "田中 <太郎>", "U2": "Suzuki"}


def markdown(lang: str = "ja", cutover: Cutover = CUTOVER) -> str:
    return to_markdown(
        build(
            cutover,
            HISTORY,
            made_at=FLIP + timedelta(days=12),
            shown_domain="example.co.jp",
            last=LAST,
            lang=lang,
            name_of=lambda user: NAMES.get(user, user),
        )
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_is_in_it(lang: str) -> None:
    text = markdown(lang)
    for part in (
        "example.co.jp. 3600 IN MX 5 mx.old.example.",
        "example.co.jp. 300 IN MX 10 mgf.cybermail.jp.",
        "2026-12-05",
        "22:03",  # t_flip, in Tokyo
        "22:08",  # t_safe
        "Suzuki",
        "Standard",
        "ns2.example (192.0.2.2)",
        "timeout",
        "some\\_new\\_kind",
    ):
        assert part in text, part
    assert "{" not in text.replace("\\{", "")
    assert "None" not in text


def test_what_people_typed_stays_text() -> None:
    text = markdown()
    assert "\\*使わない\\* \\| \\<b\\>" in text
    assert "田中 \\<太郎\\>" in text
    table = next(line for line in text.splitlines() if "使わない" in line)
    assert table.replace("\\|", "").count("|") == 6  # five columns still


def test_html_runs_nothing_and_is_well_formed() -> None:
    hostile = replace(CUTOVER, owner="<script>alert(1)</script>", assignees=('"><img src=x onerror=y>',))
    page = to_html(
        build(hostile, HISTORY, made_at=FLIP, shown_domain="<b>x", last=LAST, lang="ja", name_of=str)
    )
    tags: list[str] = []
    open_tags: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert not any(name.startswith("on") for name, _ in attrs)
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Parser().feed(page)
    assert open_tags == []
    assert not {"script", "img", "b", "link", "a"} & set(tags)
    assert "default-src 'none'" in page


def test_an_unfinished_cutover_without_a_snapshot_is_reported_as_unknown() -> None:
    bare = replace(CUTOVER, state=State.PREPARING, snapshot=None, instants=Instants(), assignees=())
    text = markdown("ja", bare)
    assert "不明" in text
    assert "準備中" in text


def test_json_and_csv_hold_the_whole_history() -> None:
    document = json.loads(history_json(CUTOVER, HISTORY))
    assert [entry["kind"] for entry in document["history"]] == [entry.kind for entry in HISTORY]
    assert document["history"][2]["at"] == FLIP.isoformat()
    text = history_csv(CUTOVER, HISTORY)
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == len(HISTORY)
    assert json.loads(rows[3]["data"])["reason"] == "=cmd()|x"


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_spreadsheet_runs_nothing_and_markdown_keeps_its_tables(reason: str, name: str) -> None:
    entry = HistoryEntry(FLIP, name or "x", reason, {"reason": reason, "step": "zip"})
    rows = list(csv.reader(io.StringIO(history_csv(CUTOVER, [entry]).removeprefix("\ufeff"), newline="")))
    assert all(cell[:1] not in ("=", "+", "-", "@", "\t", "\r") for row in rows for cell in row)
    report = build(CUTOVER, [entry], made_at=FLIP, shown_domain="x.jp")
    for line in to_markdown(report).splitlines():
        if line.startswith("|"):
            assert line.replace("\\\\", "").replace("\\|", "").count("|") in (3, 4, 6)
