"""What people write, by entry: the examples that the matcher learns from.

content/faq/phrases/<entry>.txt, one phrase a line; `none.txt` is what is not about this, `unclear.txt` what
is too bare to answer. `#` begins a comment. `[a|b|]` stands for each of its alternatives (here a, b or
nothing): `[外部|社外]からのメールが[届かない|来ない]`.
"""

import random
import re
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import product

VARIANTS = 14  # at most so many phrases of one line; every alternative is in one of them

_SLOT = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")


@lru_cache(maxsize=1)
def lines() -> Mapping[str, tuple[str, ...]]:
    """The lines by entry, as they are written."""
    found: dict[str, tuple[str, ...]] = {}
    folder = files("bot.content").joinpath("faq", "phrases")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".txt"):
            written = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
            kept = dict.fromkeys(line for line in written if line and not line.startswith("#"))
            found[file.name.removesuffix(".txt")] = tuple(kept)
    return found


def phrases() -> dict[str, tuple[str, ...]]:
    """The phrases by entry, alternatives written out."""
    return {
        entry: tuple(dict.fromkeys(phrase for line in written for phrase in variants(line)))
        for entry, written in lines().items()
    }


def fingerprint() -> str:
    """Changes when any phrase does: what a fitted model was fitted on."""
    text = "\n".join(f"{entry}\t{phrase}" for entry, found in phrases().items() for phrase in found)
    return f"{zlib.crc32(text.encode()):08x}"


def variants(line: str) -> Iterator[str]:
    """Up to VARIANTS phrases of a line with alternatives, the same at every call."""
    slots = [slot.split("|") for slot in _SLOT.findall(line)]
    if not slots:
        yield line
        return
    total = 1
    for slot in slots:
        total *= len(slot)
    count = max(VARIANTS, *(len(slot) for slot in slots))
    chance = random.Random(zlib.crc32(line.encode()))  # noqa: S311  (a reproducible choice, no secret)
    columns = [_column(slot, count, chance) for slot in slots]
    rows = product(*slots) if total <= count else zip(*columns, strict=True)
    template = _SLOT.sub("\0", line).split("\0")
    for row in rows:
        filled = "".join(part + choice for part, choice in zip(template, (*row, ""), strict=True))
        yield " ".join(filled.split())


def _column(slot: list[str], count: int, chance: random.Random) -> list[str]:
    """`count` alternatives, each as often as the others, in a random order."""
    full = [choice for _ in range(count // len(slot) + 1) for choice in chance.sample(slot, len(slot))]
    return full[:count]
