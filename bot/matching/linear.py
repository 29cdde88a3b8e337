"""Logistic regression over n-grams and concepts, from fitted weights: pure Python, well under a millisecond.

A weights file is zlib-compressed: one line of JSON, the features one a line, then int8 rows. Weights are
stored as their roots, so that the many small ones keep their precision beside a few heavy ones.
"""

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from bot.matching.features import features

FORMAT = 2


class BadModel(Exception):
    """The weights file is not one, or of another version."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When to answer, to offer a choice, or to refuse; chosen by cross-validation (bench/fit_faq.py)."""

    answer: float  # the best entry's probability
    margin: float  # and how far it is ahead of the next
    refuse: float  # the probability of "none" from which the question is foreign
    clarify: float  # the probability of "unclear" from which one question is asked

    def as_dict(self) -> dict[str, float]:
        return {"answer": self.answer, "margin": self.margin, "refuse": self.refuse, "clarify": self.clarify}


@dataclass(frozen=True, slots=True)
class Weights:
    """What a fit gave. `rows`: one int8 row a feature; a weight is its byte, squared with its sign, times
    `scale`."""

    entries: tuple[str, ...]
    names: tuple[str, ...]
    idf: tuple[float, ...]
    rows: bytes
    scale: float
    bias: tuple[float, ...]
    policies: Mapping[str, Policy]  # by language
    fingerprint: str  # of the phrases it was fitted on

    def dump(self) -> bytes:
        """As a file's content."""
        header = {
            "format": FORMAT,
            "entries": self.entries,
            "count": len(self.names),
            "scale": self.scale,
            "bias": [round(value, 5) for value in self.bias],
            "idf": [round(value, 3) for value in self.idf],
            "policies": {lang: policy.as_dict() for lang, policy in self.policies.items()},
            "fingerprint": self.fingerprint,
        }
        text = json.dumps(header, ensure_ascii=False) + "\n" + "\n".join(self.names) + "\n\n"
        return zlib.compress(text.encode() + self.rows, 9)


def load_weights(name: str) -> Weights:
    """The weights of matching/data/`name`. Raises BadModel."""
    return parse_weights(files("bot.matching").joinpath("data", name).read_bytes())


def parse_weights(content: bytes) -> Weights:
    """Weights from a file's content. Raises BadModel."""
    try:
        head, _, rows = zlib.decompress(content).partition(b"\n\n")
        first, *names = head.decode().split("\n")
        header = json.loads(first)
    except (zlib.error, ValueError) as error:
        raise BadModel(str(error)) from error
    if header.get("format") != FORMAT or len(rows) != len(names) * len(header["entries"]):
        raise BadModel("the weights are of another version; fit them again (make faq-model)")
    return Weights(
        tuple(header["entries"]),
        tuple(names),
        tuple(header["idf"]),
        rows,
        header["scale"],
        tuple(header["bias"]),
        {lang: Policy(**policy) for lang, policy in header["policies"].items()},
        header["fingerprint"],
    )


def weight(stored: int) -> int:
    """What an int8 stands for, in units of `Weights.scale`."""
    return stored * abs(stored)


class Linear:
    """Scores a text for every entry of a fit."""

    def __init__(self, weights: Weights) -> None:
        self.entries = weights.entries
        self._width = len(weights.entries)
        self._rows = memoryview(weights.rows)
        self._weight_of = [weight(byte - 256 if byte > 127 else byte) * weights.scale for byte in range(256)]
        self._bias = weights.bias
        self._number = {name: number for number, name in enumerate(weights.names)}
        self._idf: Mapping[str, float] = dict(zip(weights.names, weights.idf, strict=False))

    def logits(self, text: str) -> list[float]:
        """One value an entry, in the order of `entries`; softmax makes probabilities of them."""
        sums, weight_of = [0.0] * self._width, self._weight_of
        for name, value in features(text, self._idf).items():
            number = self._number.get(name)
            if number is None:
                continue
            start = number * self._width
            for column, byte in enumerate(self._rows[start : start + self._width]):
                sums[column] += value * weight_of[byte]
        return [total + bias for total, bias in zip(sums, self._bias, strict=True)]


def softmax(logits: Sequence[float]) -> list[float]:
    """Probabilities."""
    top = max(logits)
    powers = [math.exp(value - top) for value in logits]
    total = sum(powers)
    return [power / total for power in powers]
