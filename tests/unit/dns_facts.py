"""Facts from literals, for tests of judgements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.domain.checks import Expectation, judge
from bot.domain.facts import (
    DomainFacts,
    HostAddresses,
    MxAnswer,
    MxRecord,
    Outcome,
    Server,
    ZoneAnswer,
)
from bot.domain.findings import Finding, Severity, Status
from bot.domain.mx import Mx, MxSet, absolute

DOMAIN = "example.co.jp"
NOW = datetime(2026, 12, 5, 13, tzinfo=UTC)
ONE, TWO, THREE = (Server(f"ns{n}.dns-host.example.", f"192.0.2.{n}") for n in (1, 2, 3))


def mx(*records: str) -> MxSet:
    """`10 mgf.cybermail.jp` … as a set."""
    made = set()
    for record in records:
        preference, _, exchange = record.partition(" ")
        made.add(Mx(int(preference), exchange if exchange == "." else absolute(exchange)))
    return frozenset(made)


GATEWAY = mx("10 mgf.cybermail.jp")
OLD = mx("10 mail.old-provider.example")


def answer(server: Server, records: Iterable[Mx], ttl: int = 300, **changes: Any) -> MxAnswer:
    """An authoritative answer; of an empty set, NODATA."""
    made = tuple(MxRecord(record, ttl) for record in sorted(records))
    outcome = Outcome.ANSWER if made else Outcome.NODATA
    return replace(MxAnswer(server, NOW, outcome, True, "NOERROR", made), **changes)


def failed(server: Server, outcome: Outcome, **changes: Any) -> MxAnswer:
    return replace(MxAnswer(server, NOW, outcome), **changes)


def state(server: Server, serial: int = 7, **changes: Any) -> ZoneAnswer:
    """What a server says of the zone."""
    known = ZoneAnswer(
        server,
        NOW,
        Outcome.ANSWER,
        True,
        serial,
        refresh=1800,
        negative_ttl=900,
        ns=(ONE.host, TWO.host),
        ns_ttl=3600,
    )
    return replace(known, **changes)


def facts(*answers: MxAnswer, **changes: Any) -> DomainFacts:
    """A look with these answers, everything else in order."""
    made = DomainFacts(
        DOMAIN,
        NOW,
        answers,
        nameservers=(ONE.host, TWO.host),
        targets={"mgf.cybermail.jp.": HostAddresses("mgf.cybermail.jp.", Outcome.ANSWER, ("198.51.100.10",))},
        zone=absolute(DOMAIN),
        parent_ns=(ONE.host, TWO.host),
        parent=Outcome.ANSWER,
        zone_answers=tuple(state(a.server) for a in answers if a.usable),
    )
    return replace(made, **changes)


def both(records: Iterable[Mx], ttl: int = 300, **changes: Any) -> DomainFacts:
    """Two servers that agree."""
    records = list(records)
    return facts(answer(ONE, records, ttl), answer(TWO, records, ttl), **changes)


def wrong(findings: Sequence[Finding]) -> dict[str, Finding]:
    """What is wrong, by id."""
    return {finding.id: finding for finding in findings if finding.status is Status.WRONG}


def grave(found: Mapping[str, Finding]) -> set[str]:
    """The ids of what is more than informative."""
    return {i for i, finding in found.items() if finding.severity is not Severity.INFO}


def judged(what: DomainFacts, **expectation: Any) -> dict[str, Finding]:
    """What is wrong about these facts."""
    return wrong(judge(what, Expectation(**{"now": NOW, **expectation})))
