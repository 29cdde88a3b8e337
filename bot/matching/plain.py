"""The matcher of a small install: n-grams and concepts, pure Python."""

from bot.matching.decide import decide
from bot.matching.linear import Linear, load_weights, softmax
from bot.matching.normal import normalise
from bot.ports import Match
from bot.usecases.ask import guess_lang


class PlainMatcher:
    """One logistic regression over what can be read off the letters."""

    def __init__(self) -> None:
        weights = load_weights("ngrams.bin")
        self._linear = Linear(weights)
        self._policies = weights.policies

    def match(self, text: str) -> Match:
        """See ports.Matcher."""
        return decide(self._linear.entries, self.probabilities(text), self._policies[guess_lang(text)])

    def probabilities(self, text: str) -> list[float]:
        """By entry, in the order of the fit."""
        if not normalise(text):
            return softmax([float(entry == "none") * 20 for entry in self._linear.entries])
        return softmax(self._linear.logits(text))
