"""A list is narrowed by the words by which the states are shown."""

import re
from datetime import UTC, datetime

import pytest

from bot.content import LANGUAGES, say
from bot.domain.authority import Actor
from bot.domain.cutover import State
from bot.domain.teams import Team
from bot.usecases.desk import read_query

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("state", [State.PREPARING, State.CHANGING, State.WATCHING, State.STABILISING])
def test_the_word_by_which_a_state_is_shown_narrows_the_list(state: State, lang: str) -> None:
    word = re.split(r"（| \(", say(f"state.{state.value}", lang))[0]
    query = read_query(word, Actor(Team("", "T1"), "U1"), NOW)
    assert query.unknown == ()
    assert query.filter.states == {state}
