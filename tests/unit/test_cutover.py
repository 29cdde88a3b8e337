"""The transition table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cutover import OPEN_STATES, TRANSITIONS, Event, NotNow, State, accepts, decide


def test_closed_states_accept_nothing() -> None:
    for state in set(State) - OPEN_STATES:
        assert not [event for event in Event if accepts(state, event)]


def test_every_open_state_leads_to_an_end() -> None:
    for start in OPEN_STATES:
        reached, edge = {start}, {start}
        while edge:
            edge = {to for (frm, _), to in TRANSITIONS.items() if frm in edge} - reached
            reached |= edge
        assert reached - OPEN_STATES


@given(st.lists(st.sampled_from(list(Event)), max_size=30))
def test_any_row_of_events_ends_in_a_state_or_is_refused_whole(events: list[Event]) -> None:
    state = State.PREPARING
    for event in events:
        try:
            state = decide(state, event)
        except NotNow as refusal:
            assert refusal.state is state
    assert state in State


def test_the_way_of_a_calm_cutover() -> None:
    state = State.PREPARING
    for event in (
        Event.DAY_BEGAN,
        Event.MX_SEEN_SOME,
        Event.MX_SEEN_ALL,
        Event.SAFE_REACHED,
        Event.TTL_RESTORED,
    ):
        state = decide(state, event)
    assert state is State.FINISHED


def test_a_cutover_that_is_over_cannot_be_moved() -> None:
    with pytest.raises(NotNow):
        decide(State.FINISHED, Event.RESCHEDULED)
