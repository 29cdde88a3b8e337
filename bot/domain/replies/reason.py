"""Why a day is moved, cut off before the rest is read: a date in the reason is never the new day."""

import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.when import parse_when

LONGEST_REASON = 200  # characters
_EDGES = " \t\r\n　、,。.:：;-－ー～~()（）「」"
_MARKED = re.compile(
    r"(?:^|(?<=[\s　、。,，.!！(（;]))(?:(?:変更|延期)?の?理由\s*(?:[:：]|は(?=[、\s　\w]))|"
    r"reasons?\s*(?:[:：]|\bis\b)|"
    r"(?:because(?:\s+of)?|due\s+to|owing\s+to)\b|"
    r"(?:since|as)(?=\s+(?:the|our|we|they|he|she|it|i|my|their|there|someone|somebody|nobody)\b))",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"(?:のため|ため|ので)(?:に)?[、,]?\s*")
_AFTER = re.compile(r"[。\n]\s*([^。\n]+?(?:ため|ので|から)(?:です|になります|でございます)?)[。\s]*$")
_ASKED = re.compile(r"[?？]\s*$|何ですか|なんですか|教えて")


def splits(text: str, now: datetime, tz: ZoneInfo, *, lang: str = "ja") -> Iterator[tuple[str, str, bool]]:
    """The ways to take `text` apart: what is wanted, why, and whether a word marks it as the reason.

    The caller takes the first whose wish by itself says to move the day, where nothing marks it to which
    one. A reason that nothing marks is none where it names a date or time: that may be the new day.
    """
    marked = _MARKED.search(text)
    if marked is not None:
        wish, reason = text[: marked.start()], _trimmed(text[marked.end() :])
        if wish.strip(_EDGES) and reason and not _ASKED.search(reason):
            yield wish.rstrip(" \t　(（、,"), reason, True
        return
    found = [(text[: hit.start()], hit[1]) for hit in _AFTER.finditer(text)]
    found += [(text[hit.end() :], text[: hit.end()]) for hit in _BEFORE.finditer(text)]
    for wish, reason in found[:5]:
        said = _trimmed(reason)
        if wish.strip(_EDGES) and said and parse_when(said, now, tz, lang=lang) is None:
            yield wish, said, False


def _trimmed(reason: str) -> str:
    return " ".join(reason.strip(_EDGES).split())[:LONGEST_REASON]
