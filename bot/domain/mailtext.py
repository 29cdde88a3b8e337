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

GATEWAY = "cybermail.jp"
SLOW = timedelta(minutes=5)
LOOP_AT = 25  # Received lines; servers give up at 25 to 100
READ_AT_MOST = 60_000  # characters

VIA_MAILGATES, DIRECT, OLD_SERVICE, UNKNOWN = "via_mailgates", "direct", "old_service", "unknown"

_HEADER = re.compile(r"^([A-Za-z][A-Za-z0-9-]{1,60}):(\s|$)")
_OPENING = re.compile(
    r"^(Received|Return-Path|Delivered-To|Authentication-Results|Received-SPF|DKIM-Signature|ARC-[A-Za-z-]+"
    r"|X-[A-Za-z-]+|Message-ID|MIME-Version|Reporting-MTA|Final-Recipient|Diagnostic-Code):",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^[^\S\n]*(>|&gt;)\s?", re.MULTILINE)  # within a line: blank ones are many
_SLACK_LINK = re.compile(r"<(?:mailto:|https?://)?([^<>|\s]+)\|([^<>|]+)>")
_CODE = re.compile(r"\b([245]\d\d)[ -]([245]\.\d{1,3}\.\d{1,3})\b|\b([45]\.\d{1,3}\.\d{1,3})\b")
_BOUNCE = re.compile(
    r"undeliver|delivery (status|has failed|failure|to the following)|mail delivery|returned (mail|to sender)"
    r"|could not be delivered|wasn't delivered|postmaster|mailer-daemon|diagnostic-code|remote server"
    r"|said:\s+[45]\d\d|mail system at host|response (from|was)|配信不能|配信でき|配送でき"
    r"|送信できません|届けられません"
    r"|エラーの内容",
    re.IGNORECASE,
)

# What a bounce says, and the entry that explains it; the first that fits counts.
_MEANINGS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (entry, re.compile(pattern, re.IGNORECASE))
    for entry, pattern in (
        (
            "mail-loop",
            r"5\.4\.(6|14)\b|hop ?count|too many (hops|received)|loops? back|routing loop|mail loop",
        ),
        (
            "tenant-rejects",
            r"5\.7\.(51|64|68|133|606|700|705)\b|Tenant(Inbound)?Attribution|partner connector|Direct ?Send"
            r"|not authorized to send (mail )?directly|RestrictDomainsTo",
        ),
        ("spf-record", r"5\.7\.(23|26|27)\b|\bspf\b|sender policy|dmarc|dkim|unauthenticated"),
        (
            "some-recipients-unknown",
            r"5\.1\.(1|10)\b|5\.2\.1\b|user unknown|unknown user|no such (user|recipient)"
            r"|recipient ?not ?found"
            r"|mailbox (not found|unavailable)|does not exist|宛先.*(不明|存在)",
        ),
        (
            "no-mail-from-outside",
            r"5\.4\.4\b|5\.1\.2\b|4\.4\.4\b|host (or domain )?name? ?(lookup|not found|unknown)"
            r"|host not found"
            r"|domain (name )?not found|nxdomain|no mx|null ?mx|unrouteable",
        ),
        ("delivery-delay", r"\b4\.\d\.\d\b|delayed|will (be )?retr|still trying|遅延|再送"),
        ("tenant-rejects", r"5\.7\.\d+\b|access denied|blocked|rejected by policy|not allowed"),
    )
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
    headers = _headers(plain)
    received = [str(line) for line in headers.get_all("Received", [])] if headers else []
    looks_like_bounce = bool(_BOUNCE.search(plain)) and bool(_CODE.search(plain) or len(plain) > 200)
    results = _results(headers) if headers else {}
    if not received and not looks_like_bounce and not results:
        return None
    hops = _hops(received)
    codes = tuple(dict.fromkeys(_codes(plain))) if looks_like_bounce or not received else ()
    route = _route(received, tuple(old_exchanges))
    reading = Reading(
        route,
        hops,
        results.get("spf"),
        results.get("dkim"),
        results.get("dmarc"),
        codes,
        looks_like_bounce,
    )
    return replace(reading, entry=_entry(reading, plain if looks_like_bounce else "", len(received)))


def _unwrapped(text: str) -> str:
    """Without what Slack and mail clients put around: entities, links, quote marks, code fences."""
    plain = _SLACK_LINK.sub(r"\2", html.unescape(text))
    return _QUOTED.sub("", plain.replace("```", "\n").replace("\r\n", "\n"))


def _headers(plain: str) -> Message | None:
    """The first block of mail headers; folded lines are recognised though their indentation was lost."""
    block: list[str] = []
    has_received = False
    for line in plain.split("\n"):
        bare = line.strip()
        if not block:
            if not _OPENING.match(bare):
                continue
            block.append(bare)
        elif not bare:
            if has_received:
                break
            continue
        else:
            block.append(bare if _HEADER.match(line) else f" {bare}")
        has_received = has_received or block[-1].startswith("Received:")
    return message_from_string("\n".join(block) + "\n\n") if block else None


def _results(headers: Message) -> dict[str, str]:
    """SPF, DKIM and DMARC as the last server judged them (RFC 8601), else Received-SPF."""
    found: dict[str, str] = {}
    for line in headers.get_all("Authentication-Results", []):
        for method, result in re.findall(r"\b(spf|dkim|dmarc)\s*=\s*([a-z]+)", str(line).lower()):
            found.setdefault(method, result)
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
    named = {
        host.rstrip(".").lower()
        for line in received
        for host in re.findall(r"\b(?:from|by)\s+([A-Za-z0-9._-]+)", line.partition(";")[0])
    }
    if any(host == GATEWAY or host.endswith("." + GATEWAY) for host in named):
        return VIA_MAILGATES
    for exchange in old_exchanges:
        old = exchange.rstrip(".").lower()
        parent = old.partition(".")[2]
        within = parent if parent.count(".") >= 1 else old
        if any(host == old or host.endswith("." + within) for host in named):
            return OLD_SERVICE
    return DIRECT


def _codes(plain: str) -> list[str]:
    return [
        " ".join(part for part in (match[1], match[2] or match[3]) if part)
        for match in _CODE.finditer(plain)
        if match[1] is None or match[1][0] == match[2][0]
    ]


def _entry(reading: Reading, bounce: str, received: int) -> str | None:
    """Where a paste leads: the bounce's own words first, then the way, the waits and the results."""
    for entry, pattern in _MEANINGS if bounce else ():
        if pattern.search(bounce):
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
