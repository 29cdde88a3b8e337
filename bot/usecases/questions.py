"""Answers questions: what is known of the cutover and of DNS goes in as evidence, then the tree is walked."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
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


TALK_LASTS = timedelta(hours=12)  # after that "yes" and "1" answer nothing any more
THREAD_TALK_LASTS = timedelta(minutes=30)  # in a cutover's thread people say "yes" to each other too
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
    place = None if pasted else await _standing(deps, actor, where)
    context = await evidence(deps, actor, cutover, domain)
    result = deps.asker.ask(text, context, place)
    if result.in_words and domain is None and cutover is None and place and place.get("domain"):
        domain = str(place["domain"])  # the conversation's own
        context = await evidence(deps, actor, None, domain)
        result = deps.asker.ask(text, context, place)
    if unasked and not result.sure and result.decision != CLARIFY:  # a bare 「届かない」 gets its question
        await say(deps, actor.team, row_id)
        return
    # Headers and most bounces are in English, whoever pastes them.
    lang = where.lang or actor.lang if pasted else guess_lang(text)
    if result.in_words and place:
        lang = str(place.get("lang") or lang)  # "1" and "OK" are of no language
        await _speak(deps, actor, where, row_id, result, cutover, domain, lang=lang, about=place)
        return
    asked = None
    if not pasted and len(text) <= LONGEST_KEPT:  # of a pasted mail nothing is kept
        asked = Question(text, lang, result.decision, result.entry, deps.clock.now())
    await _speak(deps, actor, where, row_id, result, cutover, domain, lang=lang, asked=asked)


async def answers_the_tree(deps: Deps, actor: Actor, where: Where, text: str) -> bool:
    """Whether words plainly belong to this person's open conversation: no step, no verb, no new question."""
    place = await _standing(deps, actor, where)
    if place is None or is_mail(text):
        return False
    now = deps.clock.now()
    if now - datetime.fromisoformat(str(place["at"])) > THREAD_TALK_LASTS:
        return False
    said = deps.asker.in_words(place, text, EvidenceContext(now=now), numbers=False)
    # "That's wrong" after an answer may be said to a colleague.
    return said is not None and (deps.asker.is_open(place) or not said.unfit)


async def _standing(deps: Deps, actor: Actor, where: Where) -> Mapping[str, Any] | None:
    """Where this person's conversation stands, while it is fresh."""
    key = place_key(where, actor)
    place = await deps.store.transact(lambda tx: tx.places.get(actor.team, key))
    if place is None or not place.get("at"):
        return None
    return place if deps.clock.now() - datetime.fromisoformat(str(place["at"])) < TALK_LASTS else None


async def go_on(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    value: str,
    told: Mapping[str, Any] | None = None,
) -> None:
    """A click on one of a question's options. `told`: what it was asked with (Asker.answer)."""
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
    if told and told.get("domain"):
        domain = str(told["domain"])
    context = await evidence(deps, actor, cutover, domain)
    result = deps.asker.answer(place, value, context, told)
    offered = place is not None and not place.get("entry")  # to choose from what was offered is no fault
    if value == "entry=none" or (value.startswith("entry=") and not offered):
        result = replace(result, unfit=True)
    lang = str(place["lang"]) if place and place.get("lang") else actor.lang
    await _speak(deps, actor, where, row_id, result, cutover, domain, lang=lang, about=place)


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
    about: Mapping[str, Any] | None = None,
) -> None:
    """Say it and keep where the conversation stands. `about`: where it stood, if this goes on from there."""
    key = place_key(where, actor)
    now = deps.clock.now()

    def work(tx: Tx) -> None:
        number = int(about["question"]) if about and about.get("question") else None
        if asked is not None:
            number = tx.questions.add(actor.team, asked)
        elif number is not None and result.unfit:
            tx.questions.rate(actor.team, number, False)
        message = _message(actor, where, result, key, lang, number)
        if result.place is not None:
            keep = {
                **result.place,
                "cutover": cutover.id if cutover else None,
                "domain": domain,
                "lang": lang,
                "question": number,
                "at": now.isoformat(),
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
