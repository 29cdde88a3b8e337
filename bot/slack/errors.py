"""What Slack's refusals mean, each with what the bot does about it.

Only what Slack itself says, and what no waiting mends, lets a message go unsaid. An answer that is not
Slack's (of a proxy, a login page of a network, a page about maintenance) says nothing about the message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError


class Policy(StrEnum):
    RETRY = "retry"  # not said: try again later
    UNKNOWN = "unknown"  # perhaps said: look for it before trying again
    MENDED = "mended"  # not said until somebody mends something (a token, a scope): try again for a day
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


UNTIL_MENDED = timedelta(minutes=1)
_NO_TOKEN = ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired")
# What says nothing about one message, whatever Slack does with the others.
OF_ALL = frozenset({"ratelimited", "unreachable", *_NO_TOKEN})

_BY_CODE: Mapping[str, Policy] = {
    "not_in_channel": Policy.READDRESS,
    "channel_not_found": Policy.READDRESS,
    "is_archived": Policy.READDRESS,
    "posting_to_general_channel_denied": Policy.READDRESS,
    "cannot_reply_to_message": Policy.READDRESS,
    "channel_type_not_supported": Policy.READDRESS,
    "method_not_supported_for_channel_type": Policy.READDRESS,
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
    "rate_limited": Policy.RETRY,
    "ratelimited": Policy.RETRY,
    "message_limit_exceeded": Policy.RETRY,
    "service_unavailable": Policy.RETRY,
    "team_added_to_org": Policy.RETRY,
    "org_login_required": Policy.RETRY,
    "external_channel_migrating": Policy.RETRY,
    "access_denied": Policy.RETRY,
    "ekm_access_denied": Policy.RETRY,
    "team_access_not_granted": Policy.RETRY,
    # Slack says of these that the request may have been carried out.
    "fatal_error": Policy.UNKNOWN,
    "internal_error": Policy.UNKNOWN,
    "request_timeout": Policy.UNKNOWN,
}
_CLOSED = "restricted_action"  # and what begins so: of a read-only channel, a locked thread, …


def by_code(code: str) -> Refusal:
    """What Slack's word for a refusal means. One not heard of before may be mended, like a token."""
    if code in _NO_TOKEN:
        return Refusal(Policy.MENDED, code, UNTIL_MENDED)
    if code.startswith(_CLOSED):
        return Refusal(Policy.READDRESS, code)
    return Refusal(_BY_CODE.get(code, Policy.MENDED), code)


class TryLater(Exception):
    """Slack does not answer at the moment, and nothing may be done before it has: so wait."""

    def __init__(self, code: str) -> None:
        super().__init__(f"slack does not answer: {code}")
        self.code = code


def passing(error: Exception) -> Refusal | None:
    """The refusal, where an error of a call that changes nothing may pass; None: it is Slack's word."""
    try:
        refusal = understand(error)
    except Exception:
        return None
    return refusal if refusal.policy in (Policy.RETRY, Policy.UNKNOWN) else None


def understand(error: BaseException) -> Refusal:
    """The policy for an error of a call. An answer that was lost is UNKNOWN, never a plain retry.

    Raises what is no refusal at all: a mistake of ours.
    """
    if isinstance(error, SlackApiError):
        response = error.response
        # Where the body could not be read, the SDK hands over aiohttp's response, which says `status`.
        status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 200)
        data = getattr(response, "data", response)  # text where a proxy answered instead of Slack
        code = data.get("error") if isinstance(data, dict) else None
        if status == 429 or code in ("ratelimited", "rate_limited"):
            seconds = _retry_after(response)
            return Refusal(Policy.RETRY, "ratelimited", timedelta(seconds=seconds))
        if status >= 500 or not isinstance(code, str) or not code:
            return Refusal(Policy.UNKNOWN, f"http_{status}")
        return by_code(code)
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
