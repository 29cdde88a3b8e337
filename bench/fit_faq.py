"""Fits the FAQ matchers on content/faq/phrases and chooses their thresholds: `make faq-model`.

Softmax regression with L2 (scikit-learn, needed only here). The alternatives of one line stay in one fold, so
that no phrase is judged by a sister of itself. The thresholds answer as much at once as LIMITS let,
and refuse as many of the foreign phrases as they ask, both out of fold.
"""

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from bot.content.faq_phrases import fingerprint, lines, variants
from bot.matching.decide import CANDIDATES, NONE, UNCLEAR
from bot.matching.features import concept_names, features, grams
from bot.matching.linear import Policy, Weights, softmax
from bot.matching.normal import normalise

Array = npt.NDArray[np.float64]
DATA = Path(__file__).parents[1] / "bot" / "matching" / "data"
STRENGTH = 20.0  # the inverse of L2's weight
TOLERANCE = 5e-4  # of the gradient, for the sake of time
FOLDS = 5
# Out of fold: wrong at most, foreign refused at least. Stricter where there is at-once to spare.
LIMITS = {"ngrams": (0.02, 0.95), "joint": (0.015, 0.96)}
SEED = 7


def fit(matrix: sp.csr_matrix, labels: Array, weight: Array) -> tuple[Array, Array]:
    """(weights by feature and entry, bias)."""
    model = LogisticRegression(C=STRENGTH, max_iter=400, tol=TOLERANCE)
    model.fit(matrix, labels, sample_weight=weight)
    return model.coef_.T, model.intercept_


class Corpus:
    """The phrases with their labels and groups (a group: the alternatives of one line)."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        names: list[str] = []
        groups: list[int] = []
        number = 0
        for entry, written in lines().items():
            for line in written:
                for phrase in variants(line):
                    self.texts.append(phrase)
                    names.append(entry)
                    groups.append(number)
                number += 1
        self.entries = tuple(sorted(set(names)))
        self.labels = np.array([self.entries.index(name) for name in names])
        self.groups = np.array(groups)
        self.weight = 1 / np.sqrt(np.bincount(self.groups))[self.groups]


def vocabulary(texts: Sequence[str], at_least: int = 2) -> dict[str, float]:
    """idf by n-gram, of those that `at_least` so many phrases hold."""
    seen: Counter[str] = Counter(gram for text in texts for gram in grams(normalise(text)))
    return {
        gram: math.log((1 + len(texts)) / (1 + count)) + 1
        for gram, count in sorted(seen.items())
        if count >= at_least
    }


def sparse(texts: Sequence[str], idf: dict[str, float], number: dict[str, int]) -> sp.csr_matrix:
    """The n-gram and concept features of texts, one row each."""
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        for name, value in features(text, idf).items():
            rows.append(row)
            columns.append(number[name])
            values.append(value)
    return sp.csr_matrix((values, (rows, columns)), shape=(len(texts), len(number)))


def encode(texts: Sequence[str], cache: Path | None) -> npt.NDArray[np.float32]:
    """Sentence embeddings of normalised texts; `cache` spares encoding them again."""
    from bot.matching.semantic import Encoder

    known: dict[str, npt.NDArray[np.float32]] = {}
    if cache and cache.exists():
        with np.load(cache, allow_pickle=False) as stored:
            known = dict(zip(stored["texts"].tolist(), stored["vectors"], strict=True))
    wanted = [normalise(text) for text in texts]
    missing = [text for text in dict.fromkeys(wanted) if text not in known]
    if missing:
        known.update(zip(missing, Encoder().many(missing), strict=True))
    if cache and missing:
        np.savez(cache, texts=np.array(list(known)), vectors=np.stack(list(known.values())))
    return np.stack([known[text] for text in wanted])


def policy_for(outside: Array, corpus: "Corpus", most_wrong: float, least_refused: float) -> Policy:
    """The thresholds that answer most at once, within both limits out of fold."""
    refuse = max(
        (
            t
            for t in np.arange(0.20, 0.52, 0.02)
            if judge(outside, corpus, Policy(0.6, 0.0, t, 0.5)).refused >= least_refused
        ),
        default=0.20,
    )
    tried = (
        (judge(outside, corpus, policy), policy)
        for answer in (0.40, 0.45, 0.50, 0.55, 0.60, 0.70, 0.80)
        for margin in np.arange(0.0, 0.65, 0.05)
        for policy in [Policy(answer, round(float(margin), 2), round(float(refuse), 2), 0.5)]
    )
    allowed = [(shares.at_once, policy) for shares, policy in tried if shares.wrong <= most_wrong]
    return max(allowed, key=lambda pair: pair[0])[1]


@dataclass(frozen=True)
class Shares:
    """Of real questions: answered rightly at once, right among three. Of all: answered wrongly. Of foreign
    ones: refused."""

    at_once: float
    among_three: float
    wrong: float
    refused: float


def judge(outside: Array, corpus: "Corpus", policy: Policy) -> Shares:
    """What a policy gives, each line of content weighing the same however many alternatives it has.

    The rules of `bot.matching.decide`, over all rows in one go."""
    share = 1 / np.bincount(corpus.groups)[corpus.groups]
    none, unclear = corpus.entries.index(NONE), corpus.entries.index(UNCLEAR)
    real_only = outside.copy()
    real_only[:, [none, unclear]] = -1.0
    ordered = np.sort(outside, axis=1)
    shown = np.argsort(-real_only, axis=1)[:, :CANDIDATES]
    best = real_only.max(axis=1)
    answered = (best == ordered[:, -1]) & (best >= policy.answer) & (best - ordered[:, -2] >= policy.margin)
    clarified = ~answered & (outside[:, unclear] >= policy.clarify)
    refused = ~answered & ~clarified & (outside[:, none] >= policy.refuse)
    offered = ~answered & ~clarified & ~refused & (shown == corpus.labels[:, None]).any(axis=1)
    is_right = shown[:, 0] == corpus.labels
    foreign = corpus.labels == none
    real = ~foreign & (corpus.labels != unclear)

    def part(rows: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_]) -> float:
        return float(share[rows & of].sum() / share[of].sum())

    return Shares(
        part(answered & is_right, real),
        part((answered & is_right) | offered, real),
        part(answered & ~is_right, np.ones_like(real)),
        part(refused, foreign),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this .npz")
    parser.add_argument("--keep", type=Path, help="keep the out-of-fold probabilities in this folder")
    parser.add_argument("--only", choices=("ngrams", "joint"))
    chosen = parser.parse_args()
    corpus = Corpus()
    print(f"{len(corpus.texts)} phrases of {len(set(corpus.groups))} lines, {len(corpus.entries)} entries")
    for kind in ("ngrams", "joint"):
        if chosen.only in (None, kind):
            began = time.monotonic()
            one(kind, corpus, encode(corpus.texts, chosen.cache) if kind == "joint" else None, chosen.keep)
            print(f"{kind}: {time.monotonic() - began:.0f} s")


def one(kind: str, corpus: Corpus, dense: npt.NDArray[np.float32] | None, keep: Path | None) -> None:
    """Fit one matcher, choose its thresholds, write its files."""
    idf = vocabulary(corpus.texts)
    names = [*idf, *concept_names()]
    matrix = sparse(corpus.texts, idf, {name: i for i, name in enumerate(names)})
    if dense is not None:
        matrix = sp.hstack([matrix, sp.csr_matrix(dense)]).tocsr()
    count = len(corpus.entries)
    outside = np.zeros((len(corpus.texts), count))
    fold_of = np.random.default_rng(SEED).integers(0, FOLDS, corpus.groups.max() + 1)[corpus.groups]
    for fold in range(FOLDS):
        train, test = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        weights, bias = fit(matrix[train], corpus.labels[train], corpus.weight[train])
        outside[test] = [softmax(row) for row in (matrix[test] @ weights + bias).tolist()]
        sys.stdout.write(".")
        sys.stdout.flush()
    if keep is not None:
        np.save(keep / f"oof_{kind}.npy", outside)
    top = outside.argmax(axis=1)
    print(f" top-1 out of fold {np.average(top == corpus.labels, weights=corpus.weight):.3f}")
    policy = policy_for(outside, corpus, *LIMITS[kind])
    print(f"{policy}: {judge(outside, corpus, policy)}")
    weights, bias = fit(matrix, corpus.labels, corpus.weight)
    a, b = weights[: len(names)], weights[len(names) :]
    scale = float(np.abs(a).max()) / 127
    heavy = np.flatnonzero(np.abs(a).max(axis=1) >= 3 * scale)  # the rest would be 0, 1 or 2 of 127
    heavy = np.union1d(heavy, np.arange(len(idf), len(names)))
    quantised = np.clip(np.round(a[heavy] / scale), -127, 127).astype(np.int8)
    kept = [names[i] for i in heavy]
    fitted = Weights(
        corpus.entries,
        tuple(kept),
        tuple(idf[name] for name in kept if name in idf),
        quantised.tobytes(),
        scale,
        tuple(float(value) for value in bias),
        policy,
        fingerprint(),
    )
    DATA.mkdir(exist_ok=True)
    (DATA / f"{kind}.bin").write_bytes(fitted.dump())
    if dense is not None:
        np.save(DATA / f"{kind}.npy", b.astype(np.float16))
    print(
        f"{len(kept)} of {len(names)} features kept, {(DATA / f'{kind}.bin').stat().st_size / 1024:.0f} KiB"
    )


if __name__ == "__main__":
    main()
