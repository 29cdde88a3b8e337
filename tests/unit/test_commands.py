"""The words of the slash command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.commands import Command, Verb, parse_command


@pytest.mark.parametrize(
    ("text", "verb", "rest"),
    [
        ("", Verb.HELP, ""),
        ("   ", Verb.HELP, ""),
        ("start example.co.jp", Verb.START, "example.co.jp"),
        ("START example.co.jp", Verb.START, "example.co.jp"),
        ("ＳＴＡＲＴ　example.co.jp", Verb.START, "example.co.jp"),
        ("開始 example.co.jp", Verb.START, "example.co.jp"),
        ("一覧", Verb.LIST, ""),
        ("切り戻し example.co.jp", Verb.ROLLBACK, "example.co.jp"),
        ("ask 外部から 受信できない", Verb.ASK, "外部から 受信できない"),
        ("help", Verb.HELP, ""),
    ],
)
def test_verbs(text: str, verb: Verb, rest: str) -> None:
    command = parse_command(text)
    assert (command.verb, command.rest) == (verb, rest)


@pytest.mark.parametrize(
    ("text", "nearest"), [("strat example.co.jp", Verb.START), ("lsit", Verb.LIST), ("statsu", Verb.STATUS)]
)
def test_an_unknown_word_brings_the_nearest_verb(text: str, nearest: Verb) -> None:
    command = parse_command(text)
    assert command.verb is None
    assert command.nearest is nearest


def test_a_word_that_is_near_nothing_brings_none() -> None:
    assert parse_command("xyzzy").nearest is None


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    assert isinstance(parse_command(text), Command)
