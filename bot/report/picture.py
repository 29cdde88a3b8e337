"""The timeline as SVG: servers and caches against time, with t_flip and t_safe. Nothing is loaded by it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from html import escape
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from bot.content import TOKYO, say
from bot.domain.timeline import Row, Timeline
from bot.domain.watch import Standing

WIDTH, LEFT, RIGHT, TOP, LINE = 1000, 320, 20, 70, 26
LONGEST_NAME = 38  # in columns: a Japanese character takes two
LONGEST_TITLE = 90
MOST_ROWS = 60
MIDDLE = 660  # a mark further right has its text on the left
FONT = "system-ui,'Hiragino Sans','Noto Sans CJK JP','Noto Sans JP','Yu Gothic UI',Meiryo,sans-serif"
# Told apart by lightness too, for those who see no colours and for print.
COLOUR = {
    Standing.NEW: "#1a7f5a",
    Standing.OLD: "#e0b040",
    Standing.OTHER: "#c0265a",
    Standing.SILENT: "#d8d8d8",
}
_STEPS = tuple(
    timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400)
)


def to_svg(line: Timeline, lang: str, tz: ZoneInfo = TOKYO, *, domain: str = "") -> str:
    """One SVG document in `lang`; times in `tz`. Every text is escaped and cut to its room."""
    rows, left_out = _chosen(line.rows)
    bottom = TOP + LINE * (len(rows) + bool(left_out))
    height = bottom + 76
    title = say("picture.title", lang)
    if domain:
        title = f"{_cut(domain, LONGEST_TITLE - _columns(title))}　{title}"
    # Texts to the right of their lines: the earlier line goes down past the later's text, not through it.
    rightwards = line.t_flip is not None and _x(line, line.t_flip) <= MIDDLE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="{FONT}" font-size="13" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="16" font-weight="600" fill="#1d1c1d">{escape(title)}</text>',
        *_ticks(line, bottom, lang, tz),
        *(part for number, row in enumerate(rows) for part in _row(line, row, number, lang)),
        *_left_out(left_out, bottom, lang),
        *_mark(line, line.t_flip, "picture.flip", bottom, rightwards, lang, tz),
        *_mark(line, line.t_safe, "picture.safe", bottom, not rightwards, lang, tz),
        *_legend(height - 14, lang),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _chosen(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """The rows that have room, caches among them, and how many servers have not."""
    caches = [row for row in rows if row.is_cache][: MOST_ROWS // 2]
    servers = [row for row in rows if not row.is_cache][: MOST_ROWS - len(caches)]
    return [*servers, *caches], len(rows) - len(servers) - len(caches)


def _left_out(count: int, bottom: int, lang: str) -> Iterable[str]:
    if count:
        more = escape(say("list.more", lang, count=count))
        yield f'<text x="16" y="{bottom - 9}" fill="#616061">{more}</text>'


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(character) in "FWA" else 1 for character in text)


def _cut(text: str, columns: int) -> str:
    """Shortened in the middle: the end tells one address, or one domain, from another."""
    if _columns(text) <= columns:
        return text
    head, tail = text[: len(text) // 2], text[len(text) // 2 :]
    while _columns(head) + _columns("…") + _columns(tail) > columns and (head or tail):
        if len(head) >= len(tail) / 2:
            head = head[:-1]
        else:
            tail = tail[1:]
    return f"{head}…{tail}"


def _x(line: Timeline, at: datetime) -> float:
    share = (at - line.start) / (line.end - line.start)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _ticks(line: Timeline, bottom: int, lang: str, tz: ZoneInfo) -> Iterable[str]:
    span = line.end - line.start
    step = next((step for step in _STEPS if span / step <= 8), _STEPS[-1])
    local = line.start.astimezone(tz)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * ((local - midnight) // step + 1)
    pattern = "%m/%d" if step >= timedelta(days=1) else "%H:%M"
    while at < line.end:
        x = _x(line, at)
        yield f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{bottom}" stroke="#e8e8e8"/>'
        day = at.hour == at.minute == 0 and span > timedelta(hours=12)
        label = at.strftime("%m/%d" if day else pattern)
        yield f'<text x="{x}" y="{TOP - 12}" text-anchor="middle" fill="#616061">{label}</text>'
        at += step


def _row(line: Timeline, row: Row, number: int, lang: str) -> Iterable[str]:
    y = TOP + LINE * number
    room = LONGEST_NAME - (_columns(say("picture.cache", lang, name="")) if row.is_cache else 0)
    name = _cut(row.name, room)
    label = say("picture.cache", lang, name=name) if row.is_cache else name
    yield f'<text x="16" y="{y + 17}" fill="#1d1c1d">{escape(label)}</text>'
    for span in row.spans:
        x, end = _x(line, span.start), _x(line, span.end)
        yield (
            f'<rect x="{x}" y="{y + 4}" width="{max(round(end - x, 1), 1)}" height="{LINE - 8}" rx="3" '
            f'fill="{COLOUR[span.standing]}"/>'
        )


def _mark(
    line: Timeline, at: datetime | None, key: str, bottom: int, level: int, lang: str, tz: ZoneInfo
) -> Iterable[str]:
    if at is None or not line.start <= at <= line.end:
        return
    x = _x(line, at)
    y = bottom + 18 + 18 * level
    anchor = "end" if x > MIDDLE else "start"
    beside = x - 5 if anchor == "end" else x + 5
    text = say(key, lang, tz=tz, at=at, safe_at=at)
    yield f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{y + 2}" stroke="#1d1c1d" stroke-dasharray="4 3"/>'
    yield f'<text x="{beside}" y="{y}" text-anchor="{anchor}" fill="#1d1c1d">{escape(text)}</text>'


def _legend(y: int, lang: str) -> Iterable[str]:
    x = 16
    for standing in Standing:
        label = say(f"picture.{standing.value}", lang)
        yield f'<rect x="{x}" y="{y - 11}" width="14" height="14" rx="3" fill="{COLOUR[standing]}"/>'
        yield f'<text x="{x + 20}" y="{y}" fill="#616061">{escape(label)}</text>'
        x += 150
