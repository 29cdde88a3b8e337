"""UDP and TCP on one free loopback port, for an embedded DNS server."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import cast

Handler = Callable[[bytes, bool], Awaitable[bytes | None]]  # (packet, over TCP) → the answer, or silence

LOOPBACK = "127.0.0.1"
TRIES = 50


class DnsSocket:
    """Listens on a free port of 127.0.0.1 and hands every question to `handler`."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Bind both. Raises OSError where no port is free for both."""
        loop = asyncio.get_running_loop()
        for attempt in range(TRIES):
            self._tcp = await asyncio.start_server(self._serve_tcp, LOOPBACK, 0)
            port = int(self._tcp.sockets[0].getsockname()[1])
            try:
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=(LOOPBACK, port)
                )
            except OSError:
                self._tcp.close()
                if attempt == TRIES - 1:
                    raise
                continue
            self.port = port
            return

    async def stop(self) -> None:
        """Close both; questions under way are dropped."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    def keep(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def answer(self, packet: bytes, send: Callable[[bytes], None]) -> None:
        answer = await self._handler(packet, False)
        if answer is not None:
            send(answer)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            while True:
                size = struct.unpack("!H", await reader.readexactly(2))[0]
                answer = await self._handler(await reader.readexactly(size), True)
                if answer is None:
                    await reader.read()  # silent until the asker gives up
                    return
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            return
        finally:
            with suppress(OSError):
                writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, owner: DnsSocket) -> None:
        self._owner = owner
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own class is not one

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        def send(answer: bytes) -> None:
            if self._transport is not None and not self._transport.is_closing():
                self._transport.sendto(answer, addr)

        self._owner.keep(self._owner.answer(data, send))
