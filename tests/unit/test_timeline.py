"""The picture of the propagation: what it is drawn from, and that it is sound SVG."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.cutover import Cutover, Instants
from bot.domain.facts import DomainFacts, MxAnswer, MxRecord, Outcome, Server
from bot.domain.mx import Mx
from bot.domain.timeline import Timeline, timeline
from bot.domain.watch import Standing
from bot.report import to_svg
from tests.unit.test_progress import CUTOVER, NEW, NOW, OLD, SERVERS

CACHE = Server("cache.example.", "192.0.2.53")


def answer(server: Server, at: datetime, mx: Mx | None, ttl: int = 300) -> MxAnswer:
    outcome = Outcome.ANSWER if mx else Outcome.TIMEOUT
    records = (MxRecord(mx, ttl),) if mx else ()
    return MxAnswer(server, at, outcome, authoritative=mx is not None, records=records)


def look(minutes: float, first: Mx | None, second: Mx | None, cache: Mx | None) -> DomainFacts:
    at = NOW + timedelta(minutes=minutes)
    return DomainFacts(
        "example.co.jp",
        at,
        authoritative=(answer(SERVERS[0], at, first), answer(SERVERS[1], at, second)),
        resolvers=(answer(CACHE, at, cache),),
    )


LOOKS = [
    look(-10, OLD, OLD, OLD),
    look(0, NEW, OLD, OLD),
    look(3, NEW, None, OLD),
    look(5, NEW, NEW, OLD),
    look(10, NEW, NEW, NEW),
    look(30, NEW, NEW, NEW),
]
CHANGED: Cutover = replace(
    CUTOVER,
    instants=Instants(t_flip=NOW + timedelta(minutes=5), t_safe=NOW + timedelta(minutes=10)),
)


@pytest.fixture
def line() -> Timeline:
    found = timeline(CHANGED, LOOKS)
    assert found is not None
    return found


def test_each_address_has_a_row_and_each_run_a_span(line: Timeline) -> None:
    first, second, cache = line.rows
    assert [span.standing for span in first.spans] == [Standing.OLD, Standing.NEW]
    assert [span.standing for span in second.spans] == [Standing.OLD, Standing.SILENT, Standing.NEW]
    assert [span.standing for span in cache.spans] == [Standing.OLD, Standing.NEW]
    assert cache.is_cache
    assert cache.spans[0].end == NOW + timedelta(minutes=10)


def test_spans_follow_one_another_inside_the_window(line: Timeline) -> None:
    for row in line.rows:
        assert row.spans[0].start >= line.start
        assert row.spans[-1].end <= line.end
        for before, after in zip(row.spans, row.spans[1:], strict=False):
            assert before.end == after.start


def test_nothing_is_drawn_of_a_cutover_that_has_not_been_looked_at() -> None:
    assert timeline(CUTOVER, []) is None


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_picture_is_sound_and_says_the_instants(line: Timeline, lang: str) -> None:
    picture = to_svg(line, lang)
    root = ElementTree.fromstring(picture)  # noqa: S314
    words = " ".join("".join(node.itertext()) for node in root.iter())
    assert "22:05" in words
    assert "22:10" in words
    assert "ns1.example.jp" in words


def test_names_from_dns_cannot_break_it() -> None:
    hostile = Server("<script>&\"'.", "192.0.2.66")
    looks = [replace(f, authoritative=(answer(hostile, f.at, NEW),)) for f in LOOKS]
    found = timeline(CHANGED, looks)
    assert found is not None
    picture = to_svg(found, "ja")
    ElementTree.fromstring(picture)  # noqa: S314
    assert "<script" not in picture
