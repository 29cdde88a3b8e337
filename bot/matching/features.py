"""A question as features: character n-grams weighed by TF-IDF, and concepts; at fitting and at use alike."""

import math
from collections import Counter
from collections.abc import Mapping

from bot.matching.concepts import CONCEPTS, concepts
from bot.matching.normal import normalise

SIZES = (1, 2, 3, 4)
CONCEPT_WEIGHT = 0.25
_CONCEPT = "\x01"  # cannot be in a normalised text
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


def concept_names() -> list[str]:
    """The feature names of all concepts."""
    return [_CONCEPT + name for name, _ in CONCEPTS]


def features(text: str, idf: Mapping[str, float]) -> dict[str, float]:
    """Weights by feature name: n-grams of unit length together, concepts of CONCEPT_WEIGHT together.

    `idf`: the n-grams that count and how much (1 + ln of how rare they are).
    """
    normalised = normalise(text[:READ_AT_MOST])
    weighed = {
        gram: (1 + math.log(count)) * idf[gram] for gram, count in grams(normalised).items() if gram in idf
    }
    length = math.sqrt(sum(weight * weight for weight in weighed.values())) or 1.0
    found = {gram: weight / length for gram, weight in weighed.items()}
    named = concepts(normalised)
    if named:
        each = CONCEPT_WEIGHT / math.sqrt(len(named))
        found.update((_CONCEPT + name, each) for name in named)
    return found
