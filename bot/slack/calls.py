"""Calls of Slack's that the sender needs besides posting: finding a post again, answering a response_url."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.errors import Policy, Refusal
from bot.slack.rendered import Rendered


async def find_post(client: AsyncWebClient, channel: str, thread: str | None, key: str) -> str | None:
    """The ts of the post that an earlier try made, where it did."""
    cursor: str | None = None
    for _ in range(10):
        page: dict[str, Any] = {
            "channel": channel,
            "limit": 200,
            "include_all_metadata": True,
            "cursor": cursor,
        }
        if thread is not None:
            response = await client.conversations_replies(ts=thread, **page)
        else:
            response = await client.conversations_history(**page)
        for post in response.get("messages") or []:
            payload = (post.get("metadata") or {}).get("event_payload") or {}
            if payload.get("outbox_id") == key:
                return str(post["ts"])
            if any(key[:8] in str(file.get("name")) for file in post.get("files") or ()):
                return str(post["ts"])
        cursor = (response.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None:
            return None
    return None


class ResponseUrlRefused(Exception):
    """The response_url has expired, is used up, or its server failed."""

    def __init__(self, status: int) -> None:
        super().__init__(f"http {status}")
        self.status = status


def refusal_of(refused: ResponseUrlRefused) -> Refusal:
    """What follows: wait where the server is in trouble, else another way to the person."""
    if refused.status == 429 or refused.status >= 500:
        return Refusal(Policy.RETRY, f"http_{refused.status}")
    return Refusal(Policy.GIVE_UP, "response_url")


async def respond(client: AsyncWebClient, url: str, rendered: Rendered, *, replace: bool) -> None:
    """Answer in private at a response_url. Raises ResponseUrlRefused, and what the connection raises."""
    # Without the SDK's own retries, which would say it again unseen where an answer was lost.
    hook = AsyncWebhookClient(url, timeout=20, session=client.session, ssl=client.ssl, retry_handlers=[])
    body: Mapping[str, Any] = rendered.body()
    response = await hook.send(
        text=body["text"], blocks=body.get("blocks"), response_type="ephemeral", replace_original=replace
    )
    if response.status_code != 200:
        raise ResponseUrlRefused(response.status_code)
