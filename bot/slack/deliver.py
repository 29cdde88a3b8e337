"""How one message reaches Slack: by response_url, as a post, an update, for one person's eyes, or with files.

Slack has no idempotency key. Each post carries its row's key as metadata, and where an earlier answer was
lost the key is looked for in the channel before anything is said again.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.cutover import Cutover
from bot.domain.teams import Team
from bot.ports import Delivery, OutboxRow
from bot.slack.calls import (
    FilesNotTaken,
    LookupFailed,
    ResponseUrlRefused,
    find_post,
    hand_over,
    refusal_of,
    respond,
)
from bot.slack.errors import Policy, Refusal, understand
from bot.slack.files import inline
from bot.slack.material import Material
from bot.slack.pace import Pace
from bot.slack.rendered import Rendered
from bot.slack.voice import Voice

log = structlog.get_logger(__name__)

EVENT_TYPE = "mxcutover_message"
# Without files:write, or on a server that has no files at all.
_NO_FILES = frozenset(
    {
        "missing_scope",
        "unknown_method",
        "not_allowed_token_type",
        "file_uploads_disabled",
        "file_upload_size_restricted",
        "storage_limit_reached",
        "blocked_file_type",
        "slack_connect_blocked_file_type",
        "slack_connect_file_upload_sharing_blocked",
    }
)
UPLOADS = 3  # tries of a message's files; where they cannot be had, their text is said
LOOKS = 6  # for a message, where Slack will not show what is there; then it is said again

T = TypeVar("T")


class Closed(Exception):
    """There is no channel, or no thread in it, to say a message in. `code`: why, as Slack's error codes."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def file_name(name: str, key: str) -> str:
    """A file's name with the row's key in it: a post whose answer was lost is found again by it."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{key}{dot}{ending}"


def meaning(error: Exception) -> Refusal:
    """What follows from an error of `deliver`. Raises it where it is a mistake of ours."""
    if isinstance(error, (LookupFailed, FilesNotTaken)):
        return error.refusal
    if isinstance(error, ResponseUrlRefused):
        return refusal_of(error)
    return understand(error)


class Deliverer:
    """Says messages, at Slack's pace in each channel."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._dm: dict[tuple[Team, str], str] = {}

    async def deliver(
        self,
        client: AsyncWebClient,
        row: OutboxRow,
        material: Material,
        rendered: Rendered,
        *,
        alone: bool = False,
    ) -> str | None:
        """Say it; the `ts` of the post, None where there is none. `client`: with the workspace's token.

        `alone`: this message fails while others get through, so it is said in a plainer way. Raises Closed
        where there is no channel to say it in, and whatever the call raises: `meaning` knows it.
        """
        message = row.message
        if message.delivery is Delivery.RESPONSE and message.response_url:
            url, replace = message.response_url, bool(message.args.get("replace"))
            await _blocks_or_text(
                lambda **body: respond(client, url, body, replace=replace), message.kind, rendered
            )
            return None
        if message.delivery is Delivery.UPDATE:
            return await self._update(client, row, material, rendered)
        channel, thread = await self._address(client, row, material)
        if message.delivery is Delivery.EPHEMERAL:
            await self._pace.turn(channel)
            await _blocks_or_text(
                lambda **body: client.chat_postEphemeral(
                    channel=channel, user=message.user or "", thread_ts=thread, **body
                ),
                message.kind,
                Rendered(rendered.text) if alone else rendered,
            )
            return None
        if row.unknown:
            found = await self._said_before(client, row, channel, thread, alone=alone)
            if found is not None:
                return found
        await self._pace.turn(channel)
        if alone:
            rendered = inline(Voice(message.lang), rendered) if rendered.files else Rendered(rendered.text)
        if rendered.files:
            return await self._upload(client, row, channel, thread, rendered)
        return await self._post(client, row, channel, thread, rendered)

    async def _said_before(
        self, client: AsyncWebClient, row: OutboxRow, channel: str, thread: str | None, *, alone: bool
    ) -> str | None:
        """As `find_post`; where it can never be found out, a message said twice is better than none."""
        try:
            return await find_post(client, channel, thread, row.message.key, row.since)
        except LookupFailed as failed:
            if not alone and not (failed.for_good and row.attempts >= LOOKS):
                raise
            log.warning("whether it was said cannot be found out: it is said again", reason=str(failed))
            return None

    async def _upload(
        self, client: AsyncWebClient, row: OutboxRow, channel: str, thread: str | None, rendered: Rendered
    ) -> str | None:
        """One message with its files, each named by the row's key; no `ts` comes back with them.

        Where the app may not send files, or cannot for long, their text goes into the message instead.
        """
        key = row.message.key[:8]
        uploads = [(file_name(file.name, key), file.content, file.name) for file in rendered.files]
        try:
            handed = await hand_over(client, uploads)
            await client.files_completeUploadExternal(
                files=handed, channel_id=channel, thread_ts=thread, initial_comment=rendered.text
            )
        except Exception as error:
            refusal = meaning(error)
            tried = row.attempts >= UPLOADS and _unsaid(error, refusal)
            if refusal.code not in _NO_FILES and not tried:
                raise
            log.warning("files are not taken; their text is said instead", reason=refusal.code)
            return await self._post(client, row, channel, thread, inline(Voice(row.message.lang), rendered))
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
        response = await _blocks_or_text(
            lambda **body: client.chat_postMessage(**shared, **body), row.message.kind, rendered
        )
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
        # Blocks that are not given stay, and would hide the new text.
        await _blocks_or_text(
            lambda **body: client.chat_update(channel=channel, ts=ts, **{"blocks": [], **body}),
            message.kind,
            rendered,
        )
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


def _unsaid(error: Exception, refusal: Refusal) -> bool:
    """Whether nothing was said, for a reason that waiting did not mend: the bytes, or what became of them."""
    return isinstance(error, FilesNotTaken) or (refusal.policy is Policy.MENDED and refusal.wait is None)


async def _blocks_or_text(call: Callable[..., Awaitable[T]], kind: str, rendered: Rendered) -> T:
    """Say it by `call`, which takes the text and the blocks; the text alone where the blocks are refused."""
    try:
        return await call(**rendered.body())
    except Exception as error:
        if rendered.blocks is None or meaning(error).policy is not Policy.PLAIN:
            raise
        log.exception("blocks were refused; the text alone is said", kind=kind)
        return await call(text=rendered.text)


def _ts_of(kind: str, cutover: Cutover | None) -> str | None:
    if cutover is None:
        return None
    return cutover.progress_ts if kind == "progress" else cutover.thread_ts
