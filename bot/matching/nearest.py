"""A plain matcher: the nearest of the example phrases by character n-grams. Pure Python, no fitting."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from bot.matching.normal import normalise
from bot.ports import Candidate, Match

_SIZES = (1, 2, 3)
_ANSWER, _CHOOSE, _MARGIN = 0.55, 0.30, 0.08


class NearestPhrase:
    """Cosine similarity of TF-IDF character n-grams; an entry's score is that of its nearest phrase.

    `phrases`: what people write, by entry. `none` and `unclear` are entries like others here.
    """

    def __init__(self, phrases: Mapping[str, Sequence[str]]) -> None:
        rows = [(entry, _grams(phrase)) for entry, texts in phrases.items() for phrase in texts]
        self._entries = [entry for entry, _ in rows]
        seen_in: Counter[str] = Counter(gram for _, grams in rows for gram in grams)
        self._idf = {gram: math.log(len(rows) / count) + 0.1 for gram, count in seen_in.items()}
        self._index: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, (_, grams) in enumerate(rows):
            for gram, weight in self._weigh(grams).items():
                self._index[gram].append((number, weight))

    def match(self, text: str) -> Match:
        """See ports.Matcher."""
        scores = self.scores(text)
        if not scores or scores[0].score < _CHOOSE or scores[0].entry == "none":
            return Match("none", tuple(c for c in scores[:3] if c.entry not in ("none", "unclear")))
        if scores[0].entry == "unclear":
            return Match("clarify", tuple(c for c in scores[1:4] if c.entry != "none"))
        real = tuple(c for c in scores if c.entry not in ("none", "unclear"))[:3]
        ahead = scores[0].score - (scores[1].score if len(scores) > 1 else 0.0)
        sure = scores[0].score >= _ANSWER and ahead >= _MARGIN
        return Match("answer" if sure else "choose", real)

    def scores(self, text: str) -> list[Candidate]:
        """Every entry that shares a character with the text, best first."""
        found: dict[int, float] = defaultdict(float)
        for gram, weight in self._weigh(_grams(normalise(text))).items():
            for number, other in self._index.get(gram, ()):
                found[number] += weight * other
        best: dict[str, float] = {}
        for number, score in found.items():
            entry = self._entries[number]
            best[entry] = max(score, best.get(entry, 0.0))
        return [Candidate(e, round(s, 4)) for e, s in sorted(best.items(), key=lambda item: -item[1])]

    def _weigh(self, grams: Counter[str]) -> dict[str, float]:
        weighed = {
            gram: (1 + math.log(count)) * self._idf.get(gram, 0.0)
            for gram, count in grams.items()
            if gram in self._idf
        }
        length = math.sqrt(sum(weight * weight for weight in weighed.values())) or 1.0
        return {gram: weight / length for gram, weight in weighed.items()}


def _grams(text: str) -> Counter[str]:
    padded = f" {normalise(text)} "
    return Counter(padded[i : i + size] for size in _SIZES for i in range(len(padded) - size + 1))
