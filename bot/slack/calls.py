"""Calls of Slack's that the sender needs besides posting: finding a post again, answering a response_url,
handing over files.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.errors import Policy, Refusal, by_code, understand

PAGES, PAGE = 20, 200
CLOCKS_APART = timedelta(hours=1)  # at most, of whoever noted when a message was tried, and Slack
UPLOAD_SECONDS = 10.0  # for all files of a message: a firewall may swallow their bytes without a word


class LookupFailed(Exception):
    """Whether a message was said could not be found out. `refusal`: why, and how long to wait;

    `for_good`: Slack will not say it the next time either.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.for_good = refusal.policy not in (Policy.RETRY, Policy.UNKNOWN) and refusal.wait is None
        self.refusal = replace(refusal, policy=Policy.UNKNOWN, code=f"lookup: {refusal.code}")


async def find_post(
    client: AsyncWebClient, channel: str, thread: str | None, key: str, since: datetime | None
) -> str | None:
    """The ts of the post that an earlier try made; None: there is none. `since`: before it nobody tried.

    Raises LookupFailed where that cannot be said.
    """
    cursor: str | None = None
    oldest = f"{(since - CLOCKS_APART).timestamp():.6f}" if since is not None else None
    for _ in range(PAGES):
        page: dict[str, Any] = {
            "channel": channel,
            "limit": PAGE,
            "oldest": oldest,
            "include_all_metadata": True,
            "cursor": cursor,
        }
        try:
            if thread is not None:
                response = await client.conversations_replies(ts=thread, **page)
            else:
                response = await client.conversations_history(**page)
        except Exception as error:
            raise LookupFailed(understand(error)) from error
        for post in response.get("messages") or []:
            payload = (post.get("metadata") or {}).get("event_payload") or {}
            if payload.get("outbox_id") == key:
                return str(post["ts"])
            if any(key[:8] in str(file.get("name")) for file in post.get("files") or ()):
                return str(post["ts"])
        cursor = (response.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None:
            return None
    raise LookupFailed(Refusal(Policy.UNKNOWN, "more pages than are read"))


class FilesNotTaken(Exception):
    """The bytes did not reach Slack, so that nothing was said. `refusal`: why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        surely = Policy.RETRY if refusal.policy is Policy.UNKNOWN else refusal.policy
        self.refusal = replace(refusal, policy=surely)


async def hand_over(
    client: AsyncWebClient, uploads: Sequence[tuple[str, bytes, str]]
) -> list[dict[str, str | None]]:
    """Send files' bytes (name, content, title); what completes the upload. Nobody sees anything before that.

    Raises FilesNotTaken.
    """
    done: list[dict[str, str | None]] = []
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            for name, content, title in uploads:
                given = await client.files_getUploadURLExternal(filename=name, length=len(content))
                # The SDK's own, for its session, proxy and certificates; files_upload_v2 would go on, and
                # nobody could tell then whether the message was said.
                result = await client._upload_file(
                    url=str(given["upload_url"]),
                    data=content,
                    logger=client._logger,
                    timeout=client.timeout,
                    proxy=client.proxy,
                    ssl=client.ssl,
                )
                if result.status != 200:
                    raise SlackRequestError(f"status {result.status}")
                done.append({"id": str(given["file_id"]), "title": title})
    except Exception as error:
        raise FilesNotTaken(understand(error)) from error
    return done


class ResponseUrlRefused(Exception):
    """The response_url has expired, is used up, or its server failed. `code`: Slack's word, or None."""

    def __init__(self, status: int, code: str | None = None) -> None:
        super().__init__(f"http {status}")
        self.status = status
        self.code = code


def refusal_of(refused: ResponseUrlRefused) -> Refusal:
    """What follows: wait where the server is in trouble or not Slack's, else another way to the person."""
    status = refused.status
    if status == 429 or status >= 500:
        return Refusal(Policy.RETRY, f"http_{status}")
    if refused.code is None and status not in (404, 410):
        return Refusal(Policy.UNKNOWN, f"http_{status}")
    meant = by_code(refused.code or "")
    if meant.policy in (Policy.RETRY, Policy.UNKNOWN, Policy.PLAIN):
        return meant
    return Refusal(Policy.GIVE_UP, "response_url")


async def respond(client: AsyncWebClient, url: str, body: Mapping[str, Any], *, replace: bool) -> None:
    """Answer in private at a response_url. Raises ResponseUrlRefused, and what the connection raises."""
    # Without the SDK's own retries, which would say it again unseen where an answer was lost.
    hook = AsyncWebhookClient(url, timeout=20, session=client.session, ssl=client.ssl, retry_handlers=[])
    try:
        response = await hook.send(
            text=body["text"], blocks=body.get("blocks"), response_type="ephemeral", replace_original=replace
        )
    except UnicodeDecodeError:
        raise ResponseUrlRefused(200) from None
    code = _code_in(response.body)
    if response.status_code != 200 or code != "ok":
        raise ResponseUrlRefused(response.status_code, None if code == "ok" else code)


def _code_in(body: str) -> str | None:
    """What Slack's answer says: "ok", or why not; None: it is not Slack's. It is a word, or JSON."""
    word = body.strip()
    if word in ("", "ok"):
        return "ok"
    if re.fullmatch(r"[a-z][a-z_]{1,80}", word):
        return word
    try:
        given = json.loads(word)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    return "ok" if given.get("ok") is True else given.get("error") and str(given["error"])
