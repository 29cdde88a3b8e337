"""The MX set itself, on each authoritative address (dns-checks.md, "At the change").

Sets are compared whole, on absolute, case-folded names. A server that gave no authoritative word is
never counted as having the old set, nor as having none.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.checks.exchange import distance, is_ip_literal, shown, vendors_domain
from bot.domain.checks.expectation import Expectation
from bot.domain.checks.making import lines, ok, servers, unknown, wrong
from bot.domain.facts import NOT_ASKED, DomainFacts, MxAnswer
from bot.domain.findings import Finding, Severity
from bot.domain.lookalike import looks_like
from bot.domain.mx import Mx, MxSet, absolute

NULL = "."


def judge_mx(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """Every finding about the MX set."""
    usable = [answer for answer in facts.authoritative if answer.usable]
    if not usable:
        silent = [answer for answer in facts.authoritative if answer.outcome not in NOT_ASKED]
        return [
            unknown(
                "mx.as-expected",
                Severity.WARN,
                domain=facts.domain,
                servers=servers(silent),
                outcome=facts.delegation.value,
            )
        ]
    found = _aliases(facts, usable)
    usable = [answer for answer in usable if answer.owner_cname is None]
    groups: dict[MxSet, list[MxAnswer]] = {}
    for answer in usable:
        groups.setdefault(answer.mx, []).append(answer)
    if expectation.expected is None:
        for mx, answers in groups.items():
            found += _Reading(facts, expectation, mx, answers).broken()
        if len(groups) > 1:
            found.append(_inconsistent(facts, groups))
        return found
    return found + _against(facts, expectation, expectation.expected, groups)


def _aliases(facts: DomainFacts, usable: list[MxAnswer]) -> list[Finding]:
    aliased = [answer for answer in usable if answer.owner_cname is not None]
    if not aliased:
        return []
    return [
        wrong(
            "mx.owner-is-cname",
            Severity.BLOCK,
            domain=facts.domain,
            cname=aliased[0].owner_cname,
            servers=servers(aliased),
        )
    ]


def _inconsistent(facts: DomainFacts, groups: dict[MxSet, list[MxAnswer]]) -> Finding:
    return wrong(
        "mx.inconsistent",
        Severity.HIGH,
        domain=facts.domain,
        answers=[
            {"servers": servers(answers), "mx": [str(record) for record in sorted(mx)]}
            for mx, answers in groups.items()
        ],
    )


def _against(
    facts: DomainFacts, expectation: Expectation, expected: MxSet, groups: dict[MxSet, list[MxAnswer]]
) -> list[Finding]:
    new = groups.get(expected, [])
    rest = {mx: answers for mx, answers in groups.items() if mx != expected}
    found: list[Finding] = []
    if new and not rest:
        found.append(
            ok(
                "mx.as-expected",
                domain=facts.domain,
                servers=servers(new),
                mx=[str(record) for record in sorted(expected)],
            )
        )
    if new and rest:
        found.append(_partial(facts, expectation, new, [a for some in rest.values() for a in some]))
    for mx, answers in rest.items():
        reading = _Reading(facts, expectation, mx, answers)
        found += [f for f in reading.all() if not (new and f.id == "mx.not-changed")]
    if expectation.changed and rest:
        found.insert(
            0,
            wrong(
                "mx.drift",
                Severity.BLOCK,
                domain=facts.domain,
                servers=servers(answer for some in rest.values() for answer in some),
                mx=sorted({str(record) for mx in rest for record in mx}),
                lines=lines(facts.domain, expected, facts.ttl_in_force),
            ),
        )
    return found


def _partial(
    facts: DomainFacts, expectation: Expectation, new: list[MxAnswer], old: list[MxAnswer]
) -> Finding:
    """A warning while a secondary may still be fetching the zone; high once the SOA's refresh has passed."""
    refresh = max((z.refresh for z in facts.zone_answers if z.refresh is not None), default=None)
    since = expectation.first_new_at or expectation.planned_at
    overdue = (
        refresh is not None
        and since is not None
        and expectation.now is not None
        and expectation.now > since + timedelta(seconds=refresh)
    )
    return wrong(
        "mx.partial",
        Severity.HIGH if overdue else Severity.WARN,
        domain=facts.domain,
        new=servers(new),
        old=servers(old),
        overdue=overdue,
        **({"late": True} if overdue else {}),
        **({"refresh_span": refresh} if refresh is not None else {}),
    )


@dataclass
class _Sorted:
    """The records of one set, each in its place."""

    null: list[Mx] = field(default_factory=list)
    literal: list[Mx] = field(default_factory=list)
    dotless: list[tuple[Mx, Mx]] = field(default_factory=list)  # what is there, what was meant
    typo: list[tuple[Mx, Mx]] = field(default_factory=list)
    alike: list[tuple[Mx, Mx]] = field(default_factory=list)  # passes for the expected one to the eye
    good: list[Mx] = field(default_factory=list)  # an expected host, at whatever preference
    old: list[Mx] = field(default_factory=list)
    other: list[Mx] = field(default_factory=list)


class _Reading:
    """One set that is not the expected one: what is wrong with it, most telling first."""

    def __init__(
        self, facts: DomainFacts, expectation: Expectation, mx: MxSet, answers: list[MxAnswer]
    ) -> None:
        self.facts = facts
        self.expectation = expectation
        self.expected = expectation.expected or frozenset()
        self.mx = mx
        self.answers = answers
        self.common = {
            "domain": facts.domain,
            "servers": servers(answers),
            "mx": [str(record) for record in sorted(mx)],
        }
        if self.expected:
            self.common["lines"] = lines(facts.domain, self.expected, facts.ttl_in_force)

    def broken(self) -> list[Finding]:
        """What is wrong with any set, whatever was expected."""
        found: list[Finding] = []
        if not self.mx:
            return [wrong("mx.absent", Severity.BLOCK, **self.common, outcome=self.answers[0].outcome.value)]
        sorted_ = self._sort()
        if sorted_.null:
            found.append(wrong("mx.null", Severity.BLOCK, **self.common, alone=len(self.mx) == 1))
        if sorted_.literal:
            found.append(
                wrong(
                    "mx.ip-literal",
                    Severity.BLOCK,
                    **self.common,
                    exchange=sorted_.literal[0].exchange,
                    delete=self._delete(sorted_.literal),
                )
            )
        found += self._duplicates()
        return found

    def all(self) -> list[Finding]:
        """Every finding about the set, given what was expected."""
        found = self.broken()
        if not self.mx:
            return found
        s = self._sort()
        for record, meant in s.dotless:
            found.append(self._mistaken("mx.missing-dot", record, meant))
        for record, meant in s.typo:
            found.append(self._mistaken("mx.typo", record, meant))
        for record, meant in s.alike:
            found.append(self._mistaken("mx.look-alike", record, meant, readable=shown(record.exchange)))
        tried = bool(s.good or s.dotless or s.typo)
        left = s.old + s.other
        if tried and left:
            found += self._leftover(left, s.good)
        elif s.other:
            found.append(wrong("mx.other", Severity.BLOCK, **self.common, hosts=_hosts(s.other)))
        elif s.old:
            found.append(self._not_changed())
        if s.good:
            found += self._incomplete(s)
        return found

    def _sort(self) -> _Sorted:
        s = _Sorted()
        before = {record.exchange for record in self.expectation.before or ()}
        wanted = {record.exchange for record in self.expected}
        for record in sorted(self.mx):
            if record.exchange == NULL:
                s.null.append(record)
            elif record.exchange in wanted:
                s.good.append(record)
            elif is_ip_literal(record.exchange, self._zones()):
                s.literal.append(record)
            elif meant := self._without_dot(record):
                s.dotless.append((record, meant))
            elif record.exchange in before:
                s.old.append(record)
            elif meant := self._imitated(record):
                s.alike.append((record, meant))
            elif meant := self._meant(record):
                s.typo.append((record, meant))
            else:
                s.other.append(record)
        return s

    def _zones(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, (absolute(self.facts.domain), self.facts.zone))))

    def _without_dot(self, record: Mx) -> Mx | None:
        """The expected record whose exchange, written without its final dot, gives this one."""
        for zone in self._zones():
            for meant in sorted(self.expected):
                if zone != NULL and record.exchange == meant.exchange + zone:
                    return meant
        return None

    def _imitated(self, record: Mx) -> Mx | None:
        """The expected record whose host this one passes for, written with letters of another script."""
        return next((m for m in sorted(self.expected) if looks_like(record.exchange, m.exchange)), None)

    def _meant(self, record: Mx) -> Mx | None:
        """The expected record that was probably meant: one or two edits away, or the same vendor's domain."""
        there = {other.exchange for other in self.mx}

        def likeness(meant: Mx) -> tuple[int, bool, bool, Mx]:
            edits = distance(meant.exchange, record.exchange)
            return edits, meant.exchange in there, meant.preference != record.preference, meant

        near = min(self.expected, key=likeness, default=None)
        if near is None:
            return None
        if distance(near.exchange, record.exchange) <= 2:
            return near
        for meant in sorted(self.expected):
            vendor = vendors_domain(meant.exchange)
            if vendor is not None and record.exchange.endswith("." + vendor):
                return meant
        return None

    def _delete(self, records: Iterable[Mx]) -> str:
        return lines(self.facts.domain, records, self.facts.ttl_in_force)

    def _mistaken(self, finding_id: str, record: Mx, meant: Mx, **more: str) -> Finding:
        return wrong(
            finding_id,
            Severity.BLOCK,
            **self.common,
            exchange=record.exchange,
            meant=meant.exchange,
            delete=self._delete([record]),
            **more,
        )

    def _leftover(self, left: list[Mx], good: list[Mx]) -> list[Finding]:
        found = [
            wrong(
                "mx.leftover-old",
                Severity.HIGH,
                **self.common,
                hosts=_hosts(left),
                delete=self._delete(left),
            )
        ]
        shared = {record.preference for record in good} & {record.preference for record in left}
        if shared:
            found.append(
                wrong(
                    "mx.equal-preference",
                    Severity.HIGH,
                    **self.common,
                    preference=min(shared),
                    hosts=_hosts(left),
                    delete=self._delete(left),
                )
            )
        return found

    def _not_changed(self) -> Finding:
        args = {**self.common, "delete": self._delete(self.mx)}
        if self.expectation.is_ahead:
            return ok("mx.not-changed", **args)
        return wrong("mx.not-changed", Severity.HIGH, **args)

    def _incomplete(self, s: _Sorted) -> list[Finding]:
        """The expected hosts that are missing, or stand at another preference."""
        found: list[Finding] = []
        there = Counter(record.exchange for record in s.good)
        meant = [meant for _, meant in s.dotless + s.typo]
        wanted_times = Counter(record.exchange for record in self.expected)
        missing = [
            record
            for record in sorted(self.expected - self.mx)
            if there[record.exchange] < wanted_times[record.exchange] and record not in meant
        ]
        if missing:
            found.append(
                wrong(
                    "mx.incomplete",
                    Severity.HIGH,
                    **self.common,
                    hosts=_hosts(missing),
                    missing=lines(self.facts.domain, missing, self.facts.ttl_in_force),
                )
            )
        wanted = {(r.exchange, r.preference) for r in self.expected}
        twice = {r.exchange for r in s.good if sum(g.exchange == r.exchange for g in s.good) > 1}
        for record in s.good:
            if (record.exchange, record.preference) not in wanted and record.exchange not in twice:
                right = min(r.preference for r in self.expected if r.exchange == record.exchange)
                found.append(
                    wrong(
                        "mx.wrong-preference",
                        Severity.WARN,
                        **self.common,
                        exchange=record.exchange,
                        preference=record.preference,
                        right=right,
                    )
                )
        return found

    def _duplicates(self) -> list[Finding]:
        count = Counter(record.exchange for record in self.mx)
        return [
            wrong("mx.duplicate", Severity.WARN, **self.common, exchange=exchange, times=times)
            for exchange, times in sorted(count.items())
            if times > 1
        ]


def _hosts(records: Iterable[Mx]) -> list[str]:
    return sorted({record.exchange for record in records})
