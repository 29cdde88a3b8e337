"""A pasted bounce or the headers of a received mail: which way it came, what failed, where it waited.

Read, judged and forgotten: a Reading holds server names, results and spans, nothing of the mail itself.
Times are aware UTC. Received lines stand newest first (RFC 5321 4.4); those below the first server that one
trusts can be forged, so they are shown as seen, not as proof.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_string
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from bot.domain.bounces import codes, is_bounce, meaning
from bot.domain.mailcode import bodies, readable

GATEWAY = "cybermail.jp"
SLOW = timedelta(minutes=5)
LOOP_AT = 25  # Received lines; servers give up at 25 to 100
READ_AT_MOST = 60_000  # characters
WORDS_AT_MOST = 20_000  # a bounce says why at its beginning

VIA_MAILGATES, DIRECT, OLD_SERVICE, UNKNOWN = "via_mailgates", "direct", "old_service", "unknown"

_HEADER = re.compile(r"^([A-Za-z][A-Za-z0-9-]{1,60}):(\s|$)")
_OPENING = re.compile(
    r"^(Received|Return-Path|Delivered-To|Authentication-Results|Received-SPF|DKIM-Signature|ARC-[A-Za-z-]+"
    r"|X-[A-Za-z-]+|Message-ID|MIME-Version|Content-Type|Content-Transfer-Encoding|Reporting-MTA|Final-Recipient|Diagnostic-Code):",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^[^\S\n]*(?:(?:>|&gt;|＞|\|)[^\S\n]?)+", re.MULTILINE)  # within a line
_SLACK_LINK = re.compile(r"<(?:mailto:|https?://)?([^<>|\s]+)\|([^<>|]+)>")
# A command's argument has no line breaks: the headers that matter begin lines again.
_WITHIN_A_LINE = re.compile(r"\S[^\S\n]+Received:\s(?:from|by)\s")
_ONE_LINE = re.compile(
    r"[^\S\n]+(?=(?:Received|Return-Path|Delivered-To|Authentication-Results|Received-SPF|DKIM-Signature"
    r"|From|To|Subject|Date|Message-ID|MIME-Version):\s)"
)
# `from NAME`, `by NAME`, and the name that stands in brackets behind an address or a greeting.
_NAMED = re.compile(r"(?:\b(?:from|by)\s+|\((?:(?:HELO|EHLO)[ =])?)([A-Za-z0-9._-]+)", re.IGNORECASE)
# Gmail's table above "Show original".
_SHOWN = re.compile(
    r"^[^\w\n]{0,8}(SPF|DKIM|DMARC)[^\w\n]{1,4}(PASS|FAIL|SOFTFAIL|NEUTRAL|NONE|PERMERROR|TEMPERROR)\b",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Hop:
    """One server on the way, and how long the mail took to it from the one before (None: not known)."""

    server: str
    at: datetime | None
    took: timedelta | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a paste shows. `entry`: the FAQ entry it leads to, where it does."""

    route: str
    hops: tuple[Hop, ...] = ()  # oldest first
    spf: str | None = None
    dkim: str | None = None
    dmarc: str | None = None
    codes: tuple[str, ...] = ()
    bounce: bool = False
    entry: str | None = None

    @property
    def slowest(self) -> Hop | None:
        """The hop that took longest, where that is SLOW or more."""
        waits = [hop for hop in self.hops if hop.took is not None and hop.took >= SLOW]
        return max(waits, key=lambda hop: hop.took or timedelta(), default=None)

    def as_json(self) -> dict[str, Any]:
        """What a later step of the conversation needs: no codes, no hops but the slowest."""
        slow = self.slowest
        return {
            "route": self.route,
            "spf": self.spf,
            "timed": any(hop.took is not None for hop in self.hops),
            "slow": [slow.server, slow.took.total_seconds()] if slow and slow.took else None,
        }


def from_json(data: Mapping[str, Any]) -> Reading:
    """A Reading of what as_json kept."""
    slow = data.get("slow")
    hops: tuple[Hop, ...] = ()
    if slow:
        hops = (Hop(str(slow[0]), None, timedelta(seconds=float(slow[1]))),)
    elif data.get("timed"):
        hops = (Hop("?", None, timedelta()),)
    return Reading(str(data.get("route", UNKNOWN)), hops, data.get("spf"))


def read_mail(text: str, old_exchanges: Iterable[str] = ()) -> Reading | None:
    """Read a paste; None where the text is neither a bounce nor headers. Never raises on text.

    `old_exchanges`: the MX hosts before the cutover, to know the old service by.
    """
    # Half a surrogate pair has no bytes; the library's headers raise for it.
    plain = _unwrapped(text[:READ_AT_MOST].encode("utf-8", "replace").decode("utf-8"))
    headers, source = _headers(plain)
    received = [str(line) for line in headers.get_all("Received", [])] if headers else []
    words = f"{readable(plain[:WORDS_AT_MOST])}\n{bodies(source)[:WORDS_AT_MOST]}"
    looks_like_bounce = is_bounce(words)
    # The headers below a bounce are those of the mail that came back.
    results = {} if looks_like_bounce else _results(headers, plain)
    if not received and not looks_like_bounce and not results:
        return None
    hops = _hops(received)
    found = codes(words) if looks_like_bounce or not received else ()
    route = _route(received, tuple(old_exchanges))
    reading = Reading(
        route,
        hops,
        results.get("spf"),
        results.get("dkim"),
        results.get("dmarc"),
        found,
        looks_like_bounce,
    )
    return replace(reading, entry=_entry(reading, words if looks_like_bounce else "", len(received)))


def _unwrapped(text: str) -> str:
    """Without what Slack and mail clients put around: entities, links, quote marks, code fences."""
    plain = _SLACK_LINK.sub(r"\2", html.unescape(text))
    plain = _QUOTED.sub("", plain.replace("```", "\n").replace("\r\n", "\n"))
    return _ONE_LINE.sub("\n", plain) if _WITHIN_A_LINE.search(plain) else plain


def _headers(plain: str) -> tuple[Message | None, str]:
    """The first block of mail headers, and the source that begins with it.

    Folded lines are recognised though their indentation was lost.
    """
    block: list[str] = []
    has_received = False
    start = at = 0
    for line in plain.split("\n"):
        bare, at = line.strip(), at + len(line) + 1
        if not block:
            if not _OPENING.match(bare):
                continue
            start = at - len(line) - 1
            block.append(bare)
        elif not bare:
            if has_received:
                break
            continue
        else:
            block.append(bare if _HEADER.match(line) else f" {bare}")
        has_received = has_received or block[-1].startswith("Received:")
    return (message_from_string("\n".join(block) + "\n\n") if block else None), plain[start:]


def _results(headers: Message | None, plain: str) -> dict[str, str]:
    """SPF, DKIM and DMARC as the last server judged them (RFC 8601), else Received-SPF.

    Of several signatures one that passed is enough. Without headers: Gmail's own table of the three.
    """
    found: dict[str, str] = {}
    if headers is None:
        shown = {method.lower(): result.lower() for method, result in _SHOWN.findall(plain)}
        return shown if len(shown) > 1 else {}
    for line in headers.get_all("Authentication-Results", []):
        judged: dict[str, str] = {}
        for method, result in re.findall(r"(?<![\w.-])(spf|dkim|dmarc)\s*=\s*([a-z]+)", str(line).lower()):
            if method not in judged or (method == "dkim" and result == "pass"):
                judged[method] = result
        found = {**judged, **found}
    spf = headers.get("Received-SPF")
    if spf and "spf" not in found and (word := re.match(r"\s*([a-z]+)", str(spf).lower())):
        found["spf"] = word[1]
    return found


def _hops(received: Sequence[str]) -> tuple[Hop, ...]:
    hops: list[Hop] = []
    before: datetime | None = None
    for line in reversed(received):
        at = _time(line)
        took = at - before if at is not None and before is not None and at >= before else None
        server = re.search(r"\bby\s+([^\s;()]+)", line)
        hops.append(Hop(server[1] if server else "?", at, took))
        before = at or before
    return tuple(hops)


def _time(line: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(line.rpartition(";")[2].strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _route(received: Sequence[str], old_exchanges: Sequence[str]) -> str:
    """By the servers named in the Received lines, as whole names: never by a part of one."""
    if not received:
        return UNKNOWN
    named = {host.rstrip(".").lower() for line in received for host in _NAMED.findall(line.partition(";")[0])}
    if any(host == GATEWAY or host.endswith("." + GATEWAY) for host in named):
        return VIA_MAILGATES
    for exchange in old_exchanges:
        old = exchange.rstrip(".").lower()
        parent = old.partition(".")[2]
        within = parent if parent.count(".") >= 1 else old
        if any(host == old or host.endswith("." + within) for host in named):
            return OLD_SERVICE
    return DIRECT


def _entry(reading: Reading, bounce: str, received: int) -> str | None:
    """Where a paste leads: the bounce's own words first, then the way, the waits and the results."""
    if bounce and (entry := meaning(bounce)):
        return entry
    if received >= LOOP_AT:
        return "mail-loop"
    if reading.route == OLD_SERVICE:
        return "partly-on-old-service"
    if reading.slowest is not None:
        return "delivery-delay"
    if any(result in ("fail", "softfail", "permerror") for result in (reading.spf, reading.dmarc)):
        return "spf-record"
    if reading.route == DIRECT:
        return "log-missing"
    return None
