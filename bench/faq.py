"""How well questions are matched, on phrases that nothing was fitted on, beside two rivals in the same run.

    make bench-faq            # or: python -m bench.faq [FILE.tsv …]

A file has an entry id, a tab, and what a person wrote. Nothing is fitted on any of them. Without files, from
tests/data: faq-heldout.tsv, -2 and -3 (written blind once, looked at since: the thresholds are chosen on them
among others, so they flatter), faq-heldout4.tsv (written blind; only its shares and which entries and
languages they fall on were looked at while the training phrases grew, no single failure), faq-heldout5.tsv
(written blind; only its shares were looked at, and nothing was chosen by them) and faq-phrases.tsv (read
before the training phrases were written). A phrase that a training phrase nearly equals is left out.

Each rival is given the same training phrases, and the threshold that serves it best on the very phrases it is
judged by, which is more than it could have in earnest.
"""

import argparse
import json
import math
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.content.faq_phrases import phrases
from bot.matching.decide import NONE, UNCLEAR
from bot.matching.normal import normalise
from bot.ports import Candidate, Match
from bot.usecases.ask import guess_lang

DATA = Path(__file__).parents[1] / "tests" / "data"
WRONG_AT_MOST = 0.02
NEARLY_EQUAL = 90  # of 100: rapidfuzz's ratio of two normalised phrases

Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Shares:
    """Of the real questions: answered rightly at once, right among at most three. Of all: answered wrongly.
    Of the foreign ones: refused."""

    at_once: float
    among_three: float
    wrong: float
    refused: float

    def __str__(self) -> str:
        return (
            f"at once {self.at_once:6.1%}   among three {self.among_three:6.1%}   "
            f"wrong {self.wrong:5.1%}   foreign refused {self.refused:6.1%}"
        )


def read(file: Path) -> Rows:
    """The rows of a file of phrases."""
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    return [(row[0], row[1]) for row in rows if len(row) == 2 and not row[0].startswith("#")]


def unseen(rows: Rows) -> Rows:
    """Those that no training phrase nearly equals."""
    from rapidfuzz import fuzz, process

    known = [normalise(text) for texts in phrases().values() for text in texts]
    return [
        (entry, text)
        for entry, text in rows
        if process.extractOne(normalise(text), known, scorer=fuzz.ratio, score_cutoff=NEARLY_EQUAL) is None
    ]


def judge(matches: Sequence[Match], rows: Rows) -> Shares:
    """Shares over rows whose matches are given."""
    at_once = three = wrong = refused = foreign = 0
    for (entry, _), match in zip(rows, matches, strict=True):
        names = [candidate.entry for candidate in match.candidates[:3]]
        answered = match.decision == "answer"
        wrong += answered and names[0] != entry
        if entry == NONE:
            foreign += 1
            refused += match.decision == "none"
            continue
        right = answered and names[0] == entry
        at_once += right
        three += right or (match.decision == "choose" and entry in names)
    real = len(rows) - foreign
    return Shares(
        at_once / max(real, 1), three / max(real, 1), wrong / max(len(rows), 1), refused / max(foreign, 1)
    )


class Bm25:
    """Okapi BM25 over SudachiPy's normalised forms; an entry's score is that of its best phrase."""

    def __init__(self) -> None:
        from sudachipy import Dictionary, SplitMode

        tokenizer = Dictionary(dict="small").tokenizer()
        self._words: Callable[[str], list[str]] = lambda text: [
            word.normalized_form() for word in tokenizer.tokenize(text, SplitMode.C) if word.surface().strip()
        ]
        rows = [(entry, self._words(text.lower())) for entry, texts in phrases().items() for text in texts]
        self._entries = [entry for entry, _ in rows]
        length = sum(len(words) for _, words in rows) / len(rows)
        seen = Counter(word for _, words in rows for word in set(words))
        self._index: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, (_, words) in enumerate(rows):
            for word, count in Counter(words).items():
                idf = math.log(1 + (len(rows) - seen[word] + 0.5) / (seen[word] + 0.5))
                weight = idf * count * 2.5 / (count + 1.5 * (0.25 + 0.75 * len(words) / length))
                self._index[word].append((number, weight))

    def scores(self, text: str) -> list[Candidate]:
        totals: dict[int, float] = defaultdict(float)
        for word in set(self._words(text.lower())):
            for number, weight in self._index.get(word, ()):
                totals[number] += weight
        return best_by_entry((self._entries[number], score) for number, score in totals.items())


class Fuzzy:
    """rapidfuzz's ratio against every phrase, normalised as our own matchers do."""

    def __init__(self) -> None:
        self._rows = [(entry, normalise(text)) for entry, texts in phrases().items() for text in texts]
        self._texts = [text for _, text in self._rows]

    def scores(self, text: str) -> list[Candidate]:
        from rapidfuzz import fuzz, process

        found = process.extract(normalise(text), self._texts, scorer=fuzz.ratio, limit=60)
        return best_by_entry((self._rows[number][0], score / 100) for _, score, number in found)


def best_by_entry(scores) -> list[Candidate]:  # type: ignore[no-untyped-def]
    """Each entry's best score, best first."""
    best: dict[str, float] = {}
    for entry, score in scores:
        best[entry] = max(score, best.get(entry, -math.inf))
    return [Candidate(entry, score) for entry, score in sorted(best.items(), key=lambda item: -item[1])]


def decided(scores: Sequence[Candidate], answer: float, refuse: float) -> Match:
    """A rival's decision: the nearest phrase, with two thresholds."""
    real = tuple(c for c in scores if c.entry not in (NONE, UNCLEAR))[:3]
    if not real or scores[0].score < refuse or scores[0].entry == NONE:
        return Match("none", real)
    if scores[0].entry == UNCLEAR:
        return Match("clarify", real)
    return Match("answer" if scores[0].score >= answer else "choose", real)


def best_thresholds(found: Sequence[Sequence[Candidate]], rows: Rows) -> tuple[Shares, list[Match]]:
    """The most that is answered at once within WRONG_AT_MOST, over all thresholds; else the least wrong."""
    tops = sorted({scores[0].score for scores in found if scores})
    steps = [tops[int(i * (len(tops) - 1) / 40)] for i in range(41)]
    tried = []
    for answer in [*steps, math.inf]:
        for refuse in (0.0, *steps[:10]):
            matches = [decided(scores, answer, refuse) for scores in found]
            tried.append((judge(matches, rows), matches))
    allowed = [pair for pair in tried if pair[0].wrong <= WRONG_AT_MOST]
    return max(allowed or tried, key=lambda pair: (pair[0].at_once + pair[0].among_three, pair[0].refused))


def report(name: str, matches: Sequence[Match], rows: Rows, took: float) -> list[dict[str, object]]:
    """One matcher's figures: all, Japanese, English; printed, and as rows of a table."""
    table: list[dict[str, object]] = []
    for lang in ("", "ja", "en"):
        chosen = [i for i, (_, text) in enumerate(rows) if not lang or guess_lang(text) == lang]
        shares = judge([matches[i] for i in chosen], [rows[i] for i in chosen])
        pace = f"   {took / len(rows) * 1000:6.2f} ms" if not lang else ""
        print(f"  {name if not lang else '':<22}{lang or 'all':<4} {shares}{pace}")
        figures = {field: round(value, 4) for field, value in asdict(shares).items()}
        counts = {"real": sum(rows[i][0] != NONE for i in chosen)}
        counts["foreign"] = len(chosen) - counts["real"]
        table.append({"matcher": name, "lang": lang or "all", **figures, **counts,
                      "ms_each": None if lang else round(took / len(rows) * 1000, 2)})  # fmt: skip
    return table


def write(out: Path, found: dict[str, list[dict[str, object]]], memory: dict[str, float]) -> None:
    """The figures as faq.json, and as tables in faq.md."""
    out.mkdir(exist_ok=True)
    whole = {"peak_memory_mib": memory, "files": found}
    (out / "faq.json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    text = ["# Matching questions to FAQ entries (`make bench-faq`)", ""]
    text += [f"Peak memory, {name}: {mib:.0f} MiB." for name, mib in memory.items()]
    for file, table in found.items():
        text += ["", f"## {file}", ""]
        text += ["| matcher | language | right at once | among three | wrong | foreign refused | ms |"]
        text += ["| --- | --- | --- | --- | --- | --- | --- |"]
        for row in table:
            shares = [f"{row[name]:.1%}" for name in ("at_once", "among_three", "wrong", "refused")]
            sizes = f"{row['lang']} ({row['real']}+{row['foreign']})"
            text.append(f"| {row['matcher']} | {sizes} | {' | '.join(shares)} | {row['ms_each'] or ''} |")
    (out / "faq.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    names = ("faq-heldout", "faq-heldout2", "faq-heldout3", "faq-heldout4", "faq-heldout5", "faq-phrases")
    chosen = options.files or [DATA / f"{name}.tsv" for name in names]
    found_by: dict[str, list[dict[str, object]]] = {}
    memory: dict[str, float] = {}
    from bot.matching.plain import PlainMatcher

    matchers: dict[str, Callable[[str], Match]] = {"n-grams, pure Python": PlainMatcher().match}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        from bot.matching.semantic import JointMatcher

        matchers["joint with encoder"] = JointMatcher().match
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        memory = {"n-grams": before / 1024, "with the encoder": after / 1024}
        print(f"peak memory: {before / 1024:.0f} MiB with n-grams, {after / 1024:.0f} with the encoder too")
    except ImportError:
        print("the extra `semantic` is not installed: without the joint matcher")
    rivals: dict[str, Callable[[str], list[Candidate]]] = {"rapidfuzz ratio": Fuzzy().scores}
    try:
        rivals["BM25 with Sudachi"] = Bm25().scores
    except ImportError:
        print("SudachiPy is not installed (group `bench`): without BM25")
    for file in chosen:
        written = read(file)
        rows = unseen(written)
        print(f"\n{file.name}: {len(rows)} phrases, {len(written) - len(rows)} left out")
        table = found_by.setdefault(file.name, [])
        for name, match in matchers.items():
            began = time.perf_counter()
            matches = [match(text) for _, text in rows]
            table += report(name, matches, rows, time.perf_counter() - began)
        for name, scores in rivals.items():
            began = time.perf_counter()
            found = [scores(text) for _, text in rows]
            took = time.perf_counter() - began
            table += report(name, best_thresholds(found, rows)[1], rows, took)
    write(options.out, found_by, memory)


if __name__ == "__main__":
    main()
