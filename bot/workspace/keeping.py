"""Keeps the workspace in a file, so that a restart shows the same one. Written whole, then put in place."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from bot.workspace.state import Json

log = structlog.get_logger(__name__)
DEBOUNCE_SECONDS = 0.1
VERSION = 1


def read(path: Path) -> Json | None:
    """What was kept, or None where there is nothing. Raises ValueError where the file is something else."""
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(kept, dict) or kept.get("version") != VERSION:
        raise ValueError(f"{path} is no workspace of this version")
    return kept


def write(path: Path, content: Json) -> None:
    """Replace the file in one step: a reader sees the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(path.suffix + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"version": VERSION, **content}, ensure_ascii=False))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class Keeper:
    """Writes a short while after a change, so that a burst of changes is written once.

    Writing takes a tenth of the time at most: a large workspace is written less often.
    """

    def __init__(self, path: Path, dump: Callable[[], Json]) -> None:
        self._path = path
        self._dump = dump
        self._due: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._pause = DEBOUNCE_SECONDS

    def changed(self) -> None:
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(self._pause, self._begin)

    def _begin(self) -> None:
        self._due = None
        if self._writing is not None and not self._writing.done():
            self.changed()
            return
        self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        begun = time.monotonic()
        content = self._dump()
        try:
            await asyncio.to_thread(write, self._path, content)
        except OSError:
            log.exception("workspace_not_kept", path=str(self._path))
        self._pause = max(DEBOUNCE_SECONDS, 10 * (time.monotonic() - begun))

    async def close(self) -> None:
        """Write what is still unwritten."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._writing is not None:
            await self._writing
        await self._write()
