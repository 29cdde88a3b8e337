"""What each of Slack's refusals leads to."""

from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.slack.errors import Policy, understand


def refused(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> SlackApiError:
    """As the SDK raises it: its response gives `data`, `status_code` and `headers`."""
    response = SimpleNamespace(
        data=data,
        status_code=status,
        headers=headers or {},
        get=lambda key, default=None: data.get(key, default),
    )
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("code", "policy"),
    [
        ("not_in_channel", Policy.READDRESS),
        ("channel_not_found", Policy.READDRESS),
        ("is_archived", Policy.READDRESS),
        ("invalid_blocks", Policy.PLAIN),
        ("message_not_found", Policy.GONE),
        ("restricted_action_thread_locked", Policy.READDRESS),
        ("posting_to_general_channel_denied", Policy.READDRESS),
        ("token_revoked", Policy.MENDED),
        ("missing_scope", Policy.MENDED),
        ("org_login_required", Policy.RETRY),
        ("message_limit_exceeded", Policy.RETRY),
        ("user_not_found", Policy.GIVE_UP),
        ("internal_error", Policy.UNKNOWN),
        ("fatal_error", Policy.UNKNOWN),
        ("never_heard_of", Policy.MENDED),
    ],
)
def test_codes(code: str, policy: Policy) -> None:
    assert understand(refused({"ok": False, "error": code})).policy is policy


def test_a_rate_limit_is_waited_for_as_long_as_slack_says() -> None:
    refusal = understand(refused({"error": "ratelimited"}, 429, {"Retry-After": "7"}))
    assert refusal.policy is Policy.RETRY
    assert refusal.wait is not None
    assert refusal.wait.total_seconds() == 7


@pytest.mark.parametrize("data", ["upstream error", {"ok": False}, b"", None])
def test_a_server_that_fails_may_have_carried_it_out(data: Any) -> None:
    """A proxy's answer is text, not JSON."""
    assert understand(refused(data, 503)).policy is Policy.UNKNOWN


@pytest.mark.parametrize("status", [200, 302, 403, 404, 407, 408])
@pytest.mark.parametrize("data", ["<html>", {}, {"error": {"code": 1}}, b"", None])
def test_an_answer_that_is_not_slacks_says_nothing_about_the_message(data: Any, status: int) -> None:
    refusal = understand(refused(data, status))
    assert (refusal.policy, refusal.code) == (Policy.UNKNOWN, f"http_{status}")


def test_a_lost_answer_is_unknown_and_no_connection_is_not() -> None:
    assert understand(aiohttp.ServerDisconnectedError()).policy is Policy.UNKNOWN
    assert understand(TimeoutError()).policy is Policy.UNKNOWN
    key: Any = SimpleNamespace(ssl=True, host="slack.com", port=443, is_ssl=True)
    no_connection = aiohttp.ClientConnectorError(key, OSError("refused"))
    assert understand(no_connection).policy is Policy.RETRY


def test_a_mistake_of_ours_is_no_refusal_of_slacks() -> None:
    with pytest.raises(ZeroDivisionError):
        understand(ZeroDivisionError())
