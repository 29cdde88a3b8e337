"""The timeline as SVG: servers and caches against time, with t_flip and t_safe. Nothing is loaded by it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from bot.content import TOKYO, say, show_instant
from bot.domain.timeline import Row, Timeline
from bot.domain.watch import Standing

WIDTH, LEFT, RIGHT, TOP, LINE = 960, 250, 20, 70, 26
LONGEST_NAME = 34
MOST_ROWS = 40
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


def to_svg(line: Timeline, lang: str, tz: ZoneInfo = TOKYO) -> str:
    """One SVG document in `lang`; times in `tz`. Every text is escaped."""
    rows = line.rows[:MOST_ROWS]
    bottom = TOP + LINE * len(rows)
    height = bottom + 76
    title = say("picture.title", lang)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="{FONT}" font-size="13" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="16" font-weight="600" fill="#1d1c1d">{escape(title)}</text>',
        *_ticks(line, bottom, lang, tz),
        *(part for number, row in enumerate(rows) for part in _row(line, row, number, lang)),
        *_mark(line, line.t_flip, "picture.flip", bottom, 0, lang, tz),
        *_mark(line, line.t_safe, "picture.safe", bottom, 1, lang, tz),
        *_legend(height - 14, lang),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


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
        label = at.strftime(pattern)
        yield f'<text x="{x}" y="{TOP - 12}" text-anchor="middle" fill="#616061">{label}</text>'
        at += step


def _row(line: Timeline, row: Row, number: int, lang: str) -> Iterable[str]:
    y = TOP + LINE * number
    name = row.name if len(row.name) <= LONGEST_NAME else row.name[: LONGEST_NAME - 1] + "…"
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
    anchor = "end" if x > WIDTH * 0.6 else "start"
    text = say(key, lang, at=show_instant(at, lang, tz))
    yield f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{y - 12}" stroke="#1d1c1d" stroke-dasharray="4 3"/>'
    yield f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#1d1c1d">{escape(text)}</text>'


def _legend(y: int, lang: str) -> Iterable[str]:
    x = 16
    for standing in Standing:
        label = say(f"picture.{standing.value}", lang)
        yield f'<rect x="{x}" y="{y - 11}" width="14" height="14" rx="3" fill="{COLOUR[standing]}"/>'
        yield f'<text x="{x + 20}" y="{y}" fill="#616061">{escape(label)}</text>'
        x += 150
