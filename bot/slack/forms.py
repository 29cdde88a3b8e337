"""The form that opens a cutover. Its private_metadata is an id only; what it stands for is in the store."""

from collections.abc import Mapping
from typing import Any

from bot.content.hosts import host_name
from bot.content.refusals import refusal
from bot.domain.cutover import MailService
from bot.domain.eligibility import PLANS_OF
from bot.domain.facts import DomainFacts, Outcome
from bot.domain.names import Name
from bot.slack import elements as el
from bot.slack.checklist import mx_lines
from bot.slack.rendered import Block
from bot.slack.voice import Voice
from bot.usecases.start import Errors, Filled, Form, NotNeeded

CALLBACK = "start"
FIELDS = ("domain", "plan", "service", "mx", "date", "time")


def start_form(voice: Voice, form: Form, facts: DomainFacts | None = None, host: str | None = None) -> Block:
    """The view; without `facts` it says that DNS is being looked at."""
    blocks: list[Block] = []
    if form.domain is None:
        blocks.append(
            _input(voice, "domain", {"type": "plain_text_input", "max_length": 300}, "form.domain.hint")
        )
    elif facts is None:
        blocks.append({**el.section(voice("form.looking", domain=str(form.domain))), "block_id": "dns"})
    else:
        blocks.append({**el.section(_seen(voice, form.domain, facts, host)), "block_id": "dns"})
    blocks += [
        _input(voice, "plan", _plans(voice)),
        _input(voice, "service", _services(voice)),
        _input(
            voice,
            "mx",
            {
                "type": "plain_text_input",
                "multiline": True,
                "max_length": 2000,
                "placeholder": el.plain(voice("form.mx.placeholder"), 150),
            },
            "form.mx.hint",
        ),
        _input(
            voice,
            "date",
            {"type": "datepicker", "initial_date": form.suggested.isoformat()},
            "form.date.hint",
        ),
        _input(voice, "time", {"type": "timepicker", "initial_time": "22:00"}),
    ]
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": form.id,
        "title": el.plain(voice("form.title"), 24),
        "submit": el.plain(voice("form.submit"), 24),
        "close": el.plain(voice("form.close"), 24),
        "blocks": blocks,
    }


def _input(voice: Voice, name: str, element: Block, hint: str | None = None) -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "label": el.plain(voice(f"form.{name}"), 2000),
        "element": {**element, "action_id": name},
    }
    if hint:
        block["hint"] = el.plain(voice(hint), 2000)
    return block


def _plans(voice: Voice) -> Block:
    groups = []
    for product, plans in PLANS_OF.items():
        options = [el.option(voice(f"plan_name.{plan.value}"), plan.value) for plan in plans]
        groups.append({"label": el.plain(voice(f"product.{product.value}")), "options": options})
    return {
        "type": "static_select",
        "placeholder": el.plain(voice("form.plan.pick"), 150),
        "option_groups": groups,
    }


def _services(voice: Voice) -> Block:
    options = [el.option(voice(f"service.{service.value}"), service.value) for service in MailService]
    return {
        "type": "static_select",
        "placeholder": el.plain(voice("form.plan.pick"), 150),
        "options": options,
    }


def _seen(voice: Voice, name: Name, facts: DomainFacts, host: str | None) -> str:
    lines = [f"*{el.escape(str(name))}*"]
    usable = [answer for answer in facts.authoritative if answer.usable]
    if facts.delegation is Outcome.NXDOMAIN:
        lines.append(voice("form.dns.nxdomain"))
    elif not usable:
        lines.append(voice("form.dns.unknown"))
    else:
        shown = sorted({str(mx) for answer in usable for mx in answer.mx})
        lines.append(voice.raw("form.dns.mx", mx=mx_lines(shown)) if shown else voice("form.dns.no_mx"))
        if facts.ttl_in_force is not None:
            lines.append(voice("form.dns.ttl", ttl=facts.ttl_in_force))
    if host:
        lines.append(voice("form.dns.host", host=host_name(host, voice.lang)))
    return "\n".join(lines)


def filled(view: Mapping[str, Any]) -> Filled:
    """What a submission's state holds; what is not there is None."""
    values = (view.get("state") or {}).get("values") or {}

    def of(name: str) -> Mapping[str, Any]:
        found = (values.get(name) or {}).get(name) or {}
        return found if isinstance(found, Mapping) else {}

    def chosen(name: str) -> str | None:
        option = of(name).get("selected_option")
        return str(option["value"]) if option else None

    return Filled(
        plan=chosen("plan"),
        service=chosen("service"),
        mx=of("mx").get("value"),
        day=of("date").get("selected_date"),
        time=of("time").get("selected_time"),
        domain=of("domain").get("value"),
    )


def error_response(voice: Voice, errors: Errors, *, has_domain_field: bool) -> dict[str, Any]:
    """The acknowledgement that marks what is to be mended, in the form itself."""
    shown: dict[str, str] = {}
    for name, (key, args) in errors.fields.items():
        target = name if name != "domain" or has_domain_field else "mx"
        shown[target] = _error_text(voice, key, args)
    return {"response_action": "errors", "errors": shown}


def _error_text(voice: Voice, key: str, args: Mapping[str, Any]) -> str:
    if key in ("bad_name", "bad_notice"):
        family = "name" if key == "bad_name" else "notice"
        return refusal(family, args["reason"], args["args"], voice.lang)
    return voice.raw(key, **args)


def not_needed_view(voice: Voice, verdict: NotNeeded) -> dict[str, Any]:
    """The acknowledgement that says that no cutover is needed, and why."""
    plan = f"{voice(f'product.{verdict.product.value}')} {voice(f'plan_name.{verdict.plan.value}')}"
    reason = voice(verdict.key, plan=voice(f"plan_name.{verdict.plan.value}"))
    return {
        "response_action": "update",
        "view": {
            "type": "modal",
            "callback_id": "not_needed",
            "title": el.plain(voice("form.not_needed.title"), 24),
            "close": el.plain(voice("form.close"), 24),
            "blocks": [el.section(voice.raw("form.not_needed.text", plan=plan, reason=reason))],
        },
    }
