"""`mxcutover plan`: the reminders that a cutover would get, without network and without a database."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from bot.content import LANGUAGES, TOKYO, say, whole_minute
from bot.content.plan_text import note_line, reminder_line
from bot.content.refusals import refusal
from bot.content.stamp import stamp
from bot.dns.idn import TableRules
from bot.domain.calendar import AlwaysClosed, BadClosedDay
from bot.domain.cutover import MailService, Plan, Product
from bot.domain.eligibility import PLANS_OF, product_of
from bot.domain.names import BadName, Name, canonical
from bot.domain.plan import CutoverPlan, PlanProblem, PlanRequest, make_plan
from bot.holidays import japanese_calendar

OK, BAD_USAGE = 0, 2
YEARS = range(2000, 2200)

E = TypeVar("E", bound=StrEnum)


class BadUsage(Exception):
    """What was typed allows no plan. `key`: the message that says what would, with its arguments."""

    def __init__(self, key: str, **args: Any) -> None:
        super().__init__(key)
        self.key = f"planpage.usage.{key}"
        self.args_for_text = args


@dataclass(frozen=True, slots=True)
class PlanCommand:
    """What was typed."""

    domain: str
    at: str
    ttl: int | None = None
    product: str | None = None
    plan: str | None = None
    mail_service: str = MailService.OTHER.value
    can_lower_ttl: bool = True
    now: str | None = None
    as_json: bool = False
    as_ics: bool = False
    lang: str = "ja"


def run(command: PlanCommand, closed_days: Iterable[str] = ()) -> int:
    """Print the plan; the exit code: 0, or 2 for bad usage, which is explained on standard error."""
    lang = command.lang if command.lang in LANGUAGES else "ja"
    try:
        if command.lang not in LANGUAGES:
            raise BadUsage("choice", option="--lang", given=command.lang, choices=LANGUAGES)
        name, request = _request(command)
        plan = make_plan(request, japanese_calendar(closed_days))
    except BadName as bad:
        return _refuse(refusal("name", bad.reason, bad.args_for_text, lang))
    except PlanProblem as problem:
        return _refuse(say(f"plan.problem.{problem.trouble}", lang, **problem.args_for_text))
    except BadUsage as bad:
        return _refuse(say(bad.key, lang, **bad.args_for_text))
    except (BadClosedDay, AlwaysClosed) as bad:
        return _refuse(f"MXCUTOVER_CLOSED_DAYS: {bad}")
    if command.as_json:
        print(json.dumps(_as_json(name, request, plan), ensure_ascii=False, indent=2))
    elif command.as_ics:
        sys.stdout.write(_as_ics(name, request, plan, lang))
    else:
        print("\n".join(_as_text(name, request, plan, lang)))
    return OK


def _refuse(text: str) -> int:
    print(text, file=sys.stderr)
    return BAD_USAGE


def _request(command: PlanCommand) -> tuple[Name, PlanRequest]:
    product, plan = _contract(command.product, command.plan)
    request = PlanRequest(
        at=_instant("--at", command.at),
        now=_instant("--now", command.now) if command.now else datetime.now(UTC),
        ttl=command.ttl,
        mail_service=_mail_service(command.mail_service),
        product=product,
        plan=plan,
        can_lower_ttl=command.can_lower_ttl,
    )
    return canonical(command.domain, TableRules()), request


def _instant(option: str, text: str) -> datetime:
    """An instant from ISO 8601; without an offset it is Asia/Tokyo. Raises BadUsage."""
    typed = text.strip()
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        at = None
    # A date alone would silently mean midnight.
    if at is None or len(typed) <= len("2026-12-05") or at.year not in YEARS:
        raise BadUsage("instant", option=option, given=text)
    return at if at.tzinfo else at.replace(tzinfo=TOKYO)


def _mail_service(text: str) -> MailService:
    try:
        return MailService(text.strip().lower())
    except ValueError:
        choices = [service.value for service in MailService]
        raise BadUsage("choice", option="--mail-service", given=text, choices=choices) from None


def _contract(product: str | None, plan: str | None) -> tuple[Product | None, Plan | None]:
    """Product and plan by value or by the vendor's name; the one that follows from the other is filled in."""
    found_product = _member("--product", product, Product, "product") if product else None
    found_plan = _member("--plan", plan, Plan, "plan_name") if plan else None
    if found_product is None:
        return (product_of(found_plan), found_plan) if found_plan else (None, None)
    plans = PLANS_OF[found_product]
    choices = [one.value for one in plans]
    if found_plan is None and len(plans) > 1:
        raise BadUsage("which_plan", product=found_product.value, choices=choices)
    if found_plan is not None and found_plan not in plans:
        raise BadUsage("no_such_plan", product=found_product.value, plan=found_plan.value, choices=choices)
    return found_product, found_plan or plans[0]


def _member(option: str, text: str, kind: type[E], family: str) -> E:
    wanted = _folded(text)
    for member in kind:
        names = {member.value, *(say(f"{family}.{member.value}", lang) for lang in LANGUAGES)}
        if wanted in map(_folded, names):
            return member
    raise BadUsage("choice", option=option, given=text, choices=[member.value for member in kind])


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _as_json(name: Name, request: PlanRequest, plan: CutoverPlan) -> Mapping[str, Any]:
    """The contract of `plan --json`; instants are ISO 8601 with their offset."""
    return {
        "domain": name.ascii,
        "domain_unicode": name.unicode,
        "at": request.at.isoformat(),
        "needed": plan.verdict.needed if plan.verdict else None,
        "rule": plan.verdict.rule.value if plan.verdict else None,
        "reason": {lang: _reason(request, plan, lang) for lang in LANGUAGES} if plan.verdict else None,
        "ttl": request.ttl,
        "support_hours": plan.support_gap is None,
        "safe_from": plan.safe_from.isoformat() if plan.safe_from else None,
        "earliest_safe_flip": plan.earliest_safe_flip.isoformat() if plan.earliest_safe_flip else None,
        "reminders": [
            {
                "kind": reminder.kind.value,
                "due_at": reminder.due_at.isoformat(),
                "due_local": reminder.due_at.astimezone(TOKYO).isoformat(),
                "late": reminder.late.value,
                "args": dict(reminder.args),
                "text": {lang: reminder_line(reminder.kind, reminder.args, lang) for lang in LANGUAGES},
            }
            for reminder in plan.reminders
        ],
        "notes": [
            {
                "code": note.code,
                "args": {key: _plain(value) for key, value in note.args.items()},
                "text": {lang: note_line(note.code, note.args, lang) for lang in LANGUAGES},
            }
            for note in plan.notes
        ],
    }


def _as_ics(name: Name, request: PlanRequest, plan: CutoverPlan, lang: str) -> str:
    """The plan for a calendar; a plan that needs no cutover has no entry, and no file either."""
    if plan.verdict and not plan.verdict.needed:
        return ""
    from bot.ics import calendar_file

    return calendar_file(
        uid=name.ascii,
        domain=name.unicode,
        at=request.at,
        reminders=plan.reminders,
        stamp=request.now,
        lang=lang,
    ).decode()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _reason(request: PlanRequest, plan: CutoverPlan, lang: str) -> str:
    """Why the cutover is or is not needed; "" while that was not judged."""
    if not (plan.verdict and request.plan):
        return ""
    return say(plan.verdict.key, lang, plan=say(f"plan_name.{request.plan.value}", lang))


def _as_text(name: Name, request: PlanRequest, plan: CutoverPlan, lang: str) -> Iterable[str]:
    """The page for a person at a terminal."""
    yield say("planpage.title", lang, domain=str(name))
    yield ""
    ttl = (
        say("planpage.unknown", lang)
        if request.ttl is None
        else say("planpage.seconds", lang, ttl=request.ttl)
    )
    facts = [
        (say("planpage.change_at", lang), stamp(request.at, lang)),
        (say("planpage.ttl_now", lang), ttl),
    ]
    if plan.verdict:
        facts.append((say("planpage.contract", lang), _reason(request, plan, lang)))
    if plan.safe_from:
        safe = say("planpage.safe_from_value", lang, at=stamp(whole_minute(plan.safe_from), lang))
        facts.append((say("planpage.safe_from", lang), safe))
    width = max(_width(label) for label, _ in facts)
    for label, value in facts:
        yield f"  {label}{' ' * (width - _width(label))}  {value}"
    yield ""
    if not plan.reminders:
        yield say("planpage.nothing_due", lang)
    else:
        yield say("planpage.reminders", lang)
    for reminder in plan.reminders:
        yield f"  {stamp(reminder.due_at, lang)}  {reminder_line(reminder.kind, reminder.args, lang)}"
    if plan.notes:
        yield ""
        yield say("planpage.notes", lang)
    for note in plan.notes:
        yield f"  - {note_line(note.code, note.args, lang)}"


def _width(text: str) -> int:
    """Columns on a terminal: East Asian wide and full-width characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
