"""The walk of an SPF record through its includes (RFC 7208): look-ups counted, void ones, mistakes.

What is at one depth is asked for at once, so the walk takes as many round trips as the includes are deep.
Every path is walked, as the worst sender would make a receiver walk it.
"""

import asyncio
from dataclasses import dataclass, field

from bot.dns.message import BadName, Type, name_wire
from bot.dns.resolver import Asker, texts
from bot.dns.wire import Budget
from bot.domain.facts import DEFINITE, Outcome, SpfFacts, TextAnswer
from bot.domain.mx import absolute
from bot.domain.spf import SpfTerm, is_spf, parse_spf

MOST_LOOKUPS = 60  # where counting stops: the limit is 10, and a hostile record could go on for ever
MOST_MX_NAMES = 10  # 4.6.4: more address look-ups for one `mx` are an error


@dataclass
class _Walk:
    lookups: int = 0
    void: int = 0
    incomplete: bool = False
    errors: list[str] = field(default_factory=list)
    mx_mechanisms: list[str] = field(default_factory=list)


class SpfWalker:
    """Walks one domain's record."""

    def __init__(self, asker: Asker, budget: Budget) -> None:
        self._asker = asker
        self._budget = budget
        self._walk = _Walk()

    async def walk(self, domain: str) -> SpfFacts:
        """The record of `domain` (absolute) and all that it leads to."""
        answer = await texts(self._asker, domain, self._budget)
        records = _records(answer)
        if len(records) == 1:
            await self._record(domain, records[0], (domain,), top=domain)
        walk = self._walk
        return SpfFacts(
            answer.outcome,
            tuple(records),
            walk.lookups,
            walk.void,
            tuple(dict.fromkeys(walk.mx_mechanisms)),
            tuple(dict.fromkeys(walk.errors)),
            walk.incomplete,
        )

    async def _record(self, domain: str, text: str, path: tuple[str, ...], top: str) -> None:
        """Every term of one record, at once."""
        record = parse_spf(text)
        where = "" if domain == top else f" ({domain.rstrip('.')})"
        self._walk.errors += [f"{error}{where}" for error in record.errors]
        bad = set(record.errors)
        work = []
        for term in record.terms:
            if term.text in bad or not term.asks:
                continue
            self._walk.lookups += 1
            if self._walk.lookups > MOST_LOOKUPS:
                break
            target = absolute(term.target) if term.target else domain
            if term.name == "mx" and target == top:
                self._walk.mx_mechanisms.append(term.text)
            if term.has_macro or term.name == "ptr":
                continue  # known only when a sender connects
            work.append(self._term(term, target, path, top, where))
        await asyncio.gather(*work)

    async def _term(self, term: SpfTerm, target: str, path: tuple[str, ...], top: str, where: str) -> None:
        if not _askable(target):
            self._walk.errors.append(f"{term.text}{where}")
        elif term.name in ("include", "redirect"):
            await self._include(term, target, path, top, where)
        elif term.name == "exists":
            await self._plain(target, [Type.A])
        elif term.name == "a":
            await self._plain(target, [Type.A, Type.AAAA])
        else:
            await self._mx(term, target, where)

    async def _include(self, term: SpfTerm, target: str, path: tuple[str, ...], top: str, where: str) -> None:
        if target in path:
            self._walk.errors.append(f"{term.text}{where}: loop")
            return
        answer = await texts(self._asker, target, self._budget)
        if answer.outcome not in DEFINITE:
            self._walk.incomplete = True
            return
        if answer.outcome is not Outcome.ANSWER:
            self._walk.void += 1
        records = _records(answer)
        if len(records) != 1:
            why = "no SPF record" if not records else "several SPF records"
            self._walk.errors.append(f"{term.text}{where}: {why}")
            return
        await self._record(target, records[0], (*path, target), top)

    async def _plain(self, target: str, kinds: list[Type]) -> None:
        replies = await asyncio.gather(*(self._asker.ask(target, kind, self._budget) for kind in kinds))
        if any(reply.outcome is Outcome.ANSWER for reply in replies):
            return
        if all(reply.outcome in DEFINITE for reply in replies):
            self._walk.void += 1
        else:
            self._walk.incomplete = True

    async def _mx(self, term: SpfTerm, target: str, where: str) -> None:
        reply = await self._asker.ask(target, Type.MX, self._budget)
        if reply.outcome not in DEFINITE:
            self._walk.incomplete = True
        elif not reply.records():
            self._walk.void += 1
        elif len(reply.records()) > MOST_MX_NAMES:
            self._walk.errors.append(f"{term.text}{where}: more than {MOST_MX_NAMES} MX")


def _records(answer: TextAnswer) -> list[str]:
    return [text for text in answer.texts if is_spf(text)]


def _askable(name: str) -> bool:
    try:
        return len(name_wire(name)) > 1
    except BadName:
        return False
