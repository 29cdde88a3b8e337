"""One question to one address, over UDP and TCP: a reply or the reason why there is none.

Written on asyncio's own sockets rather than on dns.asyncquery: every question has a socket of its own
(a random source port) that stays open over the tries, so a late answer to the first try still counts;
packets with a wrong id or another question are passed over, as an attacker's would have to be; and the
number in flight is bounded for the whole client.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from secrets import randbits

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from bot.dns.config import Endpoint
from bot.domain.facts import Outcome
from bot.ports import Clock

EDNS_SIZE = 1232  # what passes every path unfragmented (DNS flag day 2020)
_FLAG_RD, _FLAG_CD, _FLAG_DO = 0x0100, 0x0010, 0x8000
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES}

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
    message: dns.message.Message | None = None
    detail: str = ""
    name: dns.name.Name = dns.name.root
    rdtype: dns.rdatatype.RdataType = dns.rdatatype.NONE

    @property
    def rcode(self) -> str:
        return "" if self.message is None else dns.rcode.to_text(self.message.rcode())

    @property
    def authoritative(self) -> bool:
        return self.message is not None and bool(self.message.flags & dns.flags.AA)

    @property
    def authenticated(self) -> bool:
        return self.message is not None and bool(self.message.flags & dns.flags.AD)

    def records(self) -> list[tuple[dns.rdata.Rdata, int]]:
        """The records asked for, each with its own TTL, at the end of any chain of aliases in the answer."""
        return list(in_section(self.message.answer, self.end_of_chain(), self.rdtype)) if self.message else []

    def cname(self) -> str | None:
        """What the name asked for is an alias of, if it is one."""
        if self.message is None or self.rdtype == dns.rdatatype.CNAME:
            return None
        for rdata, _ in in_section(self.message.answer, self.name, dns.rdatatype.CNAME):
            return text_of(rdata.target)  # type: ignore[attr-defined]
        return None

    def end_of_chain(self) -> dns.name.Name:
        name = self.name
        if self.message is None or self.rdtype == dns.rdatatype.CNAME:
            return name
        for _ in range(MAX_CNAMES):
            step = [r.target for r, _ in in_section(self.message.answer, name, dns.rdatatype.CNAME)]  # type: ignore[attr-defined]
            if not step:
                break
            name = step[0]
        return name

    def authority(self, rdtype: dns.rdatatype.RdataType) -> list[tuple[dns.name.Name, dns.rdata.Rdata, int]]:
        """(owner, record, TTL) of the authority section."""
        if self.message is None:
            return []
        return [(s.name, r, s.ttl) for s in self.message.authority if s.rdtype == rdtype for r in s]

    def additional(self) -> list[tuple[str, str]]:
        """(host, address) of the glue."""
        if self.message is None:
            return []
        return [
            (text_of(s.name), r.address)
            for s in self.message.additional
            if s.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
            for r in s
        ]


@lru_cache(maxsize=8192)
def name_of(text: str) -> dns.name.Name:
    """A name for asking. Raises what dns.name.from_text raises."""
    return dns.name.from_text(text)


def text_of(name: dns.name.Name) -> str:
    """An absolute name as the facts write it."""
    return name.to_text().lower()


def in_section(
    section: list[dns.rrset.RRset], name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> Iterator[tuple[dns.rdata.Rdata, int]]:
    """The records of a section with that owner and type, one by one with their TTLs."""
    for rrset in section:
        if rrset.rdtype == rdtype and rrset.rdclass == dns.rdataclass.IN and rrset.name == name:
            for rdata in rrset:
                yield rdata, rrset.ttl


def query_wire(
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    *,
    recursion: bool,
    cd: bool = False,
    dnssec: bool = False,
    edns: bool = True,
) -> bytes:
    """A question as it goes over the wire, with a random id."""
    flags = (_FLAG_RD if recursion else 0) | (_FLAG_CD if cd else 0)
    opt = struct.pack("!BHHIH", 0, 41, EDNS_SIZE, _FLAG_DO if dnssec else 0, 0) if edns else b""
    head = struct.pack("!HHHHHH", randbits(16), flags, 1, 0, 0, 1 if edns else 0)
    return head + (name.to_wire() or b"") + struct.pack("!HH", rdtype, dns.rdataclass.IN) + opt


class _NotOurs(Exception):
    """A packet that is not the answer to the question."""


def _read(query: bytes, packet: bytes) -> dns.message.Message:
    """The message in `packet`. Raises _NotOurs, or dns.exception.DNSException where it cannot be read."""
    if len(packet) < 12 or packet[:2] != query[:2] or not packet[2] & 0x80:
        raise _NotOurs
    if packet[4:6] == b"\0\0":  # a server that could not even read the question
        if not packet[3] & 0x0F:
            raise _NotOurs
    else:
        end = query.index(b"\0", 12) + 5  # the root label, type and class: a question is never compressed
        if packet[12:end].lower() != query[12:end].lower() or packet[4:6] != b"\0\x01":
            raise _NotOurs
    message = dns.message.from_wire(packet, one_rr_per_rrset=True, ignore_trailing=True)
    if message.opcode() != dns.opcode.QUERY:
        raise _NotOurs
    return message


class _Udp(asyncio.DatagramProtocol):
    """Waits for the one packet that answers the question."""

    def __init__(self, query: bytes) -> None:
        self._query = query
        self.strangers = 0
        self.result: asyncio.Future[dns.message.Message] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self.result.done():
            return
        try:
            self.result.set_result(_read(self._query, data))
        except _NotOurs:
            self.strangers += 1
        except (dns.exception.DNSException, ValueError, struct.error) as error:
            self.result.set_exception(_Unreadable(type(error).__name__))

    def error_received(self, exc: Exception) -> None:
        if not self.result.done():
            self.result.set_exception(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.result.done():
            self.result.cancel()


class _Unreadable(Exception):
    """The right id, and no DNS message."""


class _Closed(Exception):
    """The connection was taken, and closed without an answer: as good as silence."""


class Transport:
    """Asks, with at most `max_in_flight` questions under way. One for all looks of a client."""

    def __init__(self, clock: Clock, tries: tuple[float, ...], max_in_flight: int) -> None:
        self._clock = clock
        self._tries = tries or (2.0,)
        self._slots = asyncio.Semaphore(max_in_flight)
        self.asked = 0

    async def ask(
        self,
        place: Endpoint,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        budget: Budget,
        *,
        recursion: bool = False,
        cd: bool = False,
        dnssec: bool = False,
    ) -> Reply:
        """One question to the address `place`. Never raises for what a server or a network does."""
        try:
            async with asyncio.timeout_at(budget.end):
                await self._slots.acquire()
        except TimeoutError:
            return self._none(Outcome.TIMEOUT, "deadline", name, rdtype)
        try:
            self.asked += 1
            for edns in (True, False):
                query = query_wire(name, rdtype, recursion=recursion, cd=cd, dnssec=dnssec, edns=edns)
                reply = await self._exchange(place, query, name, rdtype, budget)
                old = reply.message is not None and reply.message.rcode() in _BEFORE_EDNS
                if not old:
                    break
            return reply
        finally:
            self._slots.release()

    async def _exchange(
        self,
        place: Endpoint,
        query: bytes,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        budget: Budget,
    ) -> Reply:
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.connect(place)  # no packet yet; an ICMP error will reach this socket
        except OSError as error:
            sock.close()
            outcome = Outcome.NO_ROUTE if error.errno in _NO_ROUTE else Outcome.UNREACHABLE
            return self._none(outcome, _name_of(error), name, rdtype)
        udp = _Udp(query)
        transport, _ = await loop.create_datagram_endpoint(lambda: udp, sock=sock)
        tcp: asyncio.Task[dns.message.Message] | None = None
        try:
            for number, seconds in enumerate(self._tries):
                if not udp.result.done():
                    transport.sendto(query)
                waiting: set[asyncio.Future[dns.message.Message]] = {udp.result}
                if number == len(self._tries) - 1:
                    tcp = tcp or asyncio.create_task(_over_tcp(place, query))
                    waiting.add(tcp)
                end = loop.time() + budget.left(seconds)
                while waiting and (left := end - loop.time()) > 0:
                    done, waiting = await asyncio.wait(
                        waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED
                    )
                    good = [f for f in done if f.exception() is None]
                    if good:
                        message = good[0].result()
                        if good[0] is udp.result and message.flags & dns.flags.TC:
                            tcp = tcp or asyncio.create_task(_over_tcp(place, query))
                            return await self._instead(tcp, budget, name, rdtype)
                        return self._reply(message, name, rdtype)
                    if tcp is None and udp.result.done():
                        break  # refused or unreadable: waiting longer brings nothing, TCP may
                if budget.over:
                    break
            return self._nothing(udp, tcp, name, rdtype)
        finally:
            transport.close()
            if tcp is not None and not tcp.done():
                tcp.cancel()
            for future in (udp.result, tcp):
                if future is not None and future.done() and not future.cancelled():
                    future.exception()  # seen, so that asyncio does not report it as forgotten

    async def _instead(
        self,
        tcp: "asyncio.Task[dns.message.Message]",
        budget: Budget,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
    ) -> Reply:
        """The whole answer over TCP, after UDP gave a truncated one. Half an answer is none."""
        done, _ = await asyncio.wait({tcp}, timeout=budget.left(self._tries[-1]))
        if not done:
            return self._none(Outcome.TIMEOUT, "truncated, and silent on TCP", name, rdtype)
        error = tcp.exception()
        if error is None:
            return self._reply(tcp.result(), name, rdtype)
        failed = self._failed(error, name, rdtype)
        return self._none(failed.outcome, f"truncated, and on TCP: {failed.detail}", name, rdtype)

    def _nothing(
        self,
        udp: _Udp,
        tcp: "asyncio.Task[dns.message.Message] | None",
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
    ) -> Reply:
        errors = [
            future.exception()
            for future in (udp.result, tcp)
            if future is not None and future.done() and not future.cancelled()
        ]
        unreadable = [e for e in errors if isinstance(e, (_Unreadable, _NotOurs))]
        if unreadable or udp.strangers:
            return self._none(Outcome.MALFORMED, "answers that are not to the question", name, rdtype)
        for error in errors:
            if error is not None and not isinstance(error, _Closed):
                return self._failed(error, name, rdtype)
        return self._none(Outcome.TIMEOUT, "no answer on UDP or TCP", name, rdtype)

    def _failed(self, error: BaseException, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Reply:
        if isinstance(error, (_Unreadable, _NotOurs)):
            return self._none(Outcome.MALFORMED, "unreadable", name, rdtype)
        if isinstance(error, _Closed):
            return self._none(Outcome.TIMEOUT, str(error), name, rdtype)
        return self._none(Outcome.UNREACHABLE, _name_of(error), name, rdtype)

    def _none(
        self, outcome: Outcome, detail: str, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Reply:
        return Reply(outcome, self._clock.now(), None, detail, name, rdtype)

    def _reply(
        self, message: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Reply:
        reply = Reply(Outcome.OTHER, self._clock.now(), message, "", name, rdtype)
        return Reply(_outcome(reply), reply.at, message, "", name, rdtype)


def _name_of(error: BaseException) -> str:
    code = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(code or 0, type(error).__name__)


_BEFORE_EDNS = {dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS}


def _outcome(reply: Reply) -> Outcome:
    message = reply.message
    if message is None:
        return Outcome.OTHER
    code = message.rcode()
    if code == dns.rcode.NXDOMAIN:
        return Outcome.NXDOMAIN
    if code == dns.rcode.REFUSED:
        return Outcome.REFUSED
    if code == dns.rcode.SERVFAIL:
        return Outcome.SERVFAIL
    if code != dns.rcode.NOERROR:
        return Outcome.OTHER
    return Outcome.ANSWER if reply.records() else Outcome.NODATA


async def _over_tcp(place: Endpoint, query: bytes) -> dns.message.Message:
    """The reply over TCP. Raises OSError, _Closed, _Unreadable, _NotOurs; the caller bounds the time."""
    reader, writer = await asyncio.open_connection(*place)
    try:
        writer.write(struct.pack("!H", len(query)) + query)
        await writer.drain()
        size = struct.unpack("!H", await reader.readexactly(2))[0]
        packet = await reader.readexactly(size)
        return _read(query, packet)
    except asyncio.IncompleteReadError as error:
        raise _Closed("closed before a whole answer") from error
    except (dns.exception.DNSException, ValueError, struct.error) as error:
        raise _Unreadable(type(error).__name__) from error
    finally:
        writer.close()
