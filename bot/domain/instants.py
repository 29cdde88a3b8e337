"""The instants of a change, derived from stored observations alone: a restart changes nothing.

`F`, the old TTL in force, is the greatest TTL with which any authoritative address still gives
something other than the expected set. Whenever F drops from x at the moment t, be it because the TTL
was lowered or because an address took the new set, copies with the TTL x may live in caches until
t + x. So `t_safe` is the greatest such t + x, which with one lowering and one flip is dns-checks.md's
max(t_flip + TTL at the flip, t_lowered + TTL before), and which also holds where the TTL is lowered in
steps, goes up again, or differs between servers.

An answer's moment is when it came: what a server gave before it, some cache may have taken until then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain.cutover import Instants
from bot.domain.facts import NOT_ASKED, DomainFacts, MxAnswer, Outcome, Server
from bot.domain.mx import MxSet

# How long resolvers may go on asking a nameserver that has been taken out of the delegation, where its
# NS TTL was never seen: the TTL of most registries.
NS_TTL = 172_800
# Caches count in whole seconds: Unbound gives a copy out, with TTL 0, for up to one more than its TTL.
WHOLE_SECOND = timedelta(seconds=1)
COUNTDOWN_SLACK = 2  # seconds by which a countdown and the clock may differ

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Derivation:
    """The instants, and why they are what they are.

    `waiting`: addresses that keep `t_flip` from being known: they gave something else when last heard.
    `left_out`: addresses that never gave an authoritative word, on which nothing can be built.
    `ttl_at_flip`: seconds for which the last copies of the old set could live on from `t_flip`.
    """

    instants: Instants
    waiting: tuple[Server, ...] = ()
    left_out: tuple[Server, ...] = ()
    ttl_at_flip: int | None = None


@dataclass(slots=True)
class _Point:
    at: datetime
    new: bool
    ttl: int
    raw: int  # as it was read: less than `ttl` where it counts down


@dataclass(slots=True)
class _Track:
    """What one address gave over time."""

    server: Server
    points: list[_Point] = field(default_factory=list)

    def since_new(self) -> datetime | None:
        """Since when it gives the expected set, without having gone back."""
        since: datetime | None = None
        for point in reversed(self.points):
            if not point.new:
                break
            since = point.at
        return since


def derive(observations: Sequence[DomainFacts], expected: MxSet, ttl_before: int | None = None) -> Instants:
    """The instants; None where not yet known. `ttl_before`: the TTL stored at the start, in seconds.

    `safe_to_flip` is None as well where the TTL was never lowered: there is nothing to wait for, or
    nothing can be done about it (procedure B4).
    """
    return explain(observations, expected, ttl_before).instants


def explain(
    observations: Sequence[DomainFacts], expected: MxSet, ttl_before: int | None = None
) -> Derivation:
    """The instants with their reasons."""
    looks = [facts for facts in sorted(observations, key=lambda f: f.at) if facts.authoritative]
    if not looks:
        return Derivation(Instants())
    tracks, batches = _tracks(looks, expected)
    required, left_out = _required(looks, tracks, batches)
    flips = [track.since_new() for track in required]
    t_flip = None
    if required and all(flip is not None for flip in flips):
        t_flip = max(flip for flip in flips if flip is not None)
    batches.sort(key=lambda batch: max((point.at for _, point in batch), default=looks[0].at))
    sweep = _Sweep(ttl_before, _highest(tracks.values()))
    for batch in batches:
        sweep.take(batch)
    waiting = tuple(track.server for track, flip in zip(required, flips, strict=True) if flip is None)
    t_safe = sweep.safe(t_flip) if t_flip is not None else None
    return Derivation(
        Instants(sweep.t_lowered, sweep.safe_to_flip, t_flip, t_safe),
        waiting,
        left_out,
        sweep.at_flip if t_flip is not None else None,
    )


Batch = list[tuple[Key, _Point]]


def _tracks(looks: Iterable[DomainFacts], expected: MxSet) -> tuple[dict[Key, _Track], list[Batch]]:
    tracks: dict[Key, _Track] = {}
    batches: list[Batch] = []
    for facts in looks:
        by_key: dict[Key, list[MxAnswer]] = {}
        for answer in facts.authoritative:
            if answer.server.address and answer.outcome not in NOT_ASKED:
                key = (answer.server.address, answer.server.port)
                tracks.setdefault(key, _Track(answer.server))
                if answer.usable:
                    by_key.setdefault(key, []).append(answer)
        batch: Batch = []
        for key, answers in by_key.items():
            point = _point(facts, answers, expected)
            tracks[key].points.append(point)
            batch.append((key, point))
        batches.append(batch)
    for track in tracks.values():
        _see_through_countdowns(track.points)
    return tracks, batches


def _point(facts: DomainFacts, answers: list[MxAnswer], expected: MxSet) -> _Point:
    """One look at one address. Where reads differed, it counts as new only if all were."""
    ttl = max(_ttl(facts, answer) for answer in answers)
    return _Point(
        max(answer.at for answer in answers), all(answer.mx == expected for answer in answers), ttl, ttl
    )


def _see_through_countdowns(points: list[_Point]) -> None:
    """A TTL that fell by just the time that passed, and does not stay there, counts down: it was not lowered.

    A cache stands in front of the server; what it gives out afresh has the TTL from before.
    """
    runs: list[list[_Point]] = []
    for point in points:
        if runs and (runs[-1][0].new, runs[-1][0].raw) == (point.new, point.raw):
            runs[-1].append(point)
        else:
            runs.append([point])
    for before, run in pairwise(runs):
        gone = (run[0].at - before[-1].at).total_seconds()
        stays = (run[-1].at - run[0].at).total_seconds() > COUNTDOWN_SLACK
        if before[0].new != run[0].new or gone <= COUNTDOWN_SLACK or stays:
            continue
        if abs(before[0].raw - run[0].raw - gone) <= COUNTDOWN_SLACK:
            for point in run:
                point.ttl = before[0].ttl


def _ttl(facts: DomainFacts, answer: MxAnswer) -> int:
    """How long a cache may keep this answer; of a negative one, as long as the SOA says (RFC 2308)."""
    if answer.outcome is Outcome.ANSWER:
        return answer.ttl or 0
    known = [z.negative_ttl for z in facts.zone_answers if z.server == answer.server]
    return max((ttl for ttl in known if ttl is not None), default=0)


def _highest(tracks: Iterable[_Track]) -> int:
    return max((point.ttl for track in tracks for point in track.points), default=0)


def _required(
    looks: list[DomainFacts], tracks: dict[Key, _Track], batches: list[Batch]
) -> tuple[list[_Track], tuple[Server, ...]]:
    """The addresses that must have the new set, and those on which nothing can be built.

    One that is no longer named goes on being asked by resolvers that hold the old NS set: until that
    has run out, it counts with what it gave last.
    """
    latest = looks[-1]
    present = {(a.server.address, a.server.port) for a in latest.authoritative}
    hosts = {answer.server.host for answer in latest.authoritative if not answer.server.address}
    required = [track for key, track in tracks.items() if key in present and track.points]
    silent = tuple(track.server for key, track in tracks.items() if key in present and not track.points)
    if latest.by_hand:
        return required, silent
    for key, track in tracks.items():
        if key in present or not track.points or track.points[-1].new:
            continue
        if track.server.host not in hosts:
            gone = _gone_at(looks, key)
            if gone <= latest.at:
                point = _Point(gone, True, 0, 0)
                track.points.append(point)
                batches.append([(key, point)])
        required.append(track)
    return required, silent


def _gone_at(looks: list[DomainFacts], key: Key) -> datetime:
    """When the last resolver forgets a nameserver that was taken out."""
    last = max(
        index
        for index, facts in enumerate(looks)
        if any((a.server.address, a.server.port) == key for a in facts.authoritative)
    )
    ttls = [z.ns_ttl for facts in looks[: last + 1] for z in facts.zone_answers if z.ns_ttl is not None]
    return looks[last + 1].at + timedelta(seconds=max(ttls, default=NS_TTL))


class _Sweep:
    """F over time, and what its drops mean."""

    def __init__(self, ttl_before: int | None, highest: int) -> None:
        # A stored TTL that no observation shows any more was in force until the first of them.
        unseen = ttl_before is not None and ttl_before > highest
        self._force = ttl_before if unseen else None
        self._before = ttl_before
        self._held: dict[Key, int | None] = {}  # the TTL of what is not the expected set; None: it is
        self._expiries: list[datetime] = []
        self.t_lowered: datetime | None = None
        self.safe_to_flip: datetime | None = None
        self.at_flip: int | None = None
        self._new_ttl = 0
        self._lowerings: list[datetime] = []

    def take(self, batch: Batch) -> None:
        """One look."""
        changed: list[datetime] = []
        lowered = not self._held  # against the stored TTL, where that is higher than all that was seen
        for key, point in batch:
            held, earlier = (None if point.new else point.ttl), self._held.get(key)
            if key not in self._held or earlier != held:
                changed.append(point.at)
            lowered = lowered or (held is not None and earlier is not None and held < earlier)
            self._held[key] = held
            if point.new:
                self._new_ttl = max(self._new_ttl, point.ttl)
        if not changed:
            return
        at, before = max(changed), self._force
        old = [ttl for ttl in self._held.values() if ttl is not None]
        self._force = max(old, default=None) if self._held else before
        if before is not None and (self._force is None or self._force < before):
            self._expiries.append(at + timedelta(seconds=before))
            if self._force is None:
                self.at_flip = before
            elif lowered:
                self._lowered(at, before)
        elif self._force is not None and before is not None and self._force > before:
            self._raised()
        if self._force is not None:
            self._before = max(self._before or 0, self._force)

    def _lowered(self, at: datetime, before: int) -> None:
        self._lowerings.append(at + timedelta(seconds=before))
        self.t_lowered = at
        self.safe_to_flip = max(self._lowerings)

    def _raised(self) -> None:
        """Back at the TTL of the beginning: nothing is lowered any more."""
        if self._force is not None and self._before is not None and self._force >= self._before:
            self.t_lowered = self.safe_to_flip = None

    def safe(self, t_flip: datetime) -> datetime:
        """When the last copy of the old set has run out."""
        if self.at_flip is None:  # never seen with the old set: only the stored TTL, or the present one
            self.at_flip = self._before if self._before is not None else self._new_ttl
        return max([*self._expiries, t_flip + timedelta(seconds=self.at_flip)])
