"""What is said to one person or outside a cutover's thread: refusals, lists, help, check results."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.content.history_text import history_text
from bot.content.refusals import refusal
from bot.domain.cutover import Event, State
from bot.domain.facts_json import facts_from_json
from bot.domain.progress import asked
from bot.slack import elements as el
from bot.slack.asked import reason_field, reschedule_pick
from bot.slack.desk import verb_button
from bot.slack.material import Material
from bot.slack.names import named, shown_name
from bot.slack.rendered import Block, Rendered
from bot.slack.thread import finding_lines, only, plan_lines, plan_notes, server_lines
from bot.slack.voice import Voice, instant

Args = Mapping[str, Any]


def bad_name(voice: Voice, args: Args) -> Rendered:
    """Why a domain was refused, and a button with the one that was probably meant."""
    text = refusal("name", args["reason"], args["args"], voice.lang, el.escape)
    buttons: list[Block] = []
    meant = str(args["args"].get("suggestion") or "")
    if args.get("verb") == "start":
        if meant:
            label = voice.raw("button.start_domain", domain=el.cut(meant, 50))
            buttons.append(el.button(label, "open_form", {"d": meant}, style="primary"))
        else:
            buttons.append(el.button(voice("button.open_form"), "open_form", {"d": ""}))
    return only(text, *el.actions(buttons))


def bad_day(voice: Voice, args: Args) -> Rendered:
    return only(voice(f"plan.problem.{args['trouble']}", **args.get("args", {})))


def already_open(voice: Voice, material: Material, args: Args) -> Rendered:
    """The domain's open cutover, instead of a second one."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    text = voice(
        "refuse.already_open",
        domain=shown_name(cutover.domain),
        state=voice(f"state.{cutover.state.value}"),
        day=cutover.day,
        owner=cutover.owner,
    )
    return only(text, *el.actions([el.button(voice("button.status"), "status", {"c": cutover.id})]))


def not_allowed(voice: Voice, args: Args) -> Rendered:
    who = named(args.get("who", ()))
    text = voice.raw("refuse.not_allowed", who=who) if who else voice("refuse.outsider")
    return only(text + ("\n" + voice("refuse.group_unknown") if args.get("unsure") else ""))


def not_now(voice: Voice, args: Args) -> Rendered:
    """What was asked for has no meaning as things stand."""
    if (args["state"], args.get("event")) == (State.PREPARING.value, Event.ROLL_BACK.value):
        return only(voice("refuse.nothing_to_roll_back"))
    return only(voice("refuse.not_now", state=voice(f"state.{args['state']}")))


def slow_down(voice: Voice, args: Args) -> Rendered:
    return only(voice("refuse.slow_down", seconds=str(args["seconds"])))


def error(voice: Voice, args: Args) -> Rendered:
    return only(voice("refuse.error", error_id=args["error_id"]))


def form_stale(voice: Voice, args: Args) -> Rendered:
    """A form that was taken no longer holds; nothing was begun."""
    new = el.button(voice("button.new"), "open_form", {"d": ""}, style="primary")
    return only(voice("refuse.form_stale"), *el.actions([new]))


def form_expired(voice: Voice, args: Args) -> Rendered:
    data = {"d": str(args.get("domain") or "")}
    button = el.button(voice("button.open_form"), "open_form", data, style="primary")
    return only(voice("refuse.form_expired"), *el.actions([button]))


def unknown_command(voice: Voice, args: Args) -> Rendered:
    """The word that is no verb, with the nearest that is as a button; where none is near, the list of all."""
    parts = [voice("command.unknown", word=el.cut(str(args.get("word")), 60))]
    buttons: list[Block] = []
    if args.get("nearest"):
        nearest = str(args["nearest"])
        parts.append(voice("command.nearest", verb=nearest))
        data = {"v": nearest, "r": str(args.get("rest") or "")[:300]}
        label = el.cut(f"/mxcutover {nearest} {args.get('rest') or ''}".strip(), 75)
        buttons.append(el.button(label, "do.nearest", data, style="primary"))
        buttons.append(verb_button(voice, "help"))
    else:
        parts += ["", voice("help.text")]
    return only("\n".join(parts), *el.actions(buttons))


def needs_domain(voice: Voice, args: Args) -> Rendered:
    return only(voice("command.needs_domain", verb=args["verb"]))


def help_text(voice: Voice, args: Args) -> Rendered:
    button = el.button(voice("button.new"), "open_form", {"d": ""}, style="primary")
    listing = el.button(voice("button.list"), "list", {})
    return only(voice("help.text"), *el.actions([button, listing]))


def none_for(voice: Voice, material: Material, args: Args) -> Rendered:
    """There is no open cutover of that domain; the one whose name is nearly the same."""
    domain = args.get("domain")
    if not domain:
        return only(voice("status.none"))
    button = el.button(
        voice.raw("button.start_domain", domain=el.cut(shown_name(domain), 50)), "open_form", {"d": domain}
    )
    text, buttons = voice("status.none_for", domain=shown_name(domain), name=domain), [button]
    near = material.cutover
    if near is not None:
        text += "\n" + voice("status.nearest", domain=shown_name(near.domain))
        buttons.insert(0, el.button(voice("button.status"), "status", {"c": near.id}, style="primary"))
    return only(text, *el.actions(buttons))


def plan(voice: Voice, material: Material, args: Args) -> Rendered:
    """The reminders to come."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    lines = plan_lines(voice, material.pending) or [voice("plan.empty")]
    return only("\n".join([voice("plan.title", domain=shown_name(cutover.domain)), *lines]))


def history(voice: Voice, material: Material, args: Args) -> Rendered:
    """What happened, when and by whom; the newest last."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    lines = [voice("history.title", domain=shown_name(cutover.domain))]
    for row in args.get("rows", ()):
        who = f"　<@{row['actor']}>" if row.get("actor") else ""
        at = voice.at(instant(row["at"]) or material.now)
        lines.append(
            f"• {at}　{history_text(row['kind'], row.get('data') or {}, voice.lang, el.escape)}{who}"
        )
    return only("\n".join(lines))


def check(voice: Voice, material: Material, args: Args) -> Rendered:
    """What DNS gave, then what is to be mended, the gravest first."""
    facts = facts_from_json(args["facts"])
    parts = [voice("check.title", domain=shown_name(facts.domain), at=facts.at)]
    servers = [
        {"server": str(answer.server), "outcome": answer.outcome.value}
        if not answer.usable
        else {"server": str(answer.server), "mx": [f"{r.mx} (TTL {r.ttl})" for r in answer.records]}
        for answer in asked(facts)
    ]
    if servers:
        parts.append(voice("check.mx_now") + "\n" + server_lines(voice, servers))
    else:
        parts.append(voice("answer.unknown_nobody"))
    bad = [finding for finding in args["findings"] if finding["status"] != "ok"]
    well = len(args["findings"]) - len(bad)
    parts += finding_lines(voice, bad)
    if not bad and servers:
        parts.append(voice("check.all_well"))
    elif well:
        parts.append(voice("check.ok_count", count=well))
    return only("\n\n".join(parts))


def channel_closed(voice: Voice, material: Material, args: Args) -> Rendered:
    """The bot may not post in the channel: how to let it in, and a button to try again."""
    code = "not_in_channel" if args["code"] in ("not_in_channel", "channel_not_found") else str(args["code"])
    key = f"channel_closed.{code}" if voice.has(f"channel_closed.{code}") else "channel_closed.other"
    text = voice(key, channel=args["channel"], code=code)
    buttons: list[Block] = []
    if args.get("root") and material.cutover is not None:
        buttons.append(el.button(voice("button.retry_root"), "retry_root", {"c": material.cutover.id}))
    return only(text, *el.actions(buttons))


def ask_before(voice: Voice, material: Material, verb: str) -> Rendered:
    """One question before something that cannot be undone."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    text = voice(f"{verb}.ask", domain=shown_name(cutover.domain))
    button = el.button(voice(f"button.{verb}"), verb, {"c": cutover.id}, style="danger")
    return only(text, *el.actions([button]))


def ask_reschedule(voice: Voice, material: Material, args: Args) -> Rendered:
    """What was understood, before the day is moved."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    days = [instant(day) or material.now for day in args["days"]]
    reason = str(args.get("reason") or "")
    if not days:
        text = voice.needs(args)
        if args.get("frozen"):
            first, last = (date.fromisoformat(day) for day in args["frozen"])
            text = voice("reschedule.frozen", first=first, last=last)
        how = voice("reschedule.how", domain=shown_name(cutover.domain), before=cutover.day)
        return only(f"{text}\n{how}", reason_field(voice, reason), *reschedule_pick(voice, cutover))
    if len(days) > 1:
        text = voice.needs({**args, "readings": days})
    else:
        shown = voice.at_assumed(days[0], args.get("assumed") or ())
        text = voice.raw(
            "reschedule.ask", domain=el.escape(shown_name(cutover.domain)), day=shown, before=cutover.day
        )
    if args.get("changed"):
        text = voice("reschedule.changed") + "\n" + text
    if reason:
        text += "\n" + voice("reschedule.reason", reason=reason)
    buttons = [
        el.button(
            voice.raw("button.confirm_reschedule", day=day),
            f"reschedule.{number}",
            {
                "c": cutover.id,
                "at": day.isoformat(),
                "n": str(cutover.plan_version),
                **({"r": reason} if reason else {}),
            },
            style="primary" if number == 0 else None,
        )
        for number, day in enumerate(days)
    ]
    return only(text, reason_field(voice, reason), *el.actions(buttons))


def moved(voice: Voice, kind: str, args: Args) -> Rendered:
    """A cutover was cancelled, moved, assigned, or is being rolled back."""
    if kind == "cancelled":
        text = voice("cancelled.text", user=args["user"])
        if args.get("ttl"):
            text += "\n" + voice("cancel.ttl_left", ttl=args["ttl"])
        return only(text)
    if kind == "same_day":
        return only(voice("reschedule.same", day=instant(args["day"])))
    if kind == "rescheduled":
        moved_to, before = instant(args["day"]), instant(args["before"])
        text = voice("rescheduled.text", user=args["user"], day=moved_to, before=before)
        if args.get("reason"):
            text += "\n" + voice("reschedule.reason", reason=args["reason"])
        return only(text, *plan_notes(voice, args))
    if kind in ("assigned", "assigned_before"):
        return only(voice.raw(f"{kind}.text", users=[f"<@{user}>" for user in args["users"]]))
    old = "\n".join(args.get("old") or ())
    new = "\n".join(args.get("new") or ())
    old_text = el.escape(old) if old else voice("rollback.no_snapshot")
    text = voice.raw("rollback.text", old=old_text, new=el.escape(new))
    if args.get("ttl"):
        text += "\n" + voice("rollback.ttl_left", ttl=args["ttl"])
    return only(text + ("\n" + voice("rollback.lock_down") if args.get("lock_down") else ""))
