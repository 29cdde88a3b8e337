"""Tasks that outlive the tick that began them."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class UnderWay:
    """Tasks of one sort: none is lost, and what makes one fail is kept until it is raised."""

    def __init__(self, name: str) -> None:
        """`name`: of each task, in the singular."""
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: list[BaseException] = []

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let it run by itself, in the running loop."""
        task = asyncio.create_task(work, name=self._name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def raise_failures(self) -> None:
        """Raises BaseExceptionGroup of what has failed since this was called last; nothing: nothing."""
        if self._failed:
            failed, self._failed = self._failed, []
            raise BaseExceptionGroup(f"{self._name}s failed", failed)

    async def wait(self) -> None:
        """Until those that are under way now have ended."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self, seconds: float) -> None:
        """Let them end within `seconds`; break off the others."""
        tasks = set(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(error)
