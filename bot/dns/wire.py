"""One question to one address, over UDP and TCP: a reply or the reason why there is none.

Written on asyncio's own sockets rather than on dns.asyncquery, which has no bound of time: every question
has a socket of its own (a random source port) that stays open over the tries, so a late answer to the
first try still counts; packets with a wrong id or another question are passed over, as an attacker's
would have to be; and the number in flight is bounded for the whole client.
"""

import asyncio
import errno
import socket
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.dns.config import Endpoint
from bot.dns.message import (
    BadMessage,
    BadName,
    Flag,
    Message,
    MxData,
    Rcode,
    Record,
    Type,
    answers,
    query_wire,
    read_message,
)
from bot.domain.facts import Outcome
from bot.ports import Clock

_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES}

MOST_BYTES = 65535
MAX_CNAMES = 12  # an alias of an alias of …: longer chains are a loop for all that matters


class Budget:
    """The moment by which a look must be over, on the loop's own clock; every wait is cut to it."""

    def __init__(self, seconds: float) -> None:
        self._end = asyncio.get_running_loop().time() + seconds

    def left(self, wanted: float) -> float:
        return max(0.0, min(wanted, self._end - asyncio.get_running_loop().time()))

    @property
    def over(self) -> bool:
        return self.left(1.0) <= 0

    @property
    def end(self) -> float:
        return self._end


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from one address. `message` is None where nothing readable did."""

    outcome: Outcome
    at: datetime
    message: Message | None = None
    detail: str = ""
    name: str = "."
    rdtype: Type = Type.A

    @property
    def rcode(self) -> str:
        if self.message is None:
            return ""
        code = self.message.rcode
        return Rcode(code).name if code in _RCODES else f"RCODE{code}"

    @property
    def authoritative(self) -> bool:
        return self.message is not None and self.message.has(Flag.AA)

    @property
    def authenticated(self) -> bool:
        return self.message is not None and self.message.has(Flag.AD)

    def records(self) -> list[Record]:
        """The records asked for, each with its own TTL, at the end of any chain of aliases in the answer."""
        if self.message is None or not self.message.answer:
            return []
        name = self.end_of_chain()
        return [r for r in self.message.answer if r.rdtype == self.rdtype and r.name == name]

    def data(self) -> list[Any]:
        """What these records hold."""
        return [record.data for record in self.records()]

    def mx(self) -> list[tuple[MxData, int]]:
        """The records of an MX question with their TTLs."""
        return [(record.data, record.ttl) for record in self.records()]

    def cname(self) -> str | None:
        """What the name asked for is an alias of, if it is one."""
        if self.message is None or self.rdtype == Type.CNAME:
            return None
        found = [r.data for r in self.message.answer if r.rdtype == Type.CNAME and r.name == self.name]
        return str(found[0]) if found else None

    def end_of_chain(self) -> str:
        name = self.name
        if self.message is None or self.rdtype == Type.CNAME:
            return name
        aliases = {r.name: str(r.data) for r in self.message.answer if r.rdtype == Type.CNAME}
        for _ in range(MAX_CNAMES):
            if name not in aliases:
                break
            name = aliases[name]
        return name

    def authority(self, rdtype: Type) -> list[Record]:
        """The records of that type in the authority section."""
        return [] if self.message is None else [r for r in self.message.authority if r.rdtype == rdtype]

    def glue(self) -> list[tuple[str, str]]:
        """(host, address) of the additional section."""
        if self.message is None:
            return []
        return [(r.name, r.data) for r in self.message.additional if r.rdtype in (Type.A, Type.AAAA)]


_RCODES = frozenset(Rcode)


class _NotOurs(Exception):
    """A packet that is not the answer to the question."""


def _read(query: bytes, packet: bytes) -> Message:
    """The message in `packet`. Raises _NotOurs, or BadMessage where it cannot be read."""
    if not answers(query, packet):
        raise _NotOurs
    return read_message(packet)


class _Udp:
    """One question over UDP on a socket of its own, connected, so that an ICMP error reaches it.

    On the bare socket rather than as an asyncio transport: the transport's own bookkeeping took a third
    of a check's time.
    """

    def __init__(self, sock: socket.socket, query: bytes) -> None:
        self._sock = sock
        self._query = query
        self.strangers = 0
        self.error: Exception | None = None

    def send(self) -> None:
        """Ask once more, unless asking has failed. A failure is kept in `error`."""
        if self.error is None:
            try:
                self._sock.send(self._query)
            except OSError as error:
                self.error = error

    async def receive(self) -> Message:
        """The one packet that answers the question. Raises OSError or BadMessage, and keeps it in `error`."""
        if self.error is not None:
            raise self.error
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    return _read(self._query, await loop.sock_recv(self._sock, MOST_BYTES))
                except _NotOurs:
                    self.strangers += 1
        except (OSError, BadMessage) as error:
            self.error = error
            raise


class _Closed(Exception):
    """The connection was taken, and closed without an answer: as good as silence."""


class Transport:
    """Asks, with at most `max_in_flight` questions under way. One for all looks of a client."""

    def __init__(
        self, clock: Clock, tries: tuple[float, ...], max_in_flight: int, internal: tuple[str, ...] = ()
    ) -> None:
        self._internal = tuple(f".{suffix.strip('.').lower()}." for suffix in internal if suffix.strip("."))
        self._clock = clock
        self._tries = tries or (2.0,)
        self._slots = asyncio.Semaphore(max_in_flight)
        self.asked = 0

    async def ask(
        self,
        place: Endpoint,
        name: str,
        rdtype: Type,
        budget: Budget,
        *,
        recursion: bool = False,
        cd: bool = False,
        dnssec: bool = False,
    ) -> Reply:
        """One question to the address `place`. Never raises for what a server or a network does."""
        if f".{name.rstrip('.').lower()}.".endswith(self._internal):
            return self._none(Outcome.NOT_ALLOWED, "an internal name", name, rdtype)
        try:
            if self._slots.locked():
                async with asyncio.timeout_at(budget.end):
                    await self._slots.acquire()
            else:
                await self._slots.acquire()  # at once
        except TimeoutError:
            return self._none(Outcome.TIMEOUT, "deadline", name, rdtype)
        try:
            self.asked += 1
            for edns in (True, False):
                try:
                    query = query_wire(name, rdtype, recursion=recursion, cd=cd, dnssec=dnssec, edns=edns)
                except BadName as error:
                    return self._none(Outcome.MALFORMED, str(error), name, rdtype)
                reply = await self._exchange(place, query, name, rdtype, budget)
                old = reply.message is not None and reply.message.rcode in _BEFORE_EDNS
                if not old:
                    break
            return reply
        finally:
            self._slots.release()

    async def _exchange(
        self,
        place: Endpoint,
        query: bytes,
        name: str,
        rdtype: Type,
        budget: Budget,
    ) -> Reply:
        sock = socket.socket(socket.AF_INET6 if ":" in place[0] else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            try:
                sock.connect(place)  # no packet yet
            except OSError as error:
                outcome = Outcome.NO_ROUTE if error.errno in _NO_ROUTE else Outcome.UNREACHABLE
                return self._none(outcome, _name_of(error), name, rdtype)
            udp = _Udp(sock, query)
            for seconds in self._tries[:-1]:
                udp.send()
                try:
                    async with asyncio.timeout(budget.left(seconds)):
                        message = await udp.receive()
                except TimeoutError:
                    if budget.over:
                        return self._nothing(udp, None, name, rdtype)
                except (OSError, BadMessage):
                    break  # refused or unreadable: waiting longer brings nothing, TCP may
                else:
                    return await self._whole(message, place, query, name, rdtype, budget)
            udp.send()
            return await self._both(udp, place, query, name, rdtype, budget)
        finally:
            sock.close()

    async def _both(
        self, udp: _Udp, place: Endpoint, query: bytes, name: str, rdtype: Type, budget: Budget
    ) -> Reply:
        """The last try: UDP and TCP side by side."""
        tcp = asyncio.create_task(_over_tcp(place, query))
        plain = asyncio.create_task(udp.receive())
        try:
            waiting = {tcp, plain}
            end = asyncio.get_running_loop().time() + budget.left(self._tries[-1])
            while waiting and (left := end - asyncio.get_running_loop().time()) > 0:
                done, waiting = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                good = [task for task in done if task.exception() is None]
                if good and good[0] is plain:
                    return await self._whole(plain.result(), place, query, name, rdtype, budget, tcp)
                if good:
                    return self._reply(tcp.result(), name, rdtype)
            return self._nothing(udp, tcp, name, rdtype)
        finally:
            await _call_off(plain, tcp)

    async def _whole(
        self,
        message: Message,
        place: Endpoint,
        query: bytes,
        name: str,
        rdtype: Type,
        budget: Budget,
        tcp: "asyncio.Task[Message] | None" = None,
    ) -> Reply:
        """The answer, over TCP where UDP gave a truncated one. Half an answer is none."""
        if not message.has(Flag.TC):
            return self._reply(message, name, rdtype)
        tcp = tcp or asyncio.create_task(_over_tcp(place, query))
        try:
            done, _ = await asyncio.wait({tcp}, timeout=budget.left(self._tries[-1]))
        finally:
            tcp.cancel()
        if not done:
            return self._none(Outcome.TIMEOUT, "truncated, and silent on TCP", name, rdtype)
        error = tcp.exception()
        if error is None:
            return self._reply(tcp.result(), name, rdtype)
        failed = self._failed(error, name, rdtype)
        return self._none(failed.outcome, f"truncated, and on TCP: {failed.detail}", name, rdtype)

    def _nothing(self, udp: _Udp, tcp: "asyncio.Task[Message] | None", name: str, rdtype: Type) -> Reply:
        errors: list[BaseException | None] = [udp.error]
        if tcp is not None and tcp.done() and not tcp.cancelled():
            errors.append(tcp.exception())
        unreadable = [e for e in errors if isinstance(e, (BadMessage, _NotOurs))]
        if unreadable or udp.strangers:
            return self._none(Outcome.MALFORMED, "answers that are not to the question", name, rdtype)
        for error in errors:
            if error is not None and not isinstance(error, _Closed):
                return self._failed(error, name, rdtype)
        return self._none(Outcome.TIMEOUT, "no answer on UDP or TCP", name, rdtype)

    def _failed(self, error: BaseException, name: str, rdtype: Type) -> Reply:
        if isinstance(error, (BadMessage, _NotOurs)):
            return self._none(Outcome.MALFORMED, "unreadable", name, rdtype)
        if isinstance(error, _Closed):
            return self._none(Outcome.TIMEOUT, str(error), name, rdtype)
        return self._none(Outcome.UNREACHABLE, _name_of(error), name, rdtype)

    def _none(self, outcome: Outcome, detail: str, name: str, rdtype: Type) -> Reply:
        return Reply(outcome, self._clock.now(), None, detail, name, rdtype)

    def _reply(self, message: Message, name: str, rdtype: Type) -> Reply:
        reply = Reply(Outcome.OTHER, self._clock.now(), message, "", name, rdtype)
        return Reply(_outcome(reply), reply.at, message, "", name, rdtype)


def _name_of(error: BaseException) -> str:
    code = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(code or 0, type(error).__name__)


_BEFORE_EDNS = frozenset({Rcode.FORMERR, Rcode.NOTIMP, Rcode.BADVERS})
_OUTCOMES = {
    Rcode.NXDOMAIN: Outcome.NXDOMAIN,
    Rcode.REFUSED: Outcome.REFUSED,
    Rcode.SERVFAIL: Outcome.SERVFAIL,
}


def _outcome(reply: Reply) -> Outcome:
    if reply.message is None:
        return Outcome.OTHER
    code = reply.message.rcode
    if code == Rcode.NOERROR:
        return Outcome.ANSWER if reply.records() else Outcome.NODATA
    return _OUTCOMES.get(Rcode(code), Outcome.OTHER) if code in _RCODES else Outcome.OTHER


async def _call_off(*tasks: "asyncio.Task[Message]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _over_tcp(place: Endpoint, query: bytes) -> Message:
    """The reply over TCP. Raises OSError, _Closed, BadMessage, _NotOurs; the caller bounds the time."""
    reader, writer = await asyncio.open_connection(*place)
    try:
        writer.write(struct.pack("!H", len(query)) + query)
        await writer.drain()
        size = struct.unpack("!H", await reader.readexactly(2))[0]
        packet = await reader.readexactly(size)
        return _read(query, packet)
    except asyncio.IncompleteReadError as error:
        raise _Closed("closed before a whole answer") from error
    finally:
        writer.close()
