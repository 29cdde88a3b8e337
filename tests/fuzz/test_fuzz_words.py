"""What people type: commands, replies, names, dates, the MX of a notice, questions."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dns.idn import TableRules
from bot.domain.commands import Verb, parse_command
from bot.domain.cutover import Step
from bot.domain.names import BadName, canonical
from bot.domain.notice import BadNotice, parse_mx
from bot.domain.replies import Reply, read_new_day, understand
from bot.domain.when import parse_when
from bot.matching import default_matcher
from tests.fuzz.harness import anything, fuzzed, quick

NOW = datetime(2026, 12, 1, 1, tzinfo=UTC)
DAY = datetime(2026, 12, 19, 13, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
RULES = TableRules()
langs = st.sampled_from(["ja", "en"])
labels = st.text("abcxyz0123456789-_аеорсΑßı日本語ー。．.@:/ \u200d", min_size=1, max_size=70)


@fuzzed
@given(anything)
def test_a_command(text: str) -> None:
    command = quick(parse_command, text)
    assert command.verb is None or isinstance(command.verb, Verb)


@fuzzed
@given(anything, langs, st.sampled_from([None, *Step]), st.sampled_from([None, DAY]))
def test_a_reply(text: str, lang: str, asked: Step | None, day: datetime | None) -> None:
    reply = quick(understand, text, NOW, TOKYO, lang=lang, asked=asked, day=day, me="U0BOT")
    for part in reply.parts:
        assert isinstance(part, Reply)
        assert part.at is None or part.at.utcoffset() is not None


@pytest.mark.parametrize(
    "text",
    ["十十三時", "二十十時に", "十二十時", "十十", "-1" * 1000 + "番", "1と" * 900, "1、" * 900 + "完了"],
)
def test_a_reply_that_once_was_too_much(text: str) -> None:
    quick(understand, text, NOW, TOKYO, day=DAY)
    quick(parse_when, text, NOW, TOKYO)
    quick(read_new_day, text, NOW, TOKYO, day=DAY, lang="ja")


@fuzzed
@given(anything, langs)
def test_a_new_day(text: str, lang: str) -> None:
    reply = quick(read_new_day, text, NOW, TOKYO, day=DAY, lang=lang)
    assert reply.at is None or reply.at > NOW


@fuzzed
@given(anything, langs)
def test_a_time(text: str, lang: str) -> None:
    quick(parse_when, text, NOW, TOKYO, lang=lang)


@fuzzed
@given(st.one_of(anything, labels, st.lists(labels, max_size=9).map(".".join)))
def test_a_name(text: str) -> None:
    def read() -> str:
        try:
            return canonical(text, RULES).ascii
        except BadName as bad:
            for value in bad.args_for_text.values():
                value.encode()
                assert "\n" not in value
            return ""

    name = quick(read)
    assert name.isascii()
    assert len(name) <= 253


@fuzzed
@given(st.one_of(anything, st.lists(labels, max_size=5).map(" 10 ".join)))
def test_the_mx_of_a_notice(text: str) -> None:
    def read() -> int:
        try:
            return len(parse_mx(text, RULES, "example.co.jp"))
        except BadNotice as bad:
            for value in bad.args_for_text.values():
                str(value).encode()
            return 0

    assert quick(read) <= 20


MATCHER = default_matcher()


@fuzzed
@given(anything)
def test_a_question(text: str) -> None:
    match = quick(MATCHER.match, text)
    assert match.decision in ("answer", "choose", "none", "clarify")
