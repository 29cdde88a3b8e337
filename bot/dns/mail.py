"""What else of a domain's mail hangs on its MX: the questions, all at once."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex

from bot.dns.config import DnsConfig, Fetch
from bot.dns.message import Type
from bot.dns.mta_sts import look_up_policy
from bot.dns.resolver import Asker, texts
from bot.dns.spf import SpfWalker
from bot.dns.wire import Budget, Reply
from bot.domain.checks.mail import dmarc_policy
from bot.domain.facts import (
    DEFINITE,
    DnssecFacts,
    MtaStsFacts,
    Outcome,
    SpfFacts,
    SubdomainMx,
    TextAnswer,
    TlsaAnswer,
)
from bot.domain.mx import Mx

# Names below a domain that take mail most often. An MX of their own does not move with the domain's.
SUBDOMAINS = ("mail", "ml", "www", "lists", "news", "info")
SIGNED = (Type.MX, Type.DNSKEY, Type.SOA)


@dataclass(frozen=True, slots=True)
class MailFacts:
    """These parts of a look."""

    mta_sts: MtaStsFacts
    spf: SpfFacts
    dmarc: TextAnswer
    tls_rpt: TextAnswer
    dnssec: DnssecFacts | None
    subdomains: tuple[SubdomainMx, ...]


async def look_at_mail(
    asker: Asker,
    validating: Asker | None,
    fetch: Fetch | None,
    config: DnsConfig,
    domain: str,
    budget: Budget,
) -> MailFacts:
    """All of it. `domain`: absolute. `validating`: recursive resolvers, None where none may be asked."""
    sts, spf, dmarc, rpt, sec, subdomains = await asyncio.gather(
        look_up_policy(asker, fetch, config, domain, budget),
        SpfWalker(asker, budget).walk(domain),
        _dmarc(asker, domain, budget),
        texts(asker, f"_smtp._tls.{domain}", budget),
        _dnssec(validating, domain, budget),
        _subdomains(asker, domain, budget),
    )
    return MailFacts(sts, spf, dmarc, rpt, sec, subdomains)


async def look_up_tlsa(asker: Asker, hosts: list[str], budget: Budget) -> tuple[TlsaAnswer, ...]:
    """TLSA of each mail host, at port 25 (RFC 7672)."""
    replies = await asyncio.gather(*(asker.ask(f"_25._tcp.{host}", Type.TLSA, budget) for host in hosts))
    return tuple(
        TlsaAnswer(host, reply.outcome, tuple(sorted(_tlsa(data) for data in reply.data())))
        for host, reply in zip(hosts, replies, strict=True)
    )


def _tlsa(data: bytes) -> str:
    """The record as zone files have it: usage, selector, matching type, data."""
    return f"{data[0]} {data[1]} {data[2]} {data[3:].hex()}" if len(data) > 3 else data.hex()


async def _dmarc(asker: Asker, domain: str, budget: Budget) -> TextAnswer:
    """The record at the domain, else the nearest above it that has one (RFC 7489 6.6.3)."""
    labels = domain.rstrip(".").split(".")
    names = [".".join(labels[n:]) + "." for n in range(min(len(labels) - 1, 5))]
    answers = await asyncio.gather(*(texts(asker, f"_dmarc.{name}", budget) for name in names))
    if answers[0].outcome is not Outcome.ANSWER:
        for answer in answers[1:]:
            if dmarc_policy(answer.texts) is not None:
                return answer
    return answers[0]


async def _subdomains(asker: Asker, domain: str, budget: Budget) -> tuple[SubdomainMx, ...]:
    """MX at the usual names, and at one that nobody has chosen: what answers there is a wildcard."""
    names = [f"{label}.{domain}" for label in (f"mxcutover-{token_hex(6)}", *SUBDOMAINS)]
    replies = await asyncio.gather(*(asker.ask(name, Type.MX, budget) for name in names))
    return tuple(
        SubdomainMx(name, reply.outcome, _mx(reply), wildcard=number == 0)
        for number, (name, reply) in enumerate(zip(names, replies, strict=True))
        if number == 0 or reply.outcome is Outcome.ANSWER
    )


def _mx(reply: Reply) -> tuple[Mx, ...]:
    return tuple(sorted(Mx(*data) for data, _ in reply.mx()))


async def _dnssec(validating: Asker | None, domain: str, budget: Budget) -> DnssecFacts | None:
    """The same question to one resolver, validated and not, and how long the signatures last.

    What nobody validates is not asked further: signatures matter below a DS alone, and a question
    without validation only where the validated one failed.
    """
    if validating is None:
        return None

    async def ask(kind: Type, *, cd: bool) -> Reply:
        return await validating.ask(domain, kind, budget, cd=cd, dnssec=True, only_first=True)

    ds, validated = await asyncio.gather(
        validating.ask(domain, Type.DS, budget, only_first=True), ask(Type.MX, cd=False)
    )
    plain = validated if validated.outcome in DEFINITE else await ask(Type.MX, cd=True)
    signed = [plain]
    if ds.outcome is Outcome.ANSWER or validated.authenticated:
        signed += await asyncio.gather(*(ask(kind, cd=True) for kind in SIGNED[1:]))
    expires, over = _earliest(domain, signed)
    return DnssecFacts(ds.outcome, validated.outcome, plain.outcome, validated.authenticated, expires, over)


def _earliest(domain: str, replies: list[Reply]) -> tuple[datetime | None, str]:
    """When the first of the RRsets is left without a signature, and which one."""
    ends: list[tuple[int, str]] = []
    for reply, kind in zip(replies, SIGNED, strict=False):
        if reply.message is None:
            continue
        last = [
            record.data.expiration
            for record in reply.message.answer
            if record.rdtype == Type.RRSIG and record.name == domain and record.data.covered == kind
        ]
        if last:  # of several over one RRset, any one that is good will do
            ends.append((max(last), kind.name))
    if not ends:
        return None, ""
    end, over = min(ends)
    return datetime.fromtimestamp(end, UTC), over
