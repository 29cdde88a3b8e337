"""`mxcutover plan` as it is typed."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime

import pytest
from icalendar import Calendar
from typer.testing import CliRunner, Result

from bot.cli.app import app

AT = "2026-12-05T22:00"
NOW = "2026-10-20T12:00"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["plan", *words])


def test_json_is_the_contract() -> None:
    result = run(
        "ＥＸＡＭＰＬＥ。co。jp", "--at", AT, "--ttl", "3600", "--now", NOW, "--json", "--plan", "standard"
    )
    assert result.exit_code == 0
    plan = json.loads(result.stdout)
    assert (plan["domain"], plan["needed"], plan["rule"], plan["ttl"]) == ("example.co.jp", True, "P2", 3600)
    assert plan["at"] == "2026-12-05T22:00:00+09:00"
    assert plan["support_hours"] is False
    assert [r["kind"] for r in plan["reminders"]][:3] == ["connector", "book_support", "lower_ttl"]
    for reminder in plan["reminders"]:
        assert datetime.fromisoformat(reminder["due_at"]) == datetime.fromisoformat(reminder["due_local"])
        assert reminder["due_at"].endswith("+00:00")
        assert set(reminder["text"]) == {"ja", "en"}
    assert all(set(note["text"]) == {"ja", "en"} for note in plan["notes"])


def test_what_was_not_said_stays_open() -> None:
    plan = json.loads(run("example.jp", "--at", AT, "--now", NOW, "--json").stdout)
    assert (plan["needed"], plan["rule"], plan["ttl"], plan["safe_from"]) == (None, None, None, None)
    assert {"eligibility_open", "ttl_unknown"} <= {note["code"] for note in plan["notes"]}


@pytest.mark.parametrize("plan", ["lite", "送信対策", "ビジネス", "アーカイブ"])
def test_a_plan_that_needs_none_is_answered_with_its_reason(plan: str) -> None:
    result = run("example.jp", "--at", AT, "--now", NOW, "--plan", plan)
    assert result.exit_code == 0
    assert "不要" in result.stdout
    made = json.loads(run("example.jp", "--at", AT, "--now", NOW, "--plan", plan, "--json").stdout)
    assert (made["needed"], made["reminders"]) == (False, [])


def test_an_offset_is_obeyed() -> None:
    made = json.loads(run("example.jp", "--at", "2026-12-05T13:00+00:00", "--now", NOW, "--json").stdout)
    day = next(r for r in made["reminders"] if r["kind"] == "day_begin")
    assert day["due_local"] == "2026-12-05T22:00:00+09:00"


def test_the_plan_for_a_calendar() -> None:
    result = run("example.jp", "--at", AT, "--ttl", "3600", "--now", NOW, "--ics")
    assert result.exit_code == 0
    events = Calendar.from_ical(result.stdout_bytes).walk("VEVENT")
    assert len(events) == 10
    none = run("example.jp", "--at", AT, "--now", NOW, "--ics", "--plan", "lite")
    assert (none.exit_code, none.stdout) == (0, "")


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_page_for_people(lang: str) -> None:
    result = run("例え.jp", "--at", AT, "--ttl", "3600", "--now", NOW, "--lang", lang)
    assert result.exit_code == 0
    assert "例え.jp (xn--r8jz45g.jp)" in result.stdout
    assert "2026-11-25" in result.stdout
    assert "{" not in result.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["https://example.jp/", "--at", AT], "example.jp"),
        (["co.jp", "--at", AT], "co.jp"),
        (["example.jp", "--at", "2026-12-05"], "2026-12-05T22:00"),
        (["example.jp", "--at", "明日"], "2026-12-05T22:00"),
        (["example.jp", "--at", "0001-01-01T00:00"], "2026-12-05T22:00"),
        (["example.jp", "--at", "2026-10-01T22:00"], "過ぎて"),
        (["example.jp", "--at", "2030-10-01T22:00"], "400"),
        (["example.jp", "--at", AT, "--ttl", "-1"], "RFC 2181"),
        (["example.jp", "--at", AT, "--product", "securitysuite"], "standard"),
        (["example.jp", "--at", AT, "--product", "mailgates", "--plan", "lite"], "sigma"),
        (["example.jp", "--at", AT, "--product", "gmail"], "mailgates"),
        (["example.jp", "--at", AT, "--plan", "gold"], "premium"),
        (["example.jp", "--at", AT, "--mail-service", "zimbra"], "google"),
        (["example.jp", "--at", AT, "--lang", "fr"], "ja"),
    ],
)
def test_bad_usage_is_two_and_says_what_to_do(words: Sequence[str], says: str) -> None:
    result = run(*words, "--now", NOW)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert says in result.stderr


def test_bad_closed_days_are_bad_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCUTOVER_CLOSED_DAYS", "2026-12-29,newyear")
    result = run("example.jp", "--at", AT, "--now", NOW)
    assert result.exit_code == 2
    assert "newyear" in result.stderr


def test_closed_days_that_leave_no_open_one_are_bad_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCUTOVER_CLOSED_DAYS", " ".join(f"{y}-01-01..{y}-12-31" for y in range(2025, 2028)))
    result = run("example.jp", "--at", AT, "--now", NOW)
    assert result.exit_code == 2
    assert "MXCUTOVER_CLOSED_DAYS" in result.stderr


def test_it_needs_neither_network_nor_database_nor_slack() -> None:
    code = (
        "import sys; from bot.cli import app as _; from bot.cli.app import app\n"
        f"try: app(['plan', 'example.jp', '--at', '{AT}', '--now', '{NOW}'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(sorted({'sqlmodel', 'sqlalchemy', 'slack_bolt', 'dns', 'aiohttp'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
