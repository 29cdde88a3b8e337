"""How one message reaches Slack: by response_url, as a post, an update, for one person's eyes, or with files.

Slack has no idempotency key. Each post carries its row's key as metadata, and where an earlier answer was
lost the key is looked for in the channel before anything is said again.
"""

from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.cutover import Cutover
from bot.domain.teams import Team
from bot.ports import Delivery, OutboxRow
from bot.slack.calls import find_post, respond
from bot.slack.errors import Policy, understand
from bot.slack.files import inline
from bot.slack.material import Material
from bot.slack.pace import Pace
from bot.slack.rendered import Rendered
from bot.slack.voice import Voice

log = structlog.get_logger(__name__)

EVENT_TYPE = "mxcutover_message"
# Without files:write, or on a server that has no files at all.
_NO_FILES = frozenset({"missing_scope", "unknown_method", "not_allowed_token_type", "file_uploads_disabled"})


class Closed(Exception):
    """There is no channel, or no thread in it, to say a message in. `code`: why, as Slack's error codes."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def file_name(name: str, key: str) -> str:
    """A file's name with the row's key in it: a post whose answer was lost is found again by it."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{key}{dot}{ending}"


class Deliverer:
    """Says messages, at Slack's pace in each channel."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._dm: dict[tuple[Team, str], str] = {}

    async def deliver(
        self, client: AsyncWebClient, row: OutboxRow, material: Material, rendered: Rendered
    ) -> str | None:
        """Say it; the `ts` of the post, None where there is none. `client`: with the workspace's token.

        Raises Closed where there is no channel to say it in, and whatever the call raises: `understand` knows
        it.
        """
        message = row.message
        if message.delivery is Delivery.RESPONSE and message.response_url:
            await respond(client, message.response_url, rendered, replace=bool(message.args.get("replace")))
            return None
        if message.delivery is Delivery.UPDATE:
            return await self._update(client, row, material, rendered)
        channel, thread = await self._address(client, row, material)
        if message.delivery is Delivery.EPHEMERAL:
            await self._pace.turn(channel)
            await client.chat_postEphemeral(
                channel=channel, user=message.user or "", thread_ts=thread, **rendered.body()
            )
            return None
        if row.unknown:
            found = await find_post(client, channel, thread, row.message.key)
            if found is not None:
                return found
        await self._pace.turn(channel)
        if rendered.files:
            return await self._upload(client, row, channel, thread, rendered)
        return await self._post(client, row, channel, thread, rendered)

    async def _upload(
        self, client: AsyncWebClient, row: OutboxRow, channel: str, thread: str | None, rendered: Rendered
    ) -> str | None:
        """One message with its files, each named by the row's key; no `ts` comes back with them.

        Where the app may not send files, their text goes into the message instead.
        """
        key = row.message.key[:8]
        uploads = [
            {"filename": file_name(file.name, key), "content": file.content, "title": file.name}
            for file in rendered.files
        ]
        try:
            await client.files_upload_v2(
                file_uploads=uploads,
                channel=channel,
                thread_ts=thread,
                initial_comment=rendered.text,
                request_file_info=False,
            )
        except SlackApiError as error:
            if error.response.get("error") not in _NO_FILES:
                raise
            log.info("files may not be sent; their text is said instead", kind=row.message.kind)
            lang = row.message.lang
            return await self._post(client, row, channel, thread, inline(Voice(lang), rendered))
        return None

    async def _post(
        self, client: AsyncWebClient, row: OutboxRow, channel: str, thread: str | None, rendered: Rendered
    ) -> str:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"outbox_id": row.message.key}}
        shared: dict[str, Any] = {
            "channel": channel,
            "thread_ts": thread,
            "metadata": metadata,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        try:
            response = await client.chat_postMessage(**shared, **rendered.body())
        except Exception as error:
            if understand(error).policy is not Policy.PLAIN or rendered.blocks is None:
                raise
            log.exception("blocks were refused; the text alone is said", kind=row.message.kind)
            response = await client.chat_postMessage(**shared, text=rendered.text)
        return str(response["ts"])

    async def _update(
        self, client: AsyncWebClient, row: OutboxRow, material: Material, rendered: Rendered
    ) -> str | None:
        message, cutover = row.message, material.cutover
        ts = message.update_ts or _ts_of(message.kind, cutover)
        channel = message.channel or (cutover.channel if cutover else None)
        if not ts or channel is None:
            return None  # its post has not been made, and will show the present state anyhow
        await self._pace.turn(channel)
        body = rendered.body()
        await client.chat_update(channel=channel, ts=ts, **body)
        return ts

    async def _address(
        self, client: AsyncWebClient, row: OutboxRow, material: Material
    ) -> tuple[str, str | None]:
        message, cutover = row.message, material.cutover
        if message.delivery in (Delivery.DM, Delivery.RESPONSE):
            return await self._dm_channel(client, row.team, message.user or ""), None
        if cutover is not None and message.kind == "root":
            return cutover.channel, None
        if cutover is not None and message.thread_ts is None and message.channel is None:
            if cutover.thread_ts is None:
                raise Closed("no_thread")
            return cutover.channel, cutover.thread_ts
        return message.channel or "", message.thread_ts

    async def _dm_channel(self, client: AsyncWebClient, team: Team, user: str) -> str:
        known = self._dm.get((team, user))
        if known is None:
            opened = await client.conversations_open(users=[user])
            known = self._dm[team, user] = str(opened["channel"]["id"])
        return known


def _ts_of(kind: str, cutover: Cutover | None) -> str | None:
    if cutover is None:
        return None
    return cutover.progress_ts if kind == "progress" else cutover.thread_ts
