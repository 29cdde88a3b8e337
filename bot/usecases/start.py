"""Opens a cutover: the form, what DNS says for it, and the submission."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

from bot.domain.authority import Act, Actor, authorise
from bot.domain.cutover import Cutover, MailService, Plan, Product
from bot.domain.eligibility import needed, product_of
from bot.domain.mx import MxSet
from bot.domain.names import BadName, Name, canonical
from bot.domain.notice import BadNotice, parse_mx
from bot.domain.plan import FARTHEST
from bot.ports import AlreadyOpen, Delivery, HistoryEntry, Outgoing, Tx
from bot.usecases import promise
from bot.usecases.context import Deps, Where, say, transact
from bot.usecases.observe import observe, snapshot_of
from bot.usecases.planning import first_steps, plan_for, plan_notes, replan

E = TypeVar("E", Plan, MailService)
TOKYO = ZoneInfo("Asia/Tokyo")
SUGGESTED_AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was handed to somebody. Its id travels in the view; what it stands for stays here."""

    id: str
    user: str
    channel: str
    domain: Name | None
    suggested: date
    promised: Outgoing  # what its reader is told where it cannot be opened


def form_key(form_id: str) -> str:
    return f"form:{form_id}"


async def begin(deps: Deps, actor: Actor, where: Where, row_id: int | None, text: str) -> Form | None:
    """What `/mxcutover start TEXT` leads to: a form to show, or None where the answer was a message."""
    authorise(actor, Act.OPEN, None, deps.operators)
    name: Name | None = None
    if text.strip():
        try:
            name = canonical(text, deps.rules)
        except BadName as bad:
            args = {"reason": bad.reason.value, "args": dict(bad.args_for_text), "verb": "start"}
            await say(deps, actor.team, row_id, where.private(actor, "bad_name", args))
            return None
    now = deps.clock.now()
    promised = promise.instead(
        deps, actor, where, "form_expired", {"domain": name.ascii if name is not None else ""}
    )
    form = Form(uuid4().hex, actor.user, where.channel, name, _suggested(deps, now), promised)

    def work(tx: Tx) -> Form | None:
        if name is not None:
            there = tx.cutovers.open_for(actor.team, name.ascii)
            if there is not None:
                tx.outbox.put(actor.team, where.private(actor, "already_open", cutover_id=there.id))
                return None
        keep = {"user": actor.user, "channel": where.channel, "domain": name.ascii if name else None}
        tx.places.put(actor.team, form_key(form.id), keep, now)
        tx.outbox.put(actor.team, promised)
        return form

    return await transact(deps, actor.team, row_id, work)


def _suggested(deps: Deps, now: datetime) -> date:
    """The first Saturday at least two weeks ahead: time for the TTL, and a time of low impact (W1)."""
    day = (now + SUGGESTED_AHEAD).astimezone(TOKYO).date()
    return day + timedelta(days=(5 - day.weekday()) % 7)


@dataclass(frozen=True, slots=True)
class Filled:
    """The form's fields as they were typed and chosen."""

    plan: str | None
    service: str | None
    mx: str | None
    day: str | None  # YYYY-MM-DD
    time: str | None  # HH:MM, Asia/Tokyo
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A submission that is fit to become a cutover."""

    name: Name
    product: Product
    plan: Plan
    service: MailService
    expected: MxSet
    day: datetime


@dataclass(frozen=True, slots=True)
class Errors:
    """What is wrong, by field: a message key and its arguments."""

    fields: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """The plan needs no cutover (procedure P1-P4); none is opened."""

    product: Product
    plan: Plan
    key: str


def validate(deps: Deps, filled: Filled, domain: str | None) -> Request | Errors | NotNeeded:
    """Judge the form without asking anybody: it is done while Slack waits for the answer."""
    errors: dict[str, tuple[str, Mapping[str, Any]]] = {}
    name: Name | None = None
    try:
        name = canonical(domain or filled.domain or "", deps.rules)
    except BadName as bad:
        errors["domain"] = ("bad_name", {"reason": bad.reason.value, "args": dict(bad.args_for_text)})
    plan = _member(Plan, filled.plan)
    if plan is None:
        errors["plan"] = ("form.error.required", {})
    else:
        verdict = needed(product_of(plan), plan)
        if not verdict.needed:
            return NotNeeded(product_of(plan), plan, verdict.key)
    service = _member(MailService, filled.service)
    if service is None:
        errors["service"] = ("form.error.required", {})
    expected: MxSet = frozenset()
    try:
        expected = parse_mx(filled.mx or "", deps.rules, name.ascii if name else None)
    except BadNotice as bad:
        errors["mx"] = ("bad_notice", {"reason": bad.reason.value, "args": dict(bad.args_for_text)})
    now = deps.clock.now()
    day = _instant(filled.day, filled.time)
    if day is None:
        errors["date"] = ("form.error.required", {})
    elif day <= now:
        errors["date"] = ("form.error.past", {"now": now})
    elif day > now + FARTHEST:
        errors["date"] = ("form.error.far", {})
    elif frozen := deps.policy.frozen(day):
        errors["date"] = ("form.error.frozen", {"first": frozen.first, "last": frozen.last})
    if errors or name is None or plan is None or service is None or day is None:
        return Errors(errors)
    return Request(name, product_of(plan), plan, service, expected, day)


def _member(kind: type[E], value: str | None) -> E | None:
    try:
        return kind(value) if value is not None else None
    except ValueError:
        return None


def _instant(day: str | None, at: str | None) -> datetime | None:
    try:
        if day is None or at is None:
            return None
        return datetime.combine(date.fromisoformat(day), time.fromisoformat(at), TOKYO)
    except ValueError:
        return None


async def open_cutover(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, request: Request, *, tz: str
) -> None:
    """Look at the domain, then open its cutover: snapshot, steps, reminders, root message, together."""
    authorise(actor, Act.OPEN, None, deps.operators)
    hosts = tuple(sorted(mx.exchange for mx in request.expected))
    facts = await deps.dns.look(request.name.ascii, expected=hosts)
    now = deps.clock.now()
    cutover = Cutover(
        id=uuid4().hex,
        team=actor.team,
        domain=request.name.ascii,
        product=request.product,
        plan=request.plan,
        mail_service=request.service,
        expected=request.expected,
        day=request.day,
        owner=actor.user,
        channel=where.channel,
        opened_at=now,
        lang=where.lang or actor.lang,
        tz=tz,
        steps=first_steps(deps, request.day, facts, now),
        snapshot=snapshot_of(deps, facts),
    )

    def work(tx: Tx) -> None:
        try:
            tx.cutovers.add(cutover)
        except AlreadyOpen:
            there = tx.cutovers.open_for(actor.team, cutover.domain)
            tx.outbox.put(
                actor.team, where.private(actor, "already_open", cutover_id=there.id if there else None)
            )
            return
        plan = plan_for(deps, cutover, now)
        replan(tx, cutover, plan)
        opened = {"domain": cutover.domain, "day": cutover.day.isoformat()}
        tx.history.append(actor.team, cutover.id, HistoryEntry(now, "opened", actor.user, opened))
        tx.outbox.put(actor.team, Outgoing(Delivery.POST, "root", lang=cutover.lang, cutover_id=cutover.id))
        tx.outbox.put(
            actor.team,
            Outgoing(
                Delivery.POST,
                "opened",
                {"notes": plan_notes(plan)},
                lang=cutover.lang,
                cutover_id=cutover.id,
            ),
        )
        tx.outbox.put(
            actor.team, Outgoing(Delivery.POST, "prepare", lang=cutover.lang, cutover_id=cutover.id)
        )
        stored = tx.cutovers.get(actor.team, cutover.id)
        if stored is not None:
            observe(tx, deps, stored, facts)

    await transact(deps, actor.team, row_id, work)
