"""Times of day and spans in a text."""

import re
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.when.model import Assumed, Trouble

LATEST_HOUR = 29  # 29:59, as night shifts count


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day, in minutes from the day's midnight; more than 1440 lies on the next day.

    `other`: a second reading (深夜1時: early that day, or the night that follows). `loose`: 深夜 alone.
    """

    minutes: int = 0
    other: int | None = None
    loose: bool = False
    assumed: tuple[Assumed, ...] = ()
    trouble: Trouble | None = None


_UNIT_H = r"(?:hours?|hrs?|h)"
_UNIT_M = r"(?:minutes?|mins?|m)"
_ABOUT = r"(?:ほど|くらい|ぐらい)?"
# 30分ほどかかります, give me an hour: as good as "after that".
_TAKES = r"(?:かか|待って|お待ち|ください|下さい|いただ|頂|で(?:終|でき|完了|済))"
_GIVE = r"snooze|snooze for|wait|wait for|give me|need|needs|takes|take|about"
_SPANS = (
    re.compile(
        rf"(?:あと\s*)?(?<![\d.])(\d{{1,3}}(?:\.5)?)\s*時間\s*(半)?\s*(?:(\d{{1,3}})\s*分)?{_ABOUT}後(?!ろ)"
    ),
    re.compile(r"あと\s*(\d{1,3}(?:\.5)?)\s*時間\s*(半)?\s*(?:(\d{1,3})\s*分)?"),
    re.compile(rf"(\d{{1,3}}(?:\.5)?)\s*時間\s*(半)?\s*(?:(\d{{1,3}})\s*分)?{_ABOUT}{_TAKES}"),
    re.compile(rf"\b(?:{_GIVE})\s+(\d{{1,3}}(?:\.5)?)\s*{_UNIT_H}\b()()"),
    re.compile(
        rf"\bin\s+(?:about\s+)?(\d{{1,3}}(?:\.5)?)\s*{_UNIT_H}\b()(?:\s*(?:and\s+)?(\d{{1,3}})\s*{_UNIT_M}\b)?"
    ),
    re.compile(rf"\b(\d{{1,3}}(?:\.5)?)\s*{_UNIT_H}()()\s+(?:later|from now)\b"),
)
_MINUTES = (
    re.compile(rf"(?:あと\s*)?(?<![\d.])(\d{{1,4}})\s*分{_ABOUT}後(?!ろ)"),
    re.compile(r"あと\s*(\d{1,4})\s*分"),
    re.compile(rf"(\d{{1,4}})\s*分{_ABOUT}{_TAKES}"),
    re.compile(rf"\b(?:{_GIVE})\s+(\d{{1,4}})\s*{_UNIT_M}\b"),
    re.compile(rf"\bin\s+(?:about\s+)?(\d{{1,4}})\s*{_UNIT_M}\b"),
    re.compile(rf"\b(\d{{1,4}})\s*{_UNIT_M}\s+(?:later|from now)\b"),
)
_PART = "午前|午後|早朝|朝|昼|夕方|夕|夜中|夜|晩|深夜|未明|am|pm|a\\.m\\.|p\\.m\\."
_AMPM = r"a\.?m\.?(?![a-z])|p\.?m\.?(?![a-z])"
_TIME = re.compile(
    rf"(?:({_PART})の?\s*)?(?<![\d:.])(\d{{1,2}})(?:"
    r":(\d{2})(?::\d{2})?(?!\d)"
    r"|\s*時(?!間)\s*(?:(半)|(\d{1,2})\s*分)?"
    r"|h(\d{2})?\b"
    rf"|(?=\s*(?:{_AMPM}))"
    rf")(?:\s*({_AMPM}))?"
)
_AT = re.compile(r"\bat\s+(\d{1,2})\b(?!\s*[:時%/.])(?:\s*o'?clock)?|\b(\d{1,2})\s*o'?clock\b")
MORNING = Clock(9 * 60, assumed=(Assumed.MORNING,))
NOON = Clock(12 * 60, assumed=(Assumed.NOON,))
AFTERNOON = Clock(14 * 60, assumed=(Assumed.AFTERNOON,))
EVENING = Clock(18 * 60, assumed=(Assumed.EVENING,))
NIGHT = Clock(22 * 60, assumed=(Assumed.NIGHT,))
_WORDS = (
    (re.compile(r"正午|\bnoon\b|\bmidday\b"), Clock(12 * 60)),
    (re.compile(r"\bmidnight\b"), Clock(0, other=24 * 60)),
    (re.compile(r"深夜|夜中|未明"), Clock(loose=True)),
    (re.compile(r"朝[いイ一]チ?|早朝|朝|午前中?|\bmorning\b|\bfirst thing\b"), MORNING),
    (re.compile(r"お?昼(?:休み|過ぎ|頃|ごろ)?|\blunch(?:time)?\b"), NOON),
    (re.compile(r"午後|\bafternoon\b"), AFTERNOON),
    (re.compile(r"夕方|夕刻|\bevening\b|\beod\b|\bend of (?:the )?day\b"), EVENING),
    (re.compile(r"夜間?|晩|\bnight\b|\btonight\b"), NIGHT),
)


def find_span(text: str) -> tuple[timedelta | None, str]:
    """A span counted from now (3時間後, in 30 min) and the text without it."""
    for pattern in _SPANS:
        found = pattern.search(text)
        if found:
            minutes = round(float(found[1]) * 60) + (30 if found[2] else 0) + int(found[3] or 0)
            return timedelta(minutes=minutes), pattern.sub(" ", text, count=1)
    for pattern in _MINUTES:
        found = pattern.search(text)
        if found:
            return timedelta(minutes=int(found[1])), pattern.sub(" ", text, count=1)
    return None, text


def find_clocks(text: str) -> list[Clock]:
    """The times of day that `text` (made plain, its days taken out) names, in order."""
    clocks: list[Clock] = []

    def take(found: re.Match[str]) -> str:
        clocks.append(_clock(found))
        return " "

    rest = _TIME.sub(take, text)
    clocks.extend(_bare(int(found[1] or found[2]), 0) for found in _AT.finditer(rest))
    word = next((clock for pattern, clock in _WORDS if pattern.search(rest)), None)
    if word is None:
        return clocks
    return [_within(clock, word) for clock in clocks] or [word]


def _within(clock: Clock, word: Clock) -> Clock:
    """`10` in "Saturday night at 10": the word beside it says which half of the day."""
    if clock.trouble or clock.minutes >= 12 * 60 or not word.assumed:
        return clock
    late = word in (AFTERNOON, EVENING, NIGHT)
    return Clock(clock.minutes + (12 * 60 if late else 0))


def _clock(found: re.Match[str]) -> Clock:
    part = (found[1] or found[7] or "").replace(".", "")
    minute = int(found[3] or found[5] or found[6] or (30 if found[4] else 0))
    hour = int(found[2])
    if minute > 59 or hour > LATEST_HOUR:
        return Clock(trouble=Trouble.NO_SUCH_TIME)
    if not part:
        padded = found[3] is not None or found[2].startswith("0")
        return Clock(hour * 60 + minute, assumed=_next_day(hour)) if padded else _bare(hour, minute)
    if hour > 12:
        # 夜22時, 午後13時: the hour alone says it.
        return Clock(hour * 60 + minute, assumed=_next_day(hour))
    return _of_part(part, hour, minute)


def _bare(hour: int, minute: int) -> Clock:
    """An hour without morning or evening, read by the 24-hour clock, which is said for 6 to 11."""
    if hour > LATEST_HOUR:
        return Clock(trouble=Trouble.NO_SUCH_TIME)
    minutes = hour * 60 + minute
    if 1 <= hour <= 5:
        return Clock(minutes, other=minutes + 12 * 60)  # 3時 may well be the afternoon's
    unsure = (Assumed.CLOCK_24,) if 6 <= hour <= 11 else ()
    return Clock(minutes, assumed=unsure + _next_day(hour))


def _next_day(hour: int) -> tuple[Assumed, ...]:
    return (Assumed.NEXT_DAY,) if hour >= 24 else ()


def _of_part(part: str, hour: int, minute: int) -> Clock:
    """`hour` (0 to 12) in a part of the day."""
    am, pm = hour % 12 * 60 + minute, (hour % 12 + 12) * 60 + minute
    if part in ("am", "pm"):
        return Clock(am if part == "am" else pm)
    if part in ("午前", "午後") and hour == 12:
        return Clock(12 * 60 + minute, other=24 * 60 + minute)  # people use both for both
    if part in ("午前", "朝", "早朝"):
        return Clock(am)
    if part in ("午後", "夕方", "夕", "昼"):
        return Clock(hour * 60 + minute if part == "昼" and hour >= 10 else pm)
    if hour >= 6 and hour != 12:
        return Clock(pm)  # 夜8時, 深夜11時
    # 夜12時 is the day's end; 深夜1時 may be either end of the day that is named.
    late = 24 * 60 + am
    return Clock(late, assumed=(Assumed.NEXT_DAY,)) if hour == 12 else Clock(am, other=late)
