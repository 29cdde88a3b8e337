"""The propagation of a change over time: what each address and each cache gave, as spans.

Pure: stored observations in. Between two looks a thing is drawn as what the earlier one showed; where
nothing was heard, as unknown. Instants are aware UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.cutover import Cutover
from bot.domain.facts import DEFINITE, NOT_ASKED, DomainFacts, MxAnswer
from bot.domain.watch import Standing

BEFORE = timedelta(minutes=30)
AFTER = timedelta(minutes=30)
SHORTEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` one and the same was given."""

    start: datetime
    end: datetime
    standing: Standing


@dataclass(frozen=True, slots=True)
class Row:
    """One address; `is_cache`: a sampled resolver, else an authoritative server."""

    name: str
    is_cache: bool
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The window around the change, its rows, and the two instants where they are known."""

    start: datetime
    end: datetime
    rows: tuple[Row, ...]
    t_flip: datetime | None
    t_safe: datetime | None


def timeline(cutover: Cutover, observations: Sequence[DomainFacts]) -> Timeline | None:
    """The picture's data; None where no look falls near the change. `observations`: oldest first."""
    flip, safe = cutover.instants.t_flip, cutover.instants.t_safe
    changed = _first_new(cutover, observations)
    middle = changed or flip or cutover.day
    start = min(middle, flip or middle) - BEFORE
    end = max(safe or middle, flip or middle) + AFTER
    seen = [facts for facts in observations if start - timedelta(days=1) <= facts.at <= end]
    if not any(start <= facts.at for facts in seen):
        return None
    end = min(end, max(seen[-1].at, start + SHORTEST))
    rows = [
        *_rows(cutover, seen, start, end, is_cache=False),
        *_rows(cutover, seen, start, end, is_cache=True),
    ]
    return Timeline(start, end, tuple(rows), flip, safe) if rows else None


def _first_new(cutover: Cutover, observations: Sequence[DomainFacts]) -> datetime | None:
    for facts in observations:
        if any(answer.usable and answer.mx == cutover.expected for answer in facts.authoritative):
            return facts.at
    return None


def _rows(
    cutover: Cutover, seen: Sequence[DomainFacts], start: datetime, end: datetime, *, is_cache: bool
) -> list[Row]:
    points: dict[str, list[tuple[datetime, Standing]]] = {}
    for facts in seen:
        answers = facts.resolvers if is_cache else facts.authoritative
        now: dict[str, list[Standing]] = {}
        for answer in answers:
            if answer.outcome not in NOT_ASKED and answer.server.address:
                now.setdefault(str(answer.server), []).append(_standing(cutover, answer, is_cache=is_cache))
        for name, standings in now.items():
            points.setdefault(name, []).append((facts.at, _worst(standings)))
    return [Row(name, is_cache, _spans(found, start, end)) for name, found in points.items()]


def _standing(cutover: Cutover, answer: MxAnswer, *, is_cache: bool) -> Standing:
    known = answer.outcome in DEFINITE if is_cache else answer.usable
    if not known:
        return Standing.SILENT
    if answer.mx == cutover.expected:
        return Standing.NEW
    before = cutover.snapshot.mx if cutover.snapshot else None
    return Standing.OLD if answer.mx == before else Standing.OTHER


def _worst(standings: Sequence[Standing]) -> Standing:
    """One address may be many machines: as long as one of them gives the old set, it does."""
    for standing in (Standing.OTHER, Standing.OLD, Standing.NEW):
        if standing in standings:
            return standing
    return Standing.SILENT


def _spans(points: Sequence[tuple[datetime, Standing]], start: datetime, end: datetime) -> tuple[Span, ...]:
    spans: list[Span] = []
    for number, (at, standing) in enumerate(points):
        until = points[number + 1][0] if number + 1 < len(points) else end
        first, last = max(at, start), min(until, end)
        if first >= last:
            continue
        if spans and spans[-1].standing is standing and spans[-1].end == first:
            spans[-1] = Span(spans[-1].start, last, standing)
        else:
            spans.append(Span(first, last, standing))
    return tuple(spans)
