"""`mxcutover check`: every DNS check on one domain, without Slack and without a database."""

import asyncio
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.clock import SystemClock
from bot.content import LANGUAGES, say
from bot.content.findings import finding_text
from bot.content.refusals import refusal
from bot.dns.client import DnsClient
from bot.dns.config import BadEndpoint, DnsConfig, is_loopback, parse_endpoints, parse_mapping
from bot.dns.idn import TableRules
from bot.domain.checks import Expectation, judge, verdict_known
from bot.domain.facts import DomainFacts, MxAnswer
from bot.domain.facts_json import facts_to_json
from bot.domain.findings import Finding, Severity, Status
from bot.domain.mx import MxSet, zone_line
from bot.domain.names import BadName, Name, canonical
from bot.domain.notice import BadNotice, parse_mx

FINE, FOUND, BAD_USAGE, UNKNOWN = 0, 1, 2, 3
GRAVE = frozenset({Severity.BLOCK, Severity.HIGH})


@dataclass(frozen=True, slots=True)
class CheckCommand:
    """What was typed. Servers as HOST or HOST:PORT; MX records as `10 mgf.cybermail.jp`."""

    domain: str
    expect: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    nameservers: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    allow_private: bool = False
    as_json: bool = False
    lang: str = "ja"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the settings give where nothing was typed."""

    resolvers: tuple[str, ...] = ()
    nameservers: tuple[str, ...] = ()
    sample_resolvers: tuple[str, ...] = ()


class _Refused(Exception):
    """Bad usage; the text says what is wrong with what was typed."""


def run(command: CheckCommand, defaults: Defaults) -> int:
    """Print the checks. 0: nothing above warn; 1: a finding of block or high; 2: bad usage; 3: unknown."""
    lang = command.lang if command.lang in LANGUAGES else "ja"
    try:
        if command.lang not in LANGUAGES:
            raise _Refused(say("checkpage.bad-lang", "en", given=command.lang))
        name = _domain(command.domain, lang)
        expected = _records(command.expect, name, lang, "--expect")
        before = _records(command.before, name, lang, "--before")
        config = _config(command, defaults, lang)
    except _Refused as refused:
        print(refused, file=sys.stderr)
        return BAD_USAGE
    clock = SystemClock()
    hosts = sorted(record.exchange for record in expected or ())
    facts = asyncio.run(DnsClient(config, clock).look(name.ascii, expected=hosts))
    findings = judge(facts, Expectation(expected=expected, before=before, now=clock.now()))
    if command.as_json:
        print(json.dumps(as_json(name, facts, findings, expected), ensure_ascii=False, indent=2))
    else:
        print("\n".join(_as_text(name, facts, findings, lang)))
    return exit_code(findings)


def exit_code(findings: Sequence[Finding]) -> int:
    """What the findings amount to, as the contract has it."""
    if any(f.status is Status.WRONG and f.severity in GRAVE for f in findings):
        return FOUND
    return FINE if verdict_known(tuple(findings)) else UNKNOWN


def _domain(text: str, lang: str) -> Name:
    try:
        return canonical(text, TableRules())
    except BadName as bad:
        raise _Refused(refusal("name", bad.reason, bad.args_for_text, lang)) from None


def _records(texts: Iterable[str], name: Name, lang: str, option: str) -> MxSet | None:
    given = "\n".join(texts)
    if not given:
        return None
    try:
        return parse_mx(given, TableRules(), name.ascii)
    except BadNotice as bad:
        text = refusal("notice", bad.reason, bad.args_for_text, lang)
        raise _Refused(f"{option}: {_bare(text)}") from None


def _config(command: CheckCommand, defaults: Defaults, lang: str) -> DnsConfig:
    """Whom to ask: with `--nameserver` alone nobody else, on the network or off it."""
    typed = command.nameservers or command.resolvers
    nameservers = command.nameservers if typed else defaults.nameservers
    resolvers = command.resolvers if typed else defaults.resolvers
    samples = command.resolvers if typed else defaults.sample_resolvers
    try:
        asked = parse_endpoints(resolvers)
        # A resolver on this machine that is not the system's (port 53) is a lab's: what it points to
        # may be on this machine too.
        lab = bool(command.resolvers) and all(is_loopback(host) and port != 53 for host, port in asked)
        return DnsConfig(
            resolvers=asked,
            nameservers=parse_endpoints(nameservers),
            sample_resolvers=parse_endpoints(samples),
            address_map=dict(parse_mapping(text) for text in command.maps),
            allow_private=command.allow_private,
            allow_loopback=lab,
        )
    except BadEndpoint as bad:
        raise _Refused(say("checkpage.bad-endpoint", lang, reason=str(bad))) from None


# --- JSON -----------------------------------------------------------------------------------------


def as_json(
    name: Name, facts: DomainFacts, findings: Sequence[Finding], expected: MxSet | None
) -> Mapping[str, Any]:
    """The contract of `check --json`. Instants are ISO 8601 in UTC, TTLs seconds."""
    return {
        "domain": name.ascii,
        "domain_unicode": name.unicode,
        "at": facts.at.isoformat(),
        "verdict": _VERDICTS[exit_code(findings)],
        "ttl_in_force": facts.ttl_in_force,
        "zone": facts.zone.rstrip(".") or None,
        "nameservers": [host.rstrip(".") for host in facts.nameservers],
        "expected": [str(record) for record in sorted(expected)] if expected is not None else None,
        "servers": [_server(answer) for answer in facts.authoritative],
        "findings": [finding_json(finding) for finding in findings],
        "facts": facts_to_json(facts),
    }


_VERDICTS = {FINE: "ok", FOUND: "wrong", UNKNOWN: "unknown"}


def _server(answer: MxAnswer) -> Mapping[str, Any]:
    return {
        "host": answer.server.host.rstrip("."),
        "address": answer.server.address,
        "port": answer.server.port,
        "outcome": answer.outcome.value,
        "authoritative": answer.authoritative,
        "rcode": answer.rcode,
        "mx": [
            {"preference": r.mx.preference, "exchange": r.mx.exchange, "ttl": r.ttl} for r in answer.records
        ],
        "ttl": answer.ttl,
        "serial": answer.serial,
    }


def finding_json(finding: Finding) -> Mapping[str, Any]:
    """One finding, in both languages."""
    texts = {lang: finding_text(finding, lang) for lang in LANGUAGES}
    return {
        "id": finding.id,
        "status": finding.status.value,
        "severity": finding.severity.value,
        "args": dict(finding.args),
        "text": {lang: text for lang, (text, _) in texts.items()},
        "remedy": {lang: remedy for lang, (_, remedy) in texts.items()},
    }


# --- text -----------------------------------------------------------------------------------------

_MARKS = {Status.WRONG: "x", Status.UNKNOWN: "?", Status.OK: "o"}


def _as_text(name: Name, facts: DomainFacts, findings: Sequence[Finding], lang: str) -> Iterator[str]:
    yield say("checkpage.title", lang, domain=str(name))
    yield ""
    for answer in facts.authoritative:
        yield f"  {answer.server}"
        if not answer.usable:
            yield f"    {say('finding.outcome.' + answer.outcome.value, lang)}"
        for record in answer.records:
            yield f"    {zone_line(facts.domain, record.mx, record.ttl)}"
        if answer.usable and not answer.records:
            yield f"    {say('checkpage.no-mx', lang)}"
    yield ""
    for finding in findings:
        text, remedy = finding_text(finding, lang)
        grade = say(f"checkpage.severity.{finding.severity.value}", lang)
        label = f" [{grade}]" if finding.status is Status.WRONG else ""
        yield f"{_MARKS[finding.status]}{label} {_bare(text)}  ({finding.id})"
        for line in _bare(remedy).splitlines():
            yield f"    {line}"
    yield ""
    yield say(f"checkpage.verdict.{_VERDICTS[exit_code(findings)]}", lang)


def _bare(text: str) -> str:
    """Text without the marks that Slack renders: a terminal shows them as they are."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.strip() == "```":
            inside = not inside
            continue
        lines.append(f"    {line}" if inside else re.sub(r"`([^`]*)`", r"\1", line))
    return "\n".join(lines)
