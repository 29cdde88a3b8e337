"""From probabilities to a decision: answer, offer a choice, ask one question, or refuse."""

from collections.abc import Sequence

from bot.matching.linear import Policy
from bot.ports import Candidate, Match

NONE, UNCLEAR = "none", "unclear"
CANDIDATES = 3


def decide(entries: Sequence[str], probabilities: Sequence[float], policy: Policy) -> Match:
    """The decision for one question; candidates are entries of the tree, best first."""
    ranked = sorted(zip(probabilities, entries, strict=True), reverse=True)
    real = [Candidate(entry, round(p, 4)) for p, entry in ranked if entry not in (NONE, UNCLEAR)]
    by_name = {entry: p for p, entry in ranked}
    shown = tuple(real[:CANDIDATES])
    best, runner_up = real[0].score, ranked[1][0]
    if ranked[0][1] == real[0].entry and best >= policy.answer and best - runner_up >= policy.margin:
        return Match("answer", shown)
    if by_name.get(UNCLEAR, 0.0) >= policy.clarify:
        return Match("clarify", shown)
    if by_name.get(NONE, 0.0) >= policy.refuse:
        return Match("none", shown)
    return Match("choose", shown)
