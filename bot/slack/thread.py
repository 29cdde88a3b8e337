"""What is said in a cutover's thread: its opening, reminders, answers, and what is told unasked."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.content import show_span
from bot.content.hosts import can_lower_ttl, dot_note, host_name, ttl_note
from bot.domain.cutover import PREPARATION, THE_DAY, Cutover, Step, StepStatus
from bot.domain.desk import PREPARE, Item, ticks
from bot.domain.mx import zone_line
from bot.domain.plan import LOW_TTL, ReminderKind
from bot.domain.progress import exposed_by, ttl_of_lines, ttl_of_new_lines
from bot.ports import ReminderRow
from bot.slack import elements as el
from bot.slack.material import Material
from bot.slack.names import shown_name
from bot.slack.rendered import Block, Rendered
from bot.slack.voice import Voice, instant

Args = Mapping[str, Any]
Builder = Callable[[Voice, Material, Cutover, Args], Rendered]

# Pressed for as soon as step 1 is seen; step 2 is the way to both.
EXPOSED = (Step.ALLOW_RULE, Step.DELIVERY)
OPTIONAL = (Step.SUPPORT, Step.ZIP, Step.DELIVERY)


def only(text: str, *blocks: Block) -> Rendered:
    """A message of one text and what stands under it."""
    return Rendered(el.cut(text, 3000), (*el.sections(text), *blocks))


def opened(voice: Voice, material: Material, cutover: Cutover, args: Args) -> Rendered:
    """The first message of the thread: what is known, and what will come when."""
    parts = [voice("opened.text", domain=shown_name(cutover.domain), day=cutover.day)]
    snapshot = cutover.snapshot
    if snapshot is None or snapshot.ttl is None:
        parts.append(voice("opened.ttl_unknown"))
    elif snapshot.ttl > LOW_TTL:
        parts.append(voice("opened.ttl", ttl=snapshot.ttl))
    else:
        parts.append(voice("opened.no_ttl", ttl=snapshot.ttl))
    if snapshot and snapshot.dns_host:
        parts.append(voice("opened.host", host=host_name(snapshot.dns_host, voice.lang)))
    if snapshot and snapshot.mx == cutover.expected:
        parts.append(voice("opened.already_new"))
    else:
        parts.append(voice("opened.allow_rule"))
    lines = plan_lines(voice, material.pending)
    plan = "\n".join([voice("opened.plan"), *lines]) if lines else ""
    text = "\n".join(parts)
    blocks = el.sections(text)
    if plan:
        blocks += el.sections(plan)
    return Rendered(el.cut(f"{text}\n{plan}", 3000), (*blocks, *plan_notes(voice, args)))


def plan_notes(voice: Voice, args: Args) -> list[Block]:
    """What is to be known of a plan: a TTL that comes too late, a day outside the support hours."""
    notes = [
        voice.note(note["code"], note.get("args") or {})
        for note in args.get("notes", ())
        if note["code"] != "eligibility_open"
    ]
    return [el.context(*(f"ℹ️ {note}" for note in notes))] if notes else []


def plan_lines(voice: Voice, pending: Sequence[ReminderRow], most: int = 20) -> list[str]:
    """The reminders to come, a line each."""
    lines: list[str] = []
    for row in list(pending)[:most]:
        what = reminder_name(voice, row.reminder.kind, row.reminder.args)
        if what:
            lines.append(voice.raw("opened.plan_line", at=row.reminder.due_at, what=what))
    return lines


def reminder_name(voice: Voice, kind: str, args: Args) -> str:
    """One line that names a reminder; empty for those that are not announced beforehand."""
    if kind.startswith("later:"):
        return voice.short(Step(kind.split(":")[1]))
    return "" if kind.startswith("exposure") else voice.reminder(kind, args)


# --- reminders --------------------------------------------------------------------------------------


def reminder(voice: Voice, material: Material, cutover: Cutover, args: Args) -> Rendered:
    """A reminder that has fallen due, with its buttons."""
    kind = str(args["kind"])
    step = Step(args["step"]) if args.get("step") else None
    text = _reminder_text(voice, material, cutover, kind, step)
    if args.get("missing"):
        names = [condition_name(voice, code) for code in args["missing"]]
        text = voice.raw("remind.not_ready", missing=names) + "\n" + text
    if args.get("due"):
        text += "\n" + voice("remind.late", due=instant(args["due"]))
    if kind.startswith("exposure"):
        return only(text, *el.actions(done_buttons(voice, cutover, exposed_by(cutover))))
    return only(text, *el.actions(step_buttons(voice, cutover, step)))


def condition_name(voice: Voice, code: str) -> str:
    """What has to hold before the MX is changed, by its code: a step, a thing to tick, or a condition."""
    if code in {step.value for step in Step}:
        return voice.short(Step(code))
    return voice(f"item.{code}" if code in {item.value for item in Item} else f"cond.{code}")


def _reminder_text(voice: Voice, material: Material, cutover: Cutover, kind: str, step: Step | None) -> str:
    how = voice.how(step, cutover) if step else ""
    match kind.removesuffix("_again"):
        case ReminderKind.CONNECTOR.value:
            return voice.raw("remind.connector", day=cutover.day, how=how)
        case ReminderKind.LOWER_TTL.value:
            return _lower_ttl(voice, cutover, how)
        case ReminderKind.BOOK_SUPPORT.value:
            return voice.raw("remind.book_support", day=cutover.day, how=how)
        case ReminderKind.DAY_BEFORE.value:
            waiting = [voice.short(s) for s in PREPARATION if not cutover.step(s).settled]
            ticked = ticks(material.history)
            waiting += [voice(f"item.{item.value}") for item in PREPARE if item not in ticked]
            return voice.raw(
                "remind.day_before", day=cutover.day, open=waiting or voice("remind.day_before.nothing_open")
            )
        case ReminderKind.DAY.value:
            steps = "\n".join(f"• {voice.step(s, cutover)}" for s in THE_DAY)
            return voice.raw("remind.day", day=cutover.day, steps=steps)
        case ReminderKind.DAY_BEGIN.value:
            return day_begin(voice, material, cutover)
        case ReminderKind.RESTORE_TTL.value:
            return _restore(voice, cutover)
    if kind.startswith("exposure") and cutover.instants.t_flip is not None:
        exposed = exposed_by(cutover)
        span = show_span(material.now - cutover.instants.t_flip, voice.lang)
        text = voice.raw("remind.exposure", span=span, open=" / ".join(voice.short(s) for s in exposed))
        return "\n".join([text, *(voice.how(s, cutover) for s in exposed)])
    if step is Step.MX:
        return day_begin(voice, material, cutover)
    if step is Step.TTL:
        return _lower_ttl(voice, cutover, how)
    if step is Step.RESTORE_TTL:
        return _restore(voice, cutover)
    if step is not None:
        return voice.raw("remind.step", step=voice.step(step, cutover), how=how)
    return voice("root.text", domain=shown_name(cutover.domain), state="", day=cutover.day)


def _lower_ttl(voice: Voice, cutover: Cutover, how: str) -> str:
    snapshot = cutover.snapshot
    known = snapshot is not None and snapshot.ttl is not None
    ttl = voice("root.seconds", seconds=snapshot.ttl) if known and snapshot else voice("root.unknown")
    text = voice.raw("remind.lower_ttl", ttl=ttl, day=cutover.day, how=how)
    if not known:
        text += "\n" + voice("remind.lower_ttl.look", domain=cutover.domain)
    if snapshot and snapshot.dns_host:
        text += _host_note(voice, snapshot.dns_host)
    if snapshot and snapshot.mx:
        lines = "\n".join(zone_line(cutover.domain, mx, LOW_TTL) for mx in sorted(snapshot.mx))
        text += f"\n{voice('remind.lower_ttl.line')}\n```{el.escape(lines)}```"
    return text


def done_buttons(voice: Voice, cutover: Cutover, steps: Sequence[Step]) -> list[Block]:
    """A button for each step that is open, the first of them the one to press."""
    return [
        el.button(
            voice.raw("button.done_step", step=voice.short(step)),
            f"step_done.{step.value}",
            {"c": cutover.id, "s": step.value},
            style="primary" if step is steps[0] else None,
        )
        for step in steps
    ]


def _host_note(voice: Voice, host: str) -> str:
    """What is known of the DNS service's TTL field; empty where nothing is."""
    note = ttl_note(host, voice.lang)
    if not note:
        return ""
    text = "\n" + voice("remind.host_note", host=host_name(host, voice.lang), note=note)
    return text + (voice("remind.host_note.fixed") if can_lower_ttl(host) is False else "")


def day_begin(voice: Voice, material: Material, cutover: Cutover) -> str:
    """Step 1, when it is time for it."""
    return voice.raw("remind.day_begin", lines=mx_lines(voice, material, cutover))


def mx_lines(voice: Voice, material: Material, cutover: Cutover) -> str:
    """The exact lines of step 1 for this domain: what to add, and what to delete in the same edit."""
    snapshot = cutover.snapshot
    new = "\n".join(
        zone_line(cutover.domain, mx, ttl_of_new_lines(cutover)) for mx in sorted(cutover.expected)
    )
    leaving = sorted(snapshot.mx - cutover.expected) if snapshot else []
    old = "\n".join(zone_line(cutover.domain, mx, ttl_of_lines(cutover)) for mx in leaving)
    nothing = voice("mx_lines.nothing_old" if snapshot else "mx_lines.no_old")
    host = snapshot.dns_host if snapshot else None
    dot = dot_note(host, voice.lang) if host else ""
    text = voice.raw(
        "mx_lines",
        new=el.escape(new),
        old=el.escape(old) if old else nothing,
        dot=voice("mx_lines.dot", host=host_name(host, voice.lang), note=dot)
        if host and dot
        else voice("faq.general.dot_note"),
    )
    safe = cutover.instants.safe_to_flip
    if safe is not None and safe > material.now and snapshot and snapshot.ttl is not None:
        text += "\n" + voice("mx_lines.wait", safe_at=safe, ttl=snapshot.ttl)
    return text


def _restore(voice: Voice, cutover: Cutover) -> str:
    old_ttl = cutover.snapshot.ttl if cutover.snapshot else None
    if old_ttl is None:
        return voice("remind.restore_ttl.unknown")
    line = "\n".join(zone_line(cutover.domain, mx, old_ttl) for mx in sorted(cutover.expected))
    return voice("remind.restore_ttl", ttl=old_ttl, line=line)


def step_buttons(voice: Voice, cutover: Cutover, step: Step | None) -> list[Block]:
    """What can be answered to a step by clicking."""
    if step is None or not cutover.is_open or cutover.step(step).settled:
        return []
    data = {"c": cutover.id, "s": step.value}
    made = [el.button(voice("button.done"), "step_done", data, style="primary")]
    if step is Step.TTL:
        made.append(el.button(voice("button.cant_ttl"), "step_cant", data))
    elif step in OPTIONAL:
        made.append(el.button(voice("button.not_needed"), "step_not_needed", data))
    made.append(el.button(voice("button.later"), "step_later", data))
    return made


# --- answers ------------------------------------------------------------------------------------------


_ALREADY = {
    StepStatus.SKIPPED: "answer.already_skipped",
    StepStatus.NOT_NEEDED: "answer.already_not_needed",
}


def answer(voice: Voice, material: Material, cutover: Cutover, args: Args, kind: str) -> Rendered:
    """What follows something that a person said or clicked."""
    if kind == "answer.which":
        return which(voice, cutover, args)
    words = dict(args)
    step = Step(words.pop("step")) if words.get("step") else None
    following = Step(words.pop("next")) if words.get("next") else None
    servers = words.pop("servers", None)
    if servers is not None:
        words["servers"] = server_lines(voice, servers)
    if kind == "answer.over":
        words["state"] = voice(f"state.{words['state']}")
    if kind == "answer.skipped_ttl":
        words["span"] = show_span_of(voice, words.get("ttl"))
    for name in ("at", "reason"):
        if name in words:
            words[name] = instant(words[name]) if name == "at" else el.escape(str(words[name] or "-"))
    too_late = words.pop("too_late", False)
    if step is not None:
        words["step"] = voice.short(step)
        words["how"] = voice.how(step, cutover)
    if kind == "answer.already" and step is not None:
        kind = _ALREADY.get(cutover.step(step).status, kind)
    text = voice.raw(kind, **words)
    if too_late:
        text += "\n" + voice("answer.later_too_late", day=cutover.day)
    if following is not None:
        how = day_begin(voice, material, cutover) if following is Step.MX else voice.how(following, cutover)
        text += f"\n\n*{voice.step(following, cutover)}*\n{how}"
    offered = following or (step if kind in _STILL_OPEN else None)
    return only(text, *el.actions(step_buttons(voice, cutover, offered)))


def which(voice: Voice, cutover: Cutover, args: Args) -> Rendered:
    """Several things were asked for: which of them is meant?"""
    steps = [Step(name) for name in args.get("steps", ())]
    buttons = [
        el.button(
            voice.raw("button.done_step", step=voice.short(step)),
            f"step_done.{step.value}",
            {"c": cutover.id, "s": step.value},
        )
        for step in steps
    ]
    return only(voice("answer.which"), *el.actions(buttons))


_STILL_OPEN = frozenset(
    {
        "answer.ttl_not_yet",
        "answer.ttl_restore_not_yet",
        "answer.mx_not_yet",
        "answer.unknown",
        "answer.unknown_nobody",
    }
)


def show_span_of(voice: Voice, seconds: Any) -> str:
    """Seconds as a length of time, or that it is not known."""
    if seconds is None:
        return voice("root.unknown")
    return show_span(timedelta(seconds=int(seconds)), voice.lang)


def server_lines(voice: Voice, servers: Sequence[Args], most: int = 12) -> str:
    """What each server gave, a line each."""
    lines: list[str] = []
    for entry in servers[:most]:
        server = entry["server"]
        if "outcome" in entry:
            outcome = _outcome(voice, entry["outcome"])
            lines.append(voice("answer.silent_line", server=server, outcome=outcome))
        elif "mx" in entry:
            shown = [el.cut(str(mx), 270) for mx in entry["mx"][:5]] or voice("answer.no_mx")
            lines.append(voice("answer.mx_line", server=server, mx=shown))
        else:
            lines.append(voice("answer.ttl_line", server=server, ttl=entry["ttl"]))
    if len(servers) > most:
        lines.append("• " + voice("list.more", count=len(servers) - most))
    return "\n".join(lines)


def _outcome(voice: Voice, outcome: str) -> str:
    key = f"outcome.{outcome}"
    return voice(key) if voice.has(key) else outcome


_ICON = {"block": "🚫", "high": "🔴", "warn": "🟡", "info": "ℹ️"}


def finding_lines(voice: Voice, findings: Sequence[Args], most: int = 12) -> list[str]:
    """Findings with what to do, the gravest first."""
    order = list(_ICON)
    worst_first = sorted(findings, key=lambda f: order.index(f["severity"]))
    lines: list[str] = []
    for data in worst_first[:most]:
        text, remedy = voice.finding(data)
        icon = "❔" if data["status"] == "unknown" else _ICON[data["severity"]]
        lines.append(f"{icon} {text}" + (f"\n→ {remedy}" if remedy else ""))
    if len(findings) > most:
        lines.append(voice("list.more", count=len(findings) - most))
    return lines
