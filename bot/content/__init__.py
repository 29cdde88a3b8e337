"""Everything a person reads, as data: messages in ja and en, the FAQ, DNS hosts, severities.

A message file maps a key to its two texts: `key: {ja: "…", en: "…"}`. Placeholders are `{name}`.
Values are formatted for the reader here, so that no caller builds prose.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from ruamel.yaml import YAML

LANGUAGES = ("ja", "en")
TOKYO = ZoneInfo("Asia/Tokyo")

Escape = Callable[[str], str]

# Placeholders for a moment to wait for: 22:05:40 is shown as 22:06, for at 22:05 it would be too early.
WAITED_FOR = frozenset({"safe", "safe_at", "safe_from", "safe_to_flip", "t_safe", "earliest"})


class ContentError(Exception):
    """A content file is not as it must be; says which and why."""


def load_yaml(text: str, name: str) -> Any:
    """Parse YAML 1.2 (yes/no/on are text). Raises ContentError on duplicate or non-string keys."""
    try:
        data = YAML(typ="safe", pure=True).load(text)
    except Exception as error:
        raise ContentError(f"{name}: {error}") from error
    _only_string_keys(data, name)
    return data


def _only_string_keys(data: Any, name: str) -> None:
    if isinstance(data, Mapping):
        for key, value in data.items():
            if not isinstance(key, str):
                raise ContentError(f"{name}: the key {key!r} is not text; put it in quotes")
            _only_string_keys(value, name)
    elif isinstance(data, list):
        for value in data:
            _only_string_keys(value, name)


def content_text(*path: str) -> str:
    """The text of a file in content/."""
    return files("bot.content").joinpath(*path).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def messages() -> Mapping[str, Mapping[str, str]]:
    """Every message of content/messages/*.yml. Raises ContentError on a double key or a missing language."""
    found: dict[str, Mapping[str, str]] = {}
    folder = files("bot.content").joinpath("messages")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".yml"):
            continue
        for key, texts in (load_yaml(file.read_text(encoding="utf-8"), file.name) or {}).items():
            if key in found:
                raise ContentError(f"{file.name}: {key} is already in another file")
            if not isinstance(texts, Mapping) or set(texts) != set(LANGUAGES):
                raise ContentError(f"{file.name}: {key} needs exactly ja and en")
            found[key] = texts
    return found


def say(key: str, lang: str, *, escape: Escape = str, tz: ZoneInfo = TOKYO, **args: Any) -> str:
    """The text of `key` in `lang` with its placeholders filled; values are escaped, the text is not.

    datetime, date and timedelta are written as a reader of that language expects, in `tz`, and a moment
    that is waited for (WAITED_FOR) as the first whole minute; lists are joined. Raises KeyError for an
    unknown key or a missing placeholder.
    """
    template = messages()[key][lang]
    shown = {name: escape(show(as_waited_for(name, value), lang, tz)) for name, value in args.items()}
    return Formatter().vformat(template, (), shown).strip()


def has(key: str) -> bool:
    return key in messages()


def as_waited_for(name: str, value: Any) -> Any:
    """A placeholder's value; an instant that is waited for is moved on to the whole minute."""
    return whole_minute(value) if name in WAITED_FOR and isinstance(value, datetime) else value


def whole_minute(at: datetime) -> datetime:
    """The first whole minute that is not before `at`."""
    cut = at.replace(second=0, microsecond=0)
    return cut if cut == at else cut + timedelta(minutes=1)


def show(value: Any, lang: str, tz: ZoneInfo = TOKYO) -> str:
    """One value as a reader of `lang` expects it."""
    if isinstance(value, datetime):
        return show_instant(value, lang, tz)
    if isinstance(value, date):
        if lang == "ja":
            return format_date(value, "M月d日(E)", locale="ja")
        return format_date(value, "EEE d MMM", locale="en")
    if isinstance(value, timedelta):
        return show_span(value, lang)
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return ("、" if lang == "ja" else ", ").join(show(item, lang, tz) for item in value)
    return str(value)


def show_instant(at: datetime, lang: str, tz: ZoneInfo = TOKYO) -> str:
    """An instant with weekday, in the reader's zone; Japanese names it only where it is not Tokyo."""
    local = at.astimezone(tz)
    zone = "JST" if tz.key == "Asia/Tokyo" else (local.tzname() or tz.key)
    if lang == "ja":
        text = format_datetime(local, "M月d日(E) HH:mm", locale="ja")
        return text if tz.key == "Asia/Tokyo" else f"{text} {zone}"
    return f"{format_datetime(local, 'EEE d MMM, HH:mm', locale='en')} {zone}"


def show_span(span: timedelta, lang: str) -> str:
    """A length of time in its two largest units."""
    seconds = int(span.total_seconds())
    units = (
        (86400, "日", " d"),
        (3600, "時間", " h"),
        (60, "分", " min"),
        (1, "秒", " s"),
    )
    parts: list[str] = []
    for size, ja, en in units:
        count, seconds = divmod(seconds, size)
        if count and len(parts) < 2:
            parts.append(f"{count}{ja if lang == 'ja' else en}")
    if not parts:
        return "0秒" if lang == "ja" else "0 s"
    return "".join(parts) if lang == "ja" else " ".join(parts)
