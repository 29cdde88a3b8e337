"""The instants, and above all: never "safe" while a cache that obeys TTLs can still hold the old set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.domain.essence import edges
from bot.domain.facts import DomainFacts, MxAnswer, MxRecord, Outcome, Server, ZoneAnswer
from bot.domain.instants import NS_TTL, derive, explain
from bot.domain.mx import Mx, MxSet

OLD: MxSet = frozenset({Mx(10, "mail.old-provider.example.")})
NEW: MxSet = frozenset({Mx(10, "mgf.cybermail.jp.")})
START = datetime(2026, 11, 20, 3, tzinfo=UTC)
SERVERS = [Server(f"ns{n}.example.net.", f"192.0.2.{n}") for n in range(1, 5)]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def answer(server: Server, seconds: float, mx: MxSet, ttl: int) -> MxAnswer:
    records = tuple(MxRecord(record, ttl) for record in sorted(mx))
    outcome = Outcome.ANSWER if mx else Outcome.NODATA
    return MxAnswer(server, at(seconds), outcome, authoritative=True, records=records)


def silent(server: Server, seconds: float) -> MxAnswer:
    return MxAnswer(server, at(seconds), Outcome.TIMEOUT)


def look(seconds: float, *answers: MxAnswer) -> DomainFacts:
    return DomainFacts("example.co.jp", at(seconds), answers)


def both(seconds: float, mx: MxSet, ttl: int) -> DomainFacts:
    return look(seconds, *(answer(server, seconds, mx, ttl) for server in SERVERS[:2]))


def test_a_whole_cutover_as_the_definition_has_it() -> None:
    """dns-checks.md: t_safe = max(t_flip + TTL at the flip, t_lowered + TTL before)."""
    looks = [both(0, OLD, 3600), both(100, OLD, 300), both(5000, OLD, 300), both(9000, NEW, 300)]
    found = derive(looks, NEW, 3600)
    assert found.t_lowered == at(100)
    assert found.safe_to_flip == at(100 + 3600)
    assert found.t_flip == at(9000)
    assert found.t_safe == at(9000 + 300)


def test_flipped_too_soon_the_old_ttl_decides() -> None:
    looks = [both(0, OLD, 86400), both(100, OLD, 300), both(700, NEW, 300)]
    assert derive(looks, NEW).t_safe == at(100 + 86400)


def test_a_ttl_that_was_never_lowered_counts_in_full() -> None:
    """Procedure B4: the DNS service cannot change it."""
    found = derive([both(0, OLD, 3600), both(500, NEW, 3600)], NEW, 3600)
    assert (found.t_lowered, found.safe_to_flip) == (None, None)
    assert found.t_safe == at(500 + 3600)


def test_the_last_server_makes_the_flip() -> None:
    one, two = SERVERS[:2]
    looks = [
        both(0, OLD, 300),
        look(60, answer(one, 60, NEW, 300), answer(two, 60, OLD, 300)),
        look(900, answer(one, 900, NEW, 300), answer(two, 900, OLD, 300)),
    ]
    waiting = explain(looks, NEW)
    assert waiting.instants.t_flip is None
    assert waiting.instants.t_safe is None
    assert waiting.waiting == (two,)
    done = derive([*looks, both(1800, NEW, 300)], NEW)
    assert (done.t_flip, done.t_safe) == (at(1800), at(2100))


def test_a_server_that_goes_back_takes_the_flip_with_it() -> None:
    one, two = SERVERS[:2]
    looks = [both(0, OLD, 300), both(60, NEW, 300)]
    back = look(120, answer(one, 120, OLD, 300), answer(two, 120, NEW, 300))
    assert derive([*looks, back], NEW).t_flip is None
    again = derive([*looks, back, both(180, NEW, 300)], NEW)
    assert (again.t_flip, again.t_safe) == (at(180), at(480))


def test_silence_is_no_news() -> None:
    one, two = SERVERS[:2]
    looks = [both(0, OLD, 300), both(60, NEW, 300)]
    quiet = look(120, silent(one, 120), answer(two, 120, NEW, 300))
    assert derive([*looks, quiet], NEW) == derive(looks, NEW)
    before = look(60, silent(one, 60), answer(two, 60, NEW, 300))
    found = explain([looks[0], before], NEW)
    assert found.instants.t_flip is None
    assert found.waiting == (one,)


def test_a_server_that_never_said_a_word_is_left_out_and_named() -> None:
    one, two = SERVERS[:2]
    looks = [look(t, silent(one, t), answer(two, t, mx, 300)) for t, mx in ((0, OLD), (60, NEW), (120, NEW))]
    found = explain(looks, NEW)
    assert found.instants.t_flip == at(60)
    assert found.left_out == (one,)


def test_two_backends_behind_one_address_must_both_have_it() -> None:
    one = SERVERS[0]
    split = look(60, answer(one, 60, NEW, 300), answer(one, 60, OLD, 300))
    assert derive([look(0, answer(one, 0, OLD, 300)), split], NEW).t_flip is None


def test_a_nameserver_taken_out_is_asked_until_its_ns_record_has_run_out() -> None:
    one, two = SERVERS[:2]
    first = replace(
        both(0, OLD, 300),
        zone_answers=(ZoneAnswer(one, at(0), Outcome.ANSWER, True, ns_ttl=7200),),
    )
    without = [look(t, answer(two, t, NEW, 300)) for t in (60.0, 7000.0)]
    found = explain([first, *without], NEW)
    assert found.instants.t_flip is None
    assert found.waiting == (one,)
    late = derive([first, *without, look(9000, answer(two, 9000, NEW, 300))], NEW)
    assert (late.t_flip, late.t_safe) == (at(60 + 7200), at(60 + 7200 + 300))
    unknown = replace(first, zone_answers=())
    assert derive([unknown, *without, look(9000, answer(two, 9000, NEW, 300))], NEW).t_flip is None
    much_later = look(61 + NS_TTL, answer(two, 61 + NS_TTL, NEW, 300))
    assert derive([unknown, *without, much_later], NEW).t_flip == at(60 + NS_TTL)


def test_a_countdown_is_not_a_lowered_ttl() -> None:
    looks = [both(t, OLD, 3600 - t) for t in (0, 100, 600)]
    assert derive(looks, NEW, 3600).t_lowered is None


def test_what_stays_where_it_fell_to_was_lowered_after_all() -> None:
    """By chance the time that passed equals the step: the next looks tell."""
    looks = [both(0, OLD, 3600), both(3300, OLD, 300)]
    assert derive(looks, NEW, 3600).t_lowered is None
    assert derive([*looks, both(3360, OLD, 300)], NEW, 3600).t_lowered == at(3300)


def test_lowered_in_steps_each_step_has_its_time() -> None:
    looks = [both(0, OLD, 3600), both(100, OLD, 600), both(5000, OLD, 300)]
    found = derive(looks, NEW, 3600)
    assert found.t_lowered == at(5000)
    assert found.safe_to_flip == at(5600)


def test_raised_again_means_not_lowered() -> None:
    looks = [both(0, OLD, 3600), both(100, OLD, 300), both(200, OLD, 3600)]
    found = derive(looks, NEW, 3600)
    assert (found.t_lowered, found.safe_to_flip) == (None, None)


def test_restoring_the_ttl_afterwards_changes_no_instant() -> None:
    looks = [both(0, OLD, 3600), both(100, OLD, 300), both(9000, NEW, 300)]
    assert derive([*looks, both(900_000, NEW, 3600)], NEW, 3600) == derive(looks, NEW, 3600)


def test_the_stored_ttl_counts_where_the_first_look_came_after_the_lowering() -> None:
    found = derive([both(0, OLD, 300), both(60, NEW, 300)], NEW, 3600)
    assert found.t_safe == at(3600)


def test_nothing_seen_nothing_said() -> None:
    nothing = derive([], NEW)
    assert nothing == derive([look(0)], NEW) == derive([look(0, silent(SERVERS[0], 0))], NEW)
    assert nothing.t_flip is None
    assert nothing.t_safe is None


# --- caches ---------------------------------------------------------------------------------------


@dataclass
class World:
    """Servers over time, the looks at them, and how long some cache may have held the old set."""

    looks: list[DomainFacts]
    last_copy: float
    flipped: bool


TTLS = st.sampled_from([0, 1, 8, 60, 300, 600, 1800, 3600])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Servers change their TTL or their set at any moment, at most once between two looks that see them.

    (What happens twice between two looks cannot be seen by anybody.) A cache may ask any server at any
    moment, so a segment with the old set and TTL x that ends at t lets a copy live until t + x.
    """
    count = draw(st.integers(1, 3))
    servers = SERVERS[:count]
    ttl = draw(TTLS)
    state = [(OLD, ttl) for _ in servers]
    unseen = [False] * count  # a change that no look has seen yet
    now, last_copy = 0.0, 0.0
    looks: list[DomainFacts] = []
    for number in range(draw(st.integers(1, 9))):
        answers: list[MxAnswer] = []
        for index, server in enumerate(servers):
            if number and draw(st.integers(0, 4)) == 0:
                answers.append(silent(server, now))
                continue
            unseen[index] = False
            answers.append(answer(server, now, *state[index]))
        looks.append(look(now, *answers))
        gap = draw(st.integers(1, 4000))
        for index in range(count):
            if unseen[index] or draw(st.booleans()):
                continue
            moment = now + draw(st.floats(0, gap, allow_nan=False))
            changed = draw(st.sampled_from(["ttl", "flip", "flip", "back"]))
            mx, ttl = state[index]
            new = {"ttl": (mx, draw(TTLS)), "flip": (NEW, ttl), "back": (OLD, draw(TTLS))}[changed]
            if mx == OLD:
                last_copy = max(last_copy, moment + ttl)
            state[index] = new
            unseen[index] = True
        now += gap
    looks.append(look(now, *(answer(server, now, *state[i]) for i, server in enumerate(servers))))
    return World(looks, last_copy, all(mx == NEW for mx, _ in state))


@settings(max_examples=500, deadline=None)
@given(world=worlds())
def test_never_safe_while_any_cache_can_hold_the_old_set(world: World) -> None:
    found = derive(world.looks, NEW)
    if not world.flipped:
        assert found.t_safe is None
        return
    assert found.t_safe is not None
    assert found.t_safe >= at(world.last_copy)


@settings(max_examples=200, deadline=None)
@given(world=worlds(), data=st.data())
def test_a_restart_and_more_of_the_same_change_nothing(world: World, data: st.DataObject) -> None:
    """The same observations in any order of storing, or one more that shows the same, give the same."""
    shuffled = data.draw(st.permutations(world.looks))
    found = derive(world.looks, NEW)
    assert derive(shuffled, NEW) == found
    last = world.looks[-1]
    later = (last.at - START).total_seconds() + 4000
    same = replace(
        last, at=at(later), authoritative=tuple(replace(a, at=at(later)) for a in last.authoritative)
    )
    more = derive([*world.looks, same], NEW)
    assert (more.t_flip, more.t_safe) == (found.t_flip, found.t_safe)


@settings(max_examples=200, deadline=None)
@given(
    before=st.integers(301, 90_000),
    wait=st.integers(1, 200_000),
    lag=st.integers(0, 5000),
)
@example(before=3600, wait=1, lag=0)
def test_not_later_than_the_definition_either(before: int, wait: int, lag: int) -> None:
    """One lowering, one flip, seen at once: exactly the definition's moment."""
    assume(abs(before - 100 - 300) > 2)  # what falls by just the time that passed may be a countdown
    one, two = SERVERS[:2]
    flip = 100.0 + wait
    looks: Sequence[DomainFacts] = [
        both(0, OLD, before),
        both(100, OLD, 300),
        both(flip - 0.5, OLD, 300),
        look(flip, answer(one, flip, NEW, 300), answer(two, flip, OLD, 300)),
        both(flip + lag + 1, NEW, 300),
    ]
    assert derive(looks, NEW, before).t_safe == max(at(flip + lag + 1 + 300), at(100 + before))


@settings(max_examples=300, deadline=None)
@given(world=worlds(), data=st.data())
def test_the_edges_of_runs_say_as_much_as_all_looks(world: World, data: st.DataObject) -> None:
    """A watch that sees the same many times is read again by its changes alone."""
    looks: list[DomainFacts] = []
    for seen in world.looks:
        looks.append(seen)
        for number in range(data.draw(st.integers(0, 3))):
            later = seen.at + timedelta(milliseconds=number + 1)
            again = tuple(replace(a, at=later) for a in seen.authoritative)
            looks.append(replace(seen, at=later, authoritative=again))
    kept = edges(looks)
    assert derive(kept, NEW, 3600) == derive(looks, NEW, 3600)
    assert len(kept) <= 2 * len(world.looks)
