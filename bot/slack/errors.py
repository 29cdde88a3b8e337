"""What Slack's refusals mean, each with what the bot does about it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError


class Policy(StrEnum):
    RETRY = "retry"  # not said: try again later
    UNKNOWN = "unknown"  # perhaps said: look for it before trying again
    READDRESS = "readdress"  # the place is closed to the bot: tell the owner by DM
    PLAIN = "plain"  # the blocks were refused: say the text alone
    GONE = "gone"  # the message to be edited is not there any more
    GIVE_UP = "give_up"  # it cannot be said to this workspace at all


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not said, and what follows from it."""

    policy: Policy
    code: str
    wait: timedelta | None = None


_BY_CODE = {
    "not_in_channel": Policy.READDRESS,
    "channel_not_found": Policy.READDRESS,
    "is_archived": Policy.READDRESS,
    "restricted_action": Policy.READDRESS,
    "restricted_action_read_only_channel": Policy.READDRESS,
    "user_not_in_channel": Policy.READDRESS,
    "thread_not_found": Policy.READDRESS,
    "invalid_blocks": Policy.PLAIN,
    "invalid_blocks_format": Policy.PLAIN,
    "msg_blocks_too_long": Policy.PLAIN,
    "message_not_found": Policy.GONE,
    "cant_update_message": Policy.GONE,
    "edit_window_closed": Policy.GONE,
    "user_not_found": Policy.GIVE_UP,
    "user_disabled": Policy.GIVE_UP,
    "cannot_dm_bot": Policy.GIVE_UP,
    "msg_too_long": Policy.GIVE_UP,
    "no_text": Policy.GIVE_UP,
    "invalid_auth": Policy.GIVE_UP,
    "not_authed": Policy.GIVE_UP,
    "account_inactive": Policy.GIVE_UP,
    "token_revoked": Policy.GIVE_UP,
    "token_expired": Policy.GIVE_UP,
    "missing_scope": Policy.GIVE_UP,
    "ratelimited": Policy.RETRY,
    "rate_limited": Policy.RETRY,
    "service_unavailable": Policy.RETRY,
    "team_added_to_org": Policy.RETRY,
    # Slack says of these that the request may have been carried out.
    "fatal_error": Policy.UNKNOWN,
    "internal_error": Policy.UNKNOWN,
    "request_timeout": Policy.UNKNOWN,
}


def understand(error: BaseException) -> Refusal:
    """The policy for an error of a call. An answer that was lost is UNKNOWN, never a plain retry."""
    if isinstance(error, SlackApiError):
        response = error.response
        status = getattr(response, "status_code", 200)
        data = getattr(response, "data", response)  # text where a proxy answered instead of Slack
        code = str((data.get("error") if isinstance(data, dict) else None) or f"http_{status}")
        if status == 429 or code in ("ratelimited", "rate_limited"):
            seconds = _retry_after(response)
            return Refusal(Policy.RETRY, "ratelimited", timedelta(seconds=seconds))
        if status >= 500:
            return Refusal(Policy.UNKNOWN, f"http_{status}")
        return Refusal(_BY_CODE.get(code, Policy.GIVE_UP), code)
    if isinstance(error, aiohttp.ClientConnectorError):
        return Refusal(Policy.RETRY, "unreachable")  # no connection, so nothing was accepted
    if isinstance(error, (aiohttp.ClientError, TimeoutError, ConnectionError, SlackRequestError)):
        return Refusal(Policy.UNKNOWN, type(error).__name__)
    raise error


def _retry_after(response: object) -> int:
    headers = getattr(response, "headers", None) or {}
    for name in ("Retry-After", "retry-after"):
        value = headers.get(name)
        if value is not None:
            try:
                return max(1, int(value))
            except ValueError:
                break
    return 30
