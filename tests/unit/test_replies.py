"""The table of replies, and what no reply may do."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cutover import Step
from bot.domain.replies import Meaning, Need, Reply, read_new_day, understand

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 24, 13, 0, tzinfo=TOKYO)
DAY = datetime(2026, 12, 5, 22, 0, tzinfo=TOKYO)
TABLE = Path(__file__).parent.parent / "data" / "replies.tsv"


def rows() -> list[tuple[str, str, str]]:
    found = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("# "):
            text, asked, meaning = line.split("\t")
            found.append((text, asked, meaning))
    return found


def shown(reply: Reply) -> str:
    """A reply as the table writes it."""
    words = [reply.meaning.value, *(step.value for step in reply.steps)]
    words += ["all"] if reply.everything else []
    words += list(reply.users)
    words += [reply.verb.value] if reply.verb else []
    words += [f"{reply.at.astimezone(TOKYO):%Y-%m-%dT%H:%M}"] if reply.at else []
    words += [f"nearest={reply.nearest}"] if reply.nearest else []
    words += [f"reason={reply.reason}"] if reply.reason else []
    words += ["needs=" + ",".join(reply.needs)] if reply.needs else []
    return " ".join(words)


@pytest.mark.parametrize(("text", "asked", "meaning"), rows(), ids=lambda value: str(value)[:40])
def test_the_table(text: str, asked: str, meaning: str) -> None:
    step = None if asked == "-" else Step(asked)
    reply = understand(text.replace("\\n", "\n"), NOW, TOKYO, asked=step, day=DAY)
    assert " + ".join(shown(part) for part in reply.parts) == meaning


def test_the_table_is_long_and_has_every_meaning() -> None:
    table = rows()
    assert len(table) > 500
    assert {meaning.split()[0] for _, _, whole in table for meaning in whole.split(" + ")} == set(Meaning)
    assert len({(text, asked) for text, asked, _ in table}) == len(table)


def test_the_bots_own_mention_is_nobody_to_assign() -> None:
    reply = understand("<@UBOT> 担当は <@U123>", NOW, TOKYO, me="UBOT")
    assert (reply.meaning, reply.users) == (Meaning.ASSIGN, ("U123",))
    assert understand("<@UBOT> 完了", NOW, TOKYO, me="UBOT", asked=Step.TTL).meaning is Meaning.DONE


def test_a_date_without_a_time_keeps_the_date() -> None:
    reply = understand("12/12に延期", NOW, TOKYO)
    assert (reply.day, reply.at) == (datetime(2026, 12, 12, tzinfo=TOKYO).date(), None)


def test_times_are_those_of_the_person() -> None:
    london = ZoneInfo("Europe/London")
    reply = understand("tomorrow at 9am", NOW, london)
    assert reply.at == datetime(2026, 11, 25, 9, 0, tzinfo=london)
    assert reply.at
    assert reply.at.utcoffset() == timedelta(0)


def test_a_shift_keeps_the_time_by_the_clock_over_a_change_of_clocks() -> None:
    new_york = ZoneInfo("America/New_York")
    day = datetime(2026, 10, 31, 22, 0, tzinfo=new_york)  # summer time ends that night
    now = datetime(2026, 10, 20, 12, 0, tzinfo=new_york)
    reply = understand("postpone by 1 day", now, new_york, day=day)
    assert reply.at == datetime(2026, 11, 1, 22, 0, tzinfo=new_york)


def test_a_shift_without_a_planned_day_has_to_be_asked_about() -> None:
    assert understand("1週間延期", NOW, TOKYO).needs


def test_what_follows_the_verb_reschedule() -> None:
    for text, at in [("12/12 22:00", 12), ("1週間", 12), ("1週間延期", 12), ("1 week", 12), ("1日前倒し", 4)]:
        reply = read_new_day(text, NOW, TOKYO, day=DAY)
        assert reply.at == DAY.replace(day=at), text
    assert read_new_day("12/12", NOW, TOKYO, day=DAY).needs == (Need.TIME,)
    assert read_new_day("", NOW, TOKYO, day=DAY).needs == (Need.DATE, Need.TIME)


_PIECES = st.sampled_from(
    """完了 していません まだ done not ? か 延期 12/12␣22:00 明日 3 と 手順 TTL <@U1> 中止 が、 。 ␤ 〜 > `
    25:99 来週 土曜 の 夜 999時間後 in 3␣hours cancel n't ない ␣""".replace("\n", " ")
    .replace("␤", "\n")
    .split(" ")
).map(lambda piece: piece.replace("␣", " "))
_TEXTS = st.one_of(st.text(max_size=120), st.lists(_PIECES, max_size=12).map("".join))
_ZONES = st.sampled_from(["Asia/Tokyo", "UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
_NOWS = st.builds(
    lambda seconds, tz: datetime.fromtimestamp(seconds, tz),
    st.integers(10**9, 38 * 10**8),
    _ZONES.map(ZoneInfo),
)


@given(_TEXTS, _NOWS, _ZONES.map(ZoneInfo), st.none() | st.sampled_from(Step))
def test_no_reply_raises_and_every_instant_is_aware_and_to_come(
    text: str, now: datetime, tz: ZoneInfo, asked: Step | None
) -> None:
    reply = understand(text, now, tz, asked=asked, day=now + timedelta(days=11))
    for part in reply.parts:
        for at in (*part.readings, *([part.at] if part.at else [])):
            assert at.utcoffset() == timedelta(0)
            assert at > now
        if part.meaning is Meaning.RESCHEDULE:
            assert (part.at is None) is bool(part.needs)


@given(
    st.text(max_size=60),
    st.sampled_from(["ありません", "ではありません", "していません", " is not done", "ですか？"]),
)
def test_what_ends_in_a_denial_or_a_question_is_never_done(text: str, end: str) -> None:
    reply = understand("完了" + end, NOW, TOKYO, asked=Step.TTL)
    assert all(part.meaning is not Meaning.DONE for part in reply.parts)
    alone = text.replace("\n", " ").replace("。", "").replace(".", "")
    assert understand(f"{alone} not done", NOW, TOKYO).meaning is not Meaning.DONE or "完" in alone


def test_long_texts_are_read_in_time() -> None:
    for unit in ("完了", "12/12 ", "し", "ない", "not done ", "手順3、", "<@U1>", "a" * 50 + " ", "1、" * 10):
        started = datetime.now(TOKYO)
        understand(unit * 3000, NOW, TOKYO)
        assert datetime.now(TOKYO) - started < timedelta(seconds=2)


_SAID_DONE = {
    "ja": [
        "完了しました",
        "終わりました",
        "できました",
        "対応しました",
        "設定しました",
        "TTLを下げました",
        "許可設定を削除しました",
        "届きました",
        "確認できました",
        "完了した",
        "終わった",
        "やった",
        "手順3が完了しました",
        "戻しました",
        "切り替えました",
    ],
    "en": ["done", "finished", "completed", "changed", "it's done", "step 3 is done", "the TTL is lowered"],
}
_NOT_SAYING_SO = {
    "ja": [
        "{}か？",
        "{}か",
        "{}？",
        "{}でしょうか",
        "{}かどうか分かりません",
        "{}わけではありません",
        "{}とは限りません",
        "{}か不明です",
        "{}はずです",
        "{}と思います",
        "{}かもしれません",
        "たぶん{}",
        "おそらく{}",
        "{}ら連絡します",
        "もし{}ら教えてください",
        "{}ことにしたいです",
        "{}のは誰ですか",
        "{}とは言えません",
        "誰が{}か教えて",
        "{}との連絡はまだです",
        "{}つもりでした",
    ],
    "en": [
        "is {}?",
        "{}?",
        "not {}",
        "I don't think {}",
        "I doubt {}",
        "maybe {}",
        "probably {}",
        "if {}",
        "when {}",
        "once {} I'll tell you",
        "it will be {} tomorrow",
        "I hope {}",
        "never {}",
        "almost {}",
        "should be {} by tomorrow",
        "who said {}?",
        "can't be {}",
        "why is it not {}",
    ],
}


@pytest.mark.parametrize(
    ("frame", "said"),
    [(frame, said) for lang in ("ja", "en") for frame in _NOT_SAYING_SO[lang] for said in _SAID_DONE[lang]],
)
def test_no_frame_of_doubt_leaves_a_done(frame: str, said: str) -> None:
    for asked in (None, Step.TTL, Step.OUTSIDE_TEST, Step.RESTORE_TTL):
        assert understand(said, NOW, TOKYO, asked=asked).meaning is Meaning.DONE
        reply = understand(frame.format(said), NOW, TOKYO, asked=asked, day=DAY)
        assert all(part.meaning is not Meaning.DONE for part in reply.parts)
