"""A question as features: n-grams of characters and of words weighed by TF-IDF, and concepts.

At fitting and at use alike.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping

from bot.matching.concepts import CONCEPTS, concepts
from bot.matching.normal import normalise

SIZES = (1, 2, 3, 4)  # of characters
WORDS = (1, 2, 3)  # in a row: their order is most of what English has in place of endings
CONCEPT_WEIGHT = 0.25
_CONCEPT, _WORDS = "\x01", "\x02"  # cannot be in a normalised text
_WORD = re.compile(r"[a-z0-9][a-z0-9.'@-]*")
READ_AT_MOST = 400  # characters; a question is shorter, a paste is mailtext's


def grams(normalised: str) -> Counter[str]:
    """Character n-grams within words; a word's ends count as spaces."""
    found: Counter[str] = Counter()
    for word in normalised.split():
        padded = f" {word} "
        for size in SIZES:
            if size > len(padded):
                break
            found.update(padded[i : i + size] for i in range(len(padded) - size + 1))
    found.pop(" ", None)
    return found


def word_grams(normalised: str) -> Counter[str]:
    """Runs of up to three words in Latin letters, each marked as what it is."""
    words = _WORD.findall(normalised)
    return Counter(
        _WORDS + " ".join(words[i : i + size]) for size in WORDS for i in range(len(words) - size + 1)
    )


def is_word_gram(name: str) -> bool:
    """Whether a feature is a run of words."""
    return name.startswith(_WORDS)


def all_grams(normalised: str) -> list[str]:
    """The n-grams of both kinds, each once."""
    return [*grams(normalised), *word_grams(normalised)]


def concept_names() -> list[str]:
    """The feature names of all concepts."""
    return [_CONCEPT + name for name, _ in CONCEPTS]


def features(text: str, idf: Mapping[str, float]) -> dict[str, float]:
    """Weights by feature name: either kind of n-gram of unit length together, concepts of CONCEPT_WEIGHT.

    `idf`: the n-grams that count and how much (1 + ln of how rare they are).
    """
    normalised = normalise(text[:READ_AT_MOST])
    found: dict[str, float] = {}
    for counted in (grams(normalised), word_grams(normalised)):
        weighed = {gram: (1 + math.log(count)) * idf[gram] for gram, count in counted.items() if gram in idf}
        length = math.sqrt(sum(weight * weight for weight in weighed.values())) or 1.0
        found.update((gram, weight / length) for gram, weight in weighed.items())
    named = concepts(normalised)
    if named:
        each = CONCEPT_WEIGHT / math.sqrt(len(named))
        found.update((_CONCEPT + name, each) for name in named)
    return found
