"""A moment that somebody waits for is never shown too early, though minutes are all that is shown."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import LANGUAGES, WAITED_FOR, messages, say, show_instant, whole_minute

AT = datetime(2026, 12, 5, 13, 5, 40, tzinfo=UTC)  # 22:05:40 in Tokyo
SHOWN = (
    "instant.safe_to_flip",
    "instant.t_safe",
    "instant.shown_safe",
    "told.safe",
    "told.rolled_back",
    "mx_lines.wait",
    "home.safe",
    "lockdown.not_yet",
    "no_go.earliest",
    "picture.safe",
    "finding.ttl.lowered-too-late.remedy",
    "text.announce.old_until",
)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_whole_minute_is_the_first_that_is_not_before(at: datetime) -> None:
    shown = whole_minute(at)
    assert timedelta(0) <= shown - at < timedelta(minutes=1)
    assert (shown.second, shown.microsecond) == (0, 0)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("key", SHOWN)
def test_what_is_waited_for_is_shown_as_the_next_minute(key: str, lang: str) -> None:
    names = set(re.findall(r"{(\w+)}", messages()[key][lang]))
    assert names & WAITED_FOR, f"{key} waits for nothing"
    args: dict[str, Any] = dict.fromkeys(names, AT)
    text = say(key, lang, **args)
    assert "22:06" in text


def test_what_was_seen_is_shown_as_it_was() -> None:
    assert "22:05" in show_instant(AT, "ja")
    assert "22:05" in say("told.mx_all", "ja", at=AT, steps="")
