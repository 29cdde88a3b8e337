"""Numbers in words, made digits, where a unit follows that makes them a number."""

import re
import unicodedata

_KANJI = {c: n for n, c in enumerate("〇一二三四五六七八九")}
# 一時 is left alone: it mostly means "temporarily" (一時的, 一時停止).
_COUNTED = re.compile(
    r"(?<![一二三四五六七八九十〇])(?!一時(?!間))([一二三四五六七八九十]{1,3})"
    r"(?=時間|時|分|日(?![曜本])|月(?!曜)|週間|週|[かヶヵカケ]月|年|番|つ目)"
)
_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDS = {name: n for n, name in enumerate(_NAMES, start=1)}
_WORDS |= {"a": 1, "an": 1, "fifteen": 15, "twenty": 20, "thirty": 30}
_ENGLISH = re.compile(rf"\b({'|'.join(_WORDS)})(?=\s+(?:hours?|hrs?|minutes?|mins?|days?|weeks?|months?)\b)")


def plain(text: str) -> str:
    """`text` in NFKC, lower case, of one spacing, with kanji and English numbers before units as digits."""
    folded = unicodedata.normalize("NFKC", text).lower()
    folded = " ".join(folded.translate(str.maketrans("〜～−–—’‘", "~~---''")).split())
    folded = re.sub(r"\bhalf an hour\b", "30 minutes", folded)
    folded = re.sub(r"\b(?:a )?couple of (?=hours|days|weeks)", "2 ", folded)
    folded = re.sub(r"半日(?=後)", "12時間", folded)
    folded = _COUNTED.sub(
        lambda found: found[1] if found[1].count("十") > 1 else str(_kanji(found[1])), folded
    )
    return _ENGLISH.sub(lambda found: str(_WORDS[found[1]]), folded)


def _kanji(text: str) -> int:
    """一 to 九十九."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return int("".join(str(_KANJI[c]) for c in text))
    return (_KANJI[tens[0]] if tens else 1) * 10 + (_KANJI[ones[0]] if ones else 0)
