"""Public resolvers are asked with restraint."""

from bot.dns.manners import EVERY, FIRST_PAUSE, LONGEST_PAUSE, Manners
from bot.domain.facts import Outcome

GOOGLE, QUAD9 = ("8.8.8.8", 53), ("9.9.9.9", 53)


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_once_a_second_and_watch() -> None:
    clock = Seconds()
    manners = Manners(clock)
    assert manners.may_ask(GOOGLE, "a.jp.")
    assert not manners.may_ask(GOOGLE, "a.jp.")
    assert manners.may_ask(QUAD9, "a.jp.")
    assert manners.may_ask(GOOGLE, "b.jp.")
    clock.now = EVERY
    assert manners.may_ask(GOOGLE, "a.jp.")


def test_one_that_does_not_answer_is_left_alone_longer_each_time() -> None:
    clock = Seconds()
    manners = Manners(clock)
    pauses = []
    for _ in range(10):
        start = clock.now
        manners.heard(GOOGLE, Outcome.TIMEOUT)
        while not manners.may_ask(GOOGLE, "a.jp."):
            clock.now += 0.5
        pauses.append(clock.now - start)
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert max(pauses) == LONGEST_PAUSE
    manners.heard(GOOGLE, Outcome.ANSWER)
    clock.now += EVERY
    assert manners.may_ask(GOOGLE, "a.jp.")
    manners.heard(GOOGLE, Outcome.REFUSED)
    clock.now += EVERY
    assert not manners.may_ask(GOOGLE, "a.jp.")
    assert manners.may_ask(QUAD9, "a.jp.")


def test_memory_is_bounded() -> None:
    clock = Seconds()
    manners = Manners(clock)
    for number in range(50_000):
        clock.now += 0.01
        manners.may_ask(GOOGLE, f"d{number}.jp.")
    assert len(manners._asked) <= 20_001
