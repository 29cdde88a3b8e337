"""Days in a text: absolute, relative, weekdays, weeks. Each match is taken out of the text."""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from bot.domain.when.model import Assumed, Trouble

YEARS = range(1970, 2200)
RECENT = 60  # days: a date that passed so recently was hardly meant for next year


@dataclass(frozen=True, slots=True)
class Day:
    """A day that a text names. `week`: only the week is known, by its Monday; `vague`: not even that."""

    day: date | None = None
    week: date | None = None
    vague: bool = False
    night: bool = False  # 今夜
    repeats: bool = False  # a bare weekday: where it has passed today, that of next week is meant
    weekday: int | None = None
    assumed: tuple[Assumed, ...] = ()
    trouble: Trouble | None = None


@dataclass(slots=True)
class Scan:
    """The text still unread, and the days found in it."""

    text: str
    today: date
    english: bool
    days: list[Day] = field(default_factory=list)

    def take(self, pattern: re.Pattern[str], make: "Callable[[re.Match[str]], Day | None]") -> None:
        def one(found: re.Match[str]) -> str:
            day = make(found)
            if day is None:
                return found.group()
            self.days.append(day)
            return " \x00 "

        self.text = pattern.sub(one, self.text)


_MONTHS = {name.lower(): n for n, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name[:3]: n for name, n in list(_MONTHS.items())} | {"sept": 9}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAYS_EN = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAYS = {c: n for n, c in enumerate("月火水木金土日")}
_WEEKDAYS |= {name: n for n, name in enumerate(_DAYS_EN)} | {name[:3]: n for n, name in enumerate(_DAYS_EN)}
_WEEKDAYS |= {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
_WEEKDAY = "|".join(sorted((w for w in _WEEKDAYS if w.isascii()), key=len, reverse=True))
_WEEKS = {"今週": 0, "来週": 1, "翌週": 1, "再来週": 2, "さ来週": 2, "さらいしゅう": 2}
_WEEK = "再来週|さ来週|今週|来週|翌週"

_FULL = re.compile(r"(?<!\d)(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)\s*日?")
_KANJI = re.compile(r"(?:(来年|今年)の?\s*)?(?<!\d)(\d{1,2})\s*月\s*(\d{1,2})(?:\s*日(?!間)|(?![\d日]))")
_SLASH = re.compile(r"(?<![\d/])(\d{1,2})\s*/\s*(\d{1,2})(?:\s*/\s*(\d{4}))?(?![\d/])")
_ORDINAL = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s*(\d{4}))?"
_DAY_MONTH = re.compile(rf"\b{_ORDINAL}\s+(?:of\s+)?({_MONTH})\b\.?{_YEAR}")
_MONTH_DAY = re.compile(rf"\b({_MONTH})\b\.?\s+(?:the\s+)?{_ORDINAL}\b(?!:){_YEAR}")
_MONTH_JA = re.compile(r"(今月|来月)の?\s*(?:(\d{1,2})\s*日|(末))?")
_MONTH_END = re.compile(r"月末")
_MONTH_EN = re.compile(r"\b(next month|end of (?:the|this|next) month)\b")
_AFTER_JA = re.compile(r"(?<![\d.])(\d{1,3})\s*(日|週間|[かヶヵカケ]月)(?:ほど|くらい|ぐらい)?後(?!ろ)")
_AFTER_EN = re.compile(
    r"\bin\s+(?:about\s+)?(\d{1,3})\s*(day|week|month)s?\b|"
    r"\b(\d{1,3})\s*(day|week|month)s?\s+(?:later|from now)\b"
)
# あす in hiragana only where no word runs on around it.
_TOMORROW = re.compile(
    r"明日|あした|翌日|(?<![ぁ-ん])あす(?![ぁ-ん]|$)|(?<![ぁ-ん])あす(?=[にのはま]|$)|\btomorrow\b|\btmrw?\b"
)
_NAMED = (
    (re.compile(r"明々後日|しあさって"), 3),
    (re.compile(r"明後日|あさって|(?:the )?day after tomorrow"), 2),
    (_TOMORROW, 1),
    (re.compile(r"今日|本日|きょう|\btoday\b"), 0),
    (re.compile(r"昨日|きのう|\byesterday\b"), -1),
)
_TONIGHT = re.compile(r"今夜|今晩|\btonight\b")
_TOMORROW_NIGHT = re.compile(r"明晩")
_WEEKEND = re.compile(rf"(?:({_WEEK})の?|(今|来|再来)(?=週末))?(?:週末)|\b(?:(this|next|the)\s+)?weekend\b")
_WEEKDAY_JA = re.compile(rf"(?:({_WEEK})の?\s*|次の?\s*|今度の?\s*)?([月火水木金土日])曜日?")
_WEEKDAY_SHORT = re.compile(rf"({_WEEK})の?\s*([月火水木金土日])(?![曜本付時])")
_WEEKDAY_MARK = re.compile(r"[(（]\s*([月火水木金土日])(?:曜日?|・?祝)?\s*[)）]")
_WEEKDAY_EN = re.compile(
    rf"\b(?:(next week)(?:\s+on)?\s+)?(?:(this|next|coming|on)\s+)?({_WEEKDAY})\b\.?"
    r"(?:\s+(next week|after next))?"
)
_WEEK_ONLY = re.compile(rf"({_WEEK})|\b(this|next) week\b|\bthe week after next\b")
_DAY_ONLY = re.compile(
    r"(?<![\d/])(\d{1,2})日(?!後|間|前|以内|目|ほど|くらい|ぐらい|も)|\bthe (\d{1,2})(?:st|nd|rd|th)\b"
)


def find_days(text: str, today: date, *, english: bool) -> tuple[list[Day], str]:
    """The days that `text` (made plain) names, in the person's zone, and the text without them."""
    scan = Scan(text, today, english)
    scan.take(_FULL, lambda m: _dated(int(m[1]), int(m[2]), int(m[3])))
    scan.take(_KANJI, lambda m: _kanji_day(m, today))
    scan.take(_SLASH, lambda m: _slashed(m, today, english))
    scan.take(_DAY_MONTH, lambda m: _english_day(_MONTHS[m[2]], int(m[1]), m[3], today))
    scan.take(_MONTH_DAY, lambda m: _english_day(_MONTHS[m[1]], int(m[2]), m[3], today))
    scan.take(_WEEKDAY_MARK, lambda m: Day(weekday=_WEEKDAYS[m[1]]))
    scan.take(_MONTH_JA, lambda m: _month(m, today))
    scan.take(_MONTH_END, lambda _: Day(day=_end_of(today)))
    scan.take(_MONTH_EN, lambda m: _month_en(m[1], today))
    scan.take(_AFTER_JA, lambda m: _after(int(m[1]), m[2], today))
    scan.take(_AFTER_EN, lambda m: _after(int(m[1] or m[3]), m[2] or m[4], today))
    for pattern, days in _NAMED:
        scan.take(pattern, lambda _, days=days: Day(day=today + timedelta(days=days)))  # type: ignore[misc]
    scan.take(_TONIGHT, lambda _: Day(day=today, night=True))
    scan.take(_TOMORROW_NIGHT, lambda _: Day(day=today + timedelta(days=1), night=True))
    scan.take(_WEEKEND, lambda m: _weekend(m, today))
    scan.take(_WEEKDAY_JA, lambda m: _weekday(_WEEKDAYS[m[2]], _WEEKS.get(m[1] or ""), today))
    scan.take(_WEEKDAY_SHORT, lambda m: _weekday(_WEEKDAYS[m[2]], _WEEKS[m[1]], today))
    scan.take(_WEEKDAY_EN, lambda m: _weekday_en(m, today))
    scan.take(_WEEK_ONLY, lambda m: Day(week=_monday(today) + timedelta(weeks=_weeks(m))))
    scan.take(_DAY_ONLY, lambda m: _day_of_month(int(m[1] or m[2]), today))
    return scan.days, scan.text


def _dated(year: int, month: int, day: int) -> Day:
    try:
        found = date(year, month, day)
    except ValueError:
        return Day(trouble=Trouble.NO_SUCH_DATE)
    return Day(day=found) if year in YEARS else Day(trouble=Trouble.NO_SUCH_DATE)


def _yearless(month: int, day: int, today: date, assumed: tuple[Assumed, ...] = ()) -> Day:
    """This year's, or next year's where this year's is long past; a recent one is rather a slip."""
    this = _dated(today.year, month, day)
    if this.day is not None and this.day >= today - timedelta(days=RECENT):
        return Day(day=this.day, assumed=assumed)
    following = _dated(today.year + 1, month, day)
    if following.day is None:
        return this if this.day is None else Day(trouble=Trouble.NO_SUCH_DATE)
    return Day(day=following.day, assumed=(*assumed, Assumed.NEXT_YEAR))


def _kanji_day(found: re.Match[str], today: date) -> Day:
    month, day = int(found[2]), int(found[3])
    if found[1]:
        return _dated(today.year + (found[1] == "来年"), month, day)
    return _yearless(month, day, today)


def _slashed(found: re.Match[str], today: date, english: bool) -> Day:
    """Month first, as in Japan and where nothing else is possible; said back where it might be the day."""
    first, second, year = int(found[1]), int(found[2]), found[3]
    month, day = (second, first) if first > 12 >= second else (first, second)
    assumed: tuple[Assumed, ...] = ()
    if month != first:
        assumed = (Assumed.DAY_MONTH,)
    elif english and day <= 12 and month != day:
        assumed = (Assumed.MONTH_DAY,)
    if year:
        return replace(_dated(int(year), month, day), assumed=assumed)
    return _yearless(month, day, today, assumed)


def _english_day(month: int, day: int, year: str | None, today: date) -> Day:
    return _dated(int(year), month, day) if year else _yearless(month, day, today)


def _end_of(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _months_on(today: date, months: int) -> date:
    years, month = divmod(today.month - 1 + months, 12)
    first = date(today.year + years, month + 1, 1)
    return first.replace(day=min(today.day, _end_of(first).day))


def _month(found: re.Match[str], today: date) -> Day:
    first = _months_on(today.replace(day=1), 1 if found[1] == "来月" else 0)
    if found[3]:
        return Day(day=_end_of(first))
    return _dated(first.year, first.month, int(found[2])) if found[2] else Day(vague=True)


def _month_en(words: str, today: date) -> Day:
    if words == "next month":
        return Day(vague=True)
    return Day(day=_end_of(_months_on(today.replace(day=1), 1) if "next" in words else today))


def _after(count: int, unit: str, today: date) -> Day:
    if unit in ("日", "day"):
        return Day(day=today + timedelta(days=count))
    if unit in ("週間", "week"):
        return Day(day=today + timedelta(weeks=count))
    return Day(day=_months_on(today, count))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weeks(found: re.Match[str]) -> int:
    if found[1]:
        return _WEEKS[found[1]]
    return {"this": 0, "next": 1}.get(found[2] or "", 2)


def _weekend(found: re.Match[str], today: date) -> Day:
    weeks = _WEEKS.get(found[1] or "", {"来": 1, "再来": 2}.get(found[2] or "", int(found[3] == "next")))
    saturday = _monday(today) + timedelta(weeks=weeks, days=5)
    return Day(day=saturday, assumed=(Assumed.WEEKEND,))


def _weekday(weekday: int, weeks: int | None, today: date) -> Day:
    """The coming one, or that of the week named; weeks run from Monday."""
    if weeks is None:
        ahead = (weekday - today.weekday()) % 7
        return Day(day=today + timedelta(days=ahead), weekday=weekday, repeats=True)
    named = _monday(today) + timedelta(weeks=weeks, days=weekday)
    sunday = weeks and 6 in (weekday, today.weekday())
    return Day(day=named, weekday=weekday, assumed=(Assumed.WEEK_FROM_MONDAY,) if sunday else ())


def _weekday_en(found: re.Match[str], today: date) -> Day | None:
    weekday = _WEEKDAYS[found[3]]
    if found[3] in ("sat", "sun", "mon", "wed") and not _alone(found):
        return None
    if found[1] or found[4] == "next week":
        return _weekday(weekday, 1, today)
    if found[4] == "after next":
        return _weekday(weekday, 2, today)
    if found[2] == "next":
        return Day(
            day=_monday(today) + timedelta(weeks=1, days=weekday),
            weekday=weekday,
            assumed=(Assumed.NEXT_WEEKDAY,),
        )
    return _weekday(weekday, None, today)


def _alone(found: re.Match[str]) -> bool:
    """`sat` and `sun` are words as well: as weekdays they stand first, last, or beside a number or time."""
    before = found.string[: found.start()].rstrip()
    after = found.string[found.end() :].lstrip()
    return (
        bool(found[2])
        or not before
        or not after
        or before[-1] in ",(\x00"
        or before.endswith((" to", " until", " by", " till"))
        or not after[0].isalpha()
        or after.startswith(("morning", "night", "evening", "afternoon", "at "))
    )


def _day_of_month(day: int, today: date) -> Day:
    """The next day of that number, this month or next."""
    for months in (0, 1, 2):
        first = _months_on(today.replace(day=1), months)
        found = _dated(first.year, first.month, day)
        if found.day is not None and found.day >= today:
            return found
    return Day(trouble=Trouble.NO_SUCH_DATE)
