"""Mail headers and bounces as people paste them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.mailtext import READ_AT_MOST, from_json, read_mail
from tests.fuzz.harness import anything, fuzzed, quick
from tests.fuzz.swarm import MAIL

lines = st.one_of(st.sampled_from(MAIL), anything)


@fuzzed
@given(st.lists(lines, max_size=12).map("".join))
def test_a_paste(text: str) -> None:
    reading = quick(read_mail, text, ("mail.old-provider.example.",))
    if reading is not None:
        for code in reading.codes:
            code.encode("ascii")


@pytest.mark.parametrize(
    "piece", ["\n", " \n", "> ", "&gt;", "```", "Received: ", "<", "a:", "=?", "(", "5.7."]
)
def test_one_piece_as_often_as_there_is_room(piece: str) -> None:
    for text in (piece * (READ_AT_MOST // len(piece)), "Received: from a by b; x\n" + piece * 20_000):
        quick(read_mail, text)


def test_half_a_pair_is_no_exception() -> None:
    assert read_mail("Authentication-Results: mx.example; spf=fail\n \ud800") is not None
    assert from_json({}) is not None
