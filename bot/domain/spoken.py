"""A tree's question answered in words instead of by its buttons. Pure; both languages at once.

Labels are compared without marks, polite endings and words of changing one's mind.
"""

import re
import unicodedata
from enum import StrEnum

from bot.domain.faq import Ask, Option

NOT_SURE = "not_sure"  # the value of the option for somebody who does not know
_CLOSE, _LEAD = 0.3, 0.15  # how alike the best label has to be, and by how much before the next

_MARKS = re.compile(r"[\s、。,.!?…~〜・/()「」『』\"'’:;-]+")
_CHANGED = re.compile(
    r"^(いや|すみません|ごめんなさい|間違えました|訂正|actually|no,? wait|wait|sorry|correction)[、。,.\s]+"
    r"|^(やっぱり?|やはり)[、\s]*",
    re.IGNORECASE,
)
_POLITE = re.compile(r"(のほう|の方)?(です|でした|ですね|だと思います|と思います|の方|かな|かも|だ|よ|ね)+$")
_NUMBER = re.compile(r"^\(?([1-9])\)?(番目?|つ目|\.)?(です|で)?$")
_UNSURE = re.compile(
    r"^(ちょっと|よく|どれか|どちらか)*(分か|わか|判)(ら|り)(ない|ん|ず|ません)|^不明"
    r"|^(i'?m )?(not sure|unsure)|^(i )?(don'?t|do not) know|^no idea",
    re.IGNORECASE,
)
_YES = re.compile(r"^(はい|ええ|うん|そうです|その通り|yes|yep|yeah)$", re.IGNORECASE)
_NO = re.compile(r"^(いいえ|いえ|いや|no|nope)$", re.IGNORECASE)
_NOT_THIS = re.compile(
    r"^(これ|それ|どれ)?(で|じゃ)?(は|も)?(違|ちが)(う|い?ます|った|いました)(です)?$"
    r"|^(これ|それ|そう)(では|じゃ)(ない|ありません)(です)?$|^どれ(でも|にも|も)(違|ちが|な|当ては|あては)"
    r"|^該当(なし|しない|しません)"
    r"|^(no )?(that'?s |this is )?not (this|that|it)$|^none of (these|them)|^(it'?s )?something else$",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"^(一つ|ひとつ|1つ)?前(の質問)?(に戻(る|って|りたい|してください))?$|^戻る$"
    r"|^(go )?back$|^previous question$",
    re.IGNORECASE,
)


class Said(StrEnum):
    """What words about a conversation, rather than in it, ask for."""

    NOT_THIS = "not_this"
    BACK = "back"


def about(text: str) -> Said | None:
    """Whether somebody says that none of it fits, or wants the question before."""
    words = _plain(text, " ").strip()
    if len(words) > 40:
        return None
    if _NOT_THIS.search(words.replace(" ", "") if not words.isascii() else words):
        return Said.NOT_THIS
    return Said.BACK if _BACK.search(words) else None


def number_in(text: str) -> int | None:
    """The number that is all that a text says, 1 to 9: "2", "②", "2番です"."""
    found = _NUMBER.match(_essence(text))
    return int(found[1]) if found else None


def changed_mind(text: str) -> bool:
    """Whether it begins as a correction does: やっぱり, actually."""
    return bool(_CHANGED.search(unicodedata.normalize("NFKC", text).strip()))


def exactly(ask: Ask, text: str, *, numbers: bool = True) -> Option | None:
    """The option that is named: by its label, its number, yes or no, or "don't know"; else None."""
    words = _essence(text)
    if not words:
        return None
    for option in ask.options:
        if words in {_essence(label) for label in option.label.values()}:
            return option
    if numbers and (number := number_in(text)):
        return ask.options[number - 1] if number <= len(ask.options) else None
    plain = _plain(text, " ").strip()
    if _UNSURE.search(plain):
        return next((option for option in ask.options if option.value == NOT_SURE), None)
    yes = _starting(ask, "yes")
    if _YES.match(plain) and len(yes) == 1:
        return yes[0]
    no = _starting(ask, "no")
    return no[0] if _NO.match(plain) and yes and len(no) == 1 else None


def closely(ask: Ask, text: str) -> tuple[Option, float] | None:
    """The option whose label is clearly the most alike, and how much (0 to 1); else None."""
    words = _essence(text)
    ranked = sorted(
        (
            (max(_alike(words, _essence(label)) for label in option.label.values()), number)
            for number, option in enumerate(ask.options)
            if option.value != NOT_SURE  # its words are all in `exactly`
        ),
        reverse=True,
    )
    best, after = ranked[0], ranked[1][0] if len(ranked) > 1 else 0.0
    if len(words) < 3 or best[0] < _CLOSE or best[0] - after < _LEAD:
        return None
    return ask.options[best[1]], best[0]


def _starting(ask: Ask, word: str) -> list[Option]:
    return [option for option in ask.options if re.match(rf"{word}\b", option.label["en"], re.IGNORECASE)]


def _plain(text: str, gap: str) -> str:
    lowered = unicodedata.normalize("NFKC", text).casefold().strip()
    return _MARKS.sub(gap, _CHANGED.sub("", lowered).replace("’", "").replace("'", ""))


def _essence(text: str) -> str:
    return _POLITE.sub("", _plain(text, ""))


def _alike(one: str, other: str) -> float:
    """Dice's coefficient of their pairs of letters."""
    first = {one[n : n + 2] for n in range(len(one) - 1)}
    second = {other[n : n + 2] for n in range(len(other) - 1)}
    both = len(first) + len(second)
    return 2 * len(first & second) / both if both else 0.0
