"""Files that the bot sends: an address for the bytes, then a message that shows them. Kept in memory."""

import mimetypes
from dataclasses import dataclass
from typing import Any

from bot.workspace.app import BOT_USER
from bot.workspace.args import Args
from bot.workspace.chat import Chat
from bot.workspace.errors import SlackRefusal
from bot.workspace.state import Json, State

MOST_BYTES = 50 * 1024 * 1024
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})


@dataclass
class Upload:
    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""

    @property
    def mimetype(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


class Uploads:
    def __init__(self, state: State, chat: Chat) -> None:
        self._state = state
        self._chat = chat
        self._files: dict[str, Upload] = {}
        self.base_url = ""

    def get(self, file_id: str) -> Upload | None:
        return self._files.get(file_id)

    def upload_url(self, args: Args) -> Json:
        name, length = args.need("filename"), int(args.need("length"))
        if not 0 < length <= MOST_BYTES:
            raise SlackRefusal("file_upload_size_restricted")
        upload = Upload(self._state.next_id("F"), name, length)
        self._files[upload.id] = upload
        return {"ok": True, "upload_url": f"{self.base_url}/upload/{upload.id}", "file_id": upload.id}

    def receive(self, file_id: str, content: bytes) -> bool:
        upload = self._files.get(file_id)
        if upload is None or upload.content is not None or len(content) != upload.length:
            return False
        upload.content = content
        return True

    def complete(self, args: Args) -> Json:
        given = args.parsed("files")
        if not isinstance(given, list) or not given:
            raise SlackRefusal("invalid_arguments", ["missing required field: files"])
        shown: list[Json] = []
        for entry in given:
            upload = self._files.get(str(entry.get("id")))
            if upload is None or upload.content is None:
                raise SlackRefusal("file_not_found")
            upload.title = entry.get("title") or upload.name
            shown.append(self._show(upload))
        if args.has("channel_id"):
            message: dict[str, Any] = {
                "channel": args.text("channel_id"),
                "text": args.text("initial_comment"),
            }
            self._chat.post_files(Args({**message, "thread_ts": args.text("thread_ts")}), shown)
        return {"ok": True, "files": shown}

    def _show(self, upload: Upload) -> Json:
        address = f"/files/{upload.id}/{upload.name}"
        return {
            "id": upload.id,
            "name": upload.name,
            "title": upload.title,
            "mimetype": upload.mimetype,
            "filetype": upload.name.rpartition(".")[2],
            "size": upload.length,
            "user": BOT_USER,
            "mode": "hosted",
            "is_external": False,
            "url_private": address,
            "url_private_download": address,
            "permalink": address,
        }
