"""A line to a server that can be cut without a word: what is open stays open, and nothing comes through."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class Line:
    """A TCP relay on a free loopback port to a port of this machine."""

    def __init__(self, to_port: int) -> None:
        self._to = to_port
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent = False
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self.cut()
        for writer in self._writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def cut(self) -> None:
        """Forward nothing more, on connections that are there and on new ones; close none."""
        self._silent = True
        pumps, self._pumps = self._pumps, set()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    def mend(self) -> None:
        """Forward again, for connections that come from now on."""
        self._silent = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._silent:
            return
        back, on = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers.add(on)
        for source, target in ((reader, on), (back, writer)):
            self._pumps.add(asyncio.create_task(self._pump(source, target)))

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        target.close()
