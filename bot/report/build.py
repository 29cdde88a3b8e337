"""What a report says, as sections of plain text; how it looks is for the writers beside this module."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.content import TOKYO, as_waited_for, say
from bot.content.findings import finding_text
from bot.content.history_text import history_text
from bot.content.stamp import stamp
from bot.domain.cutover import Cutover, Step, StepStatus
from bot.domain.facts import DomainFacts
from bot.domain.findings import Finding, Status
from bot.domain.mx import MxSet, zone_line
from bot.domain.plan import LOW_TTL
from bot.domain.progress import ttl_of_new_lines
from bot.ports import HistoryEntry

NameOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a table (`head` may be empty: label and value), lines to copy, or one remark."""

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    code: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything in words of one language, nothing escaped."""

    title: str
    lang: str
    sections: tuple[Section, ...]


def build(
    cutover: Cutover,
    history: Sequence[HistoryEntry],
    *,
    made_at: datetime,
    shown_domain: str,
    last: DomainFacts | None = None,
    findings: Iterable[Finding] = (),
    lang: str = "ja",
    tz: ZoneInfo = TOKYO,
    name_of: NameOf = str,
) -> Report:
    """The report of a cutover, finished or not.

    `history`: oldest first. `last`: the last look at DNS, `findings`: what it led to. `name_of`: a
    person's name for a Slack id. `made_at` is aware; times are written in `tz`, with their year.
    """
    writer = _Builder(cutover, lang, tz, name_of)
    sections = [
        writer.summary(made_at),
        *writer.records(),
        writer.instants(),
        writer.steps(),
        writer.timeline(history),
    ]
    if last is not None:
        sections.append(writer.servers(last))
    found = [finding for finding in findings if finding.status is not Status.OK]
    if found:
        sections.append(writer.findings(found))
    title = say("report.title", lang, domain=shown_domain)
    return Report(title, lang, tuple(section for section in sections if section is not None))


class _Builder:
    def __init__(self, cutover: Cutover, lang: str, tz: ZoneInfo, name_of: NameOf) -> None:
        self.cutover = cutover
        self.lang = lang
        self.tz = tz
        self.name_of = name_of

    def say(self, key: str, **args: Any) -> str:
        return say(f"report.{key}", self.lang, tz=self.tz, **args)

    def at(self, moment: datetime | None) -> str:
        """With the year, for a report is read later than a message."""
        return self.say("none") if moment is None else stamp(moment, self.lang, self.tz)

    def people(self, users: Iterable[str]) -> str:
        return ("、" if self.lang == "ja" else ", ").join(self.name_of(user) for user in users)

    def summary(self, made_at: datetime) -> Section:
        cutover, lang = self.cutover, self.lang
        snapshot = cutover.snapshot
        rows = [
            (self.say("domain"), cutover.domain),
            (self.say("state"), say(f"state.{cutover.state.value}", lang)),
            (self.say("contract"), self._contract()),
            (self.say("mail_service"), say(f"service.{cutover.mail_service.value}", lang)),
            (self.say("day"), self.at(cutover.day)),
            (self.say("owner"), self.people([cutover.owner])),
            (self.say("assignees"), self.people(cutover.assignees) or self.say("none")),
            (self.say("opened"), self.at(cutover.opened_at)),
            (self.say("nameservers"), ", ".join(snapshot.nameservers) if snapshot else self.say("unknown")),
            (self.say("made"), self.at(made_at)),
        ]
        return Section(self.say("summary"), rows=tuple(rows))

    def _contract(self) -> str:
        product = say(f"product.{self.cutover.product.value}", self.lang)
        plan = say(f"plan_name.{self.cutover.plan.value}", self.lang)
        return product if product == plan else f"{product} {plan}"

    def records(self) -> Iterable[Section]:
        snapshot = self.cutover.snapshot
        if snapshot is None:
            yield Section(self.say("before"), remark=self.say("unknown"))
        else:
            ttl = snapshot.ttl if snapshot.ttl is not None else LOW_TTL
            remark = "" if snapshot.mx else self.say("no_mx")
            yield Section(self.say("before"), code=self._lines(snapshot.mx, ttl), remark=remark)
        yield Section(
            self.say("after"), code=self._lines(self.cutover.expected, ttl_of_new_lines(self.cutover))
        )

    def _lines(self, records: MxSet, ttl: int) -> tuple[str, ...]:
        return tuple(zone_line(self.cutover.domain, record, ttl) for record in sorted(records))

    def instants(self) -> Section:
        """Each instant with its definition, so that the report can be read without the manual."""
        instants = self.cutover.instants
        values = {
            "t_lowered": instants.t_lowered,
            "safe_to_flip": instants.safe_to_flip,
            "t_flip": instants.t_flip,
            "t_safe": instants.t_safe,
        }
        rows = tuple(
            (self.say(name), self.at(as_waited_for(name, at)), self.say(f"{name}.means"))
            for name, at in values.items()
        )
        return Section(self.say("instants"), rows=rows)

    def steps(self) -> Section:
        rows = []
        for step in Step:
            state = self.cutover.step(step)
            if state.status is StepStatus.OPEN and step not in self.cutover.steps:
                continue
            how = self.say("verified") if state.verified else (state.reason or "")
            who = self.people([state.by]) if state.by else ""
            at = self.at(state.at) if state.at else ""
            rows.append((self._step(step), self.say(f"status.{state.status.value}"), at, who, how))
        head = tuple(self.say(f"steps.{column}") for column in ("step", "status", "at", "who", "remark"))
        return Section(self.say("steps"), head, tuple(rows))

    def _step(self, step: Step) -> str:
        service = self.cutover.mail_service.value
        key = f"step.connector.{service}" if step is Step.CONNECTOR else f"step.{step.value}"
        return say(key, self.lang)

    def timeline(self, history: Sequence[HistoryEntry]) -> Section:
        rows = tuple(
            (
                self.at(entry.at),
                history_text(entry.kind, entry.data, self.lang),
                self.people([entry.actor]) if entry.actor else "",
            )
            for entry in history
        )
        head = tuple(self.say(f"timeline.{column}") for column in ("at", "what", "who"))
        return Section(self.say("timeline"), head, rows)

    def servers(self, facts: DomainFacts) -> Section:
        """What each authoritative address gave at the last look; an unknown stays an unknown."""
        rows = []
        for answer in facts.authoritative:
            records = ", ".join(f"{r.mx} (TTL {r.ttl})" for r in answer.records)
            given = (
                records or self.say("no_mx")
                if answer.usable
                else self.say("no_answer", how=answer.outcome.value)
            )
            rows.append((str(answer.server), given))
        head = (self.say("servers.server"), self.say("servers.gave"))
        return Section(self.say("servers", at=self.at(facts.at)), head, tuple(rows))

    def findings(self, found: Iterable[Finding]) -> Section:
        rows = []
        for finding in found:
            text, remedy = finding_text(finding, self.lang)
            rows.append((finding.id, text, remedy))
        head = tuple(self.say(f"findings.{column}") for column in ("id", "what", "remedy"))
        return Section(self.say("findings"), head, tuple(rows))
