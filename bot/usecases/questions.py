"""Answers questions: what is known of the cutover and of DNS goes in as evidence, then the tree is walked."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from bot.domain.authority import Act, Actor, authorise
from bot.domain.checks import Expectation, judge
from bot.domain.cutover import Cutover
from bot.domain.facts import DomainFacts
from bot.domain.findings import Finding
from bot.domain.mailtext import read_mail
from bot.domain.names import BadName, canonical
from bot.ports import HistoryEntry, Outgoing, Question, Tx
from bot.usecases.allowance import TooMany, may_look
from bot.usecases.ask import CLARIFY, NONE, READ_AT_MOST, AskResult, guess_lang
from bot.usecases.context import Deps, Where, say, transact
from bot.usecases.evidence_context import EvidenceContext, SupportNow
from bot.usecases.observe import exchanges, findings_for

FRESH = timedelta(minutes=2)


LONGEST_KEPT = 500  # characters; what is longer is a paste, not a question


def place_key(where: Where, actor: Actor) -> str:
    """Where this person stands in this conversation."""
    return f"faq:{where.channel}:{where.thread_ts or ''}:{actor.user}"


def is_mail(text: str) -> bool:
    """Whether somebody pasted a bounce or the headers of a mail."""
    return read_mail(text[:READ_AT_MOST]) is not None


async def ask(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    text: str,
    cutover: Cutover | None,
    *,
    unasked: bool = False,
) -> None:
    """Answer a question. `unasked`: nobody addressed the bot, so it speaks only when it is sure."""
    authorise(actor, Act.SEE, cutover, deps.operators)
    # The hosts in a pasted mail are not the domain that is asked about.
    pasted = is_mail(text)
    domain = None if cutover or pasted else domain_in(deps, text)
    context = await evidence(deps, actor, cutover, domain)
    result = deps.asker.ask(text, context)
    if unasked and not result.sure and result.decision != CLARIFY:  # a bare 「届かない」 gets its question
        await say(deps, actor.team, row_id)
        return
    # Headers and most bounces are in English, whoever pastes them.
    lang = where.lang or actor.lang if pasted else guess_lang(text)
    asked = None
    if not pasted and len(text) <= LONGEST_KEPT:  # of a pasted mail nothing is kept
        asked = Question(text, lang, result.decision, result.entry, deps.clock.now())
    await _speak(deps, actor, where, row_id, result, cutover, domain, lang=lang, asked=asked)


async def go_on(deps: Deps, actor: Actor, where: Where, row_id: int | None, value: str) -> None:
    """A click on one of the options of a question."""
    key = place_key(where, actor)

    def read(tx: Tx) -> tuple[Mapping[str, Any] | None, Cutover | None]:
        place = tx.places.get(actor.team, key)
        cutover = (
            tx.cutovers.get(actor.team, str(place["cutover"])) if place and place.get("cutover") else None
        )
        if cutover is None and where.thread_ts:
            cutover = tx.cutovers.by_thread(actor.team, where.channel, where.thread_ts)
        return place, cutover

    place, cutover = await deps.store.transact(read)
    authorise(actor, Act.SEE, cutover, deps.operators)
    domain = str(place["domain"]) if place and place.get("domain") else None
    context = await evidence(deps, actor, cutover, domain)
    result = deps.asker.answer(place, value, context)
    lang = str(place["lang"]) if place and place.get("lang") else actor.lang
    await _speak(deps, actor, where, row_id, result, cutover, domain, lang=lang)


def domain_in(deps: Deps, text: str) -> str | None:
    """A domain named in the question, A-label form."""
    for word in text.replace("、", " ").replace("。", " ").split():
        if "." not in word or "@" in word:
            continue
        try:
            return canonical(word.strip("()「」,?？!！"), deps.rules).ascii
        except BadName:
            continue
    return None


async def evidence(deps: Deps, actor: Actor, cutover: Cutover | None, domain: str | None) -> EvidenceContext:
    """What is known at this moment; DNS is asked where there is a domain and nothing fresh is stored."""
    now = deps.clock.now()
    facts: DomainFacts | None = None
    subject = cutover.domain if cutover else domain
    if subject is not None:
        # Beyond the budget the tree asks the person what it would have seen.
        with suppress(TooMany):
            await may_look(deps, actor)
            facts = await deps.dns.look(subject, expected=exchanges(cutover) if cutover else ())
    findings: tuple[Finding, ...] = ()
    if facts is not None:
        findings = findings_for(cutover, facts, now) if cutover else judge(facts, Expectation(now=now))
    is_open = deps.calendar.in_support_hours(now)
    support = SupportNow(is_open, None if is_open else deps.calendar.next_opening(now))
    host = deps.name_host(facts.nameservers) if facts else None
    return EvidenceContext(
        now=now,
        cutover=cutover,
        domain=domain,
        facts=facts,
        findings=findings,
        support=support,
        dns_host=host,
        can_lower_ttl=deps.can_lower_ttl(host) if host else None,
    )


async def _speak(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    result: AskResult,
    cutover: Cutover | None,
    domain: str | None,
    *,
    lang: str,
    asked: Question | None = None,
) -> None:
    key = place_key(where, actor)
    now = deps.clock.now()

    def work(tx: Tx) -> None:
        number = tx.questions.add(actor.team, asked) if asked is not None else None
        message = _message(actor, where, result, key, lang, number)
        if result.place is not None:
            keep = {
                **result.place,
                "cutover": cutover.id if cutover else None,
                "domain": domain,
                "lang": lang,
            }
            tx.places.put(actor.team, key, keep, now)
        else:
            tx.places.drop(actor.team, key)
        tx.outbox.put(actor.team, message)
        if cutover is not None and result.decision != NONE and result.entry:
            entry = HistoryEntry(now, "asked", actor.user, {"entry": result.entry})
            tx.history.append(actor.team, cutover.id, entry)

    await transact(deps, actor.team, row_id, work)


def _message(
    actor: Actor, where: Where, result: AskResult, key: str, lang: str, question: int | None
) -> Outgoing:
    args = {"view": dict(result.view), "place": key, "question": question}
    if where.response_url and not where.thread_ts:
        return where.private(actor, "faq", args)
    return where.here(actor, "faq", args, lang=where.lang or lang)
