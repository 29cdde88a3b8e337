"""The budget of looks: never more than so many in any sixty seconds, and nobody is locked out for longer."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.allowance import WINDOW, admit

AT = datetime(2026, 12, 1, tzinfo=UTC)


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 5))
def test_no_window_holds_more_than_the_budget(steps: list[int], most: int) -> None:
    now = AT
    used: tuple[datetime, ...] = ()
    allowed: list[datetime] = []
    for step in steps:
        now += timedelta(seconds=step)
        found = admit(used, now, most)
        used = found.used
        if found.again_at is None:
            allowed.append(now)
        else:
            assert now < found.again_at <= now + WINDOW
            assert admit(used, found.again_at, most).again_at is None
        assert len(used) <= most
    for at in allowed:
        assert sum(at - WINDOW < other <= at for other in allowed) <= most


def test_zero_is_any_number() -> None:
    assert admit([AT] * 100, AT, 0).again_at is None


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    found = admit([AT + timedelta(days=1)] * 3, AT, 3)
    assert found.again_at == AT + WINDOW


def test_nothing_is_counted_of_what_was_refused() -> None:
    found = admit([AT, AT], AT + timedelta(seconds=1), 2)
    assert found.used == (AT, AT)
    assert found.again_at == AT + WINDOW
