"""What is said in a cutover's thread: its opening, reminders, answers, and what is told unasked."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.content import show_span
from bot.content.hosts import host_name
from bot.domain.cutover import PREPARATION, THE_DAY, Cutover, Step, StepStatus
from bot.domain.mx import zone_line
from bot.domain.plan import LOW_TTL, ReminderKind
from bot.domain.progress import exposed_by
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
OPTIONAL = (Step.SUPPORT, Step.ZIP)


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
    lines = plan_lines(voice, material.pending)
    plan = "\n".join([voice("opened.plan"), *lines]) if lines else ""
    notes = [
        voice.note(note["code"], note.get("args") or {})
        for note in args.get("notes", ())
        if note["code"] != "eligibility_open"
    ]
    text = "\n".join(parts)
    blocks = el.sections(text)
    if plan:
        blocks += el.sections(plan)
    if notes:
        blocks.append(el.context(*(f"ℹ️ {note}" for note in notes)))
    return Rendered(el.cut(f"{text}\n{plan}", 3000), tuple(blocks))


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
    if args.get("due"):
        text += "\n" + voice("remind.late", due=instant(args["due"]))
    return only(text, *el.actions(step_buttons(voice, cutover, step)))


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
        waiting = [voice.short(s) for s in exposed_by(cutover)]
        span = show_span(material.now - cutover.instants.t_flip, voice.lang)
        return voice.raw("remind.exposure", span=span, open=waiting)
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
    if snapshot and snapshot.mx:
        lines = "\n".join(zone_line(cutover.domain, mx, LOW_TTL) for mx in sorted(snapshot.mx))
        text += f"\n{voice('remind.lower_ttl.line')}\n```{el.escape(lines)}```"
    return text


def day_begin(voice: Voice, material: Material, cutover: Cutover) -> str:
    """Step 1, when it is time for it."""
    return voice.raw("remind.day_begin", lines=mx_lines(voice, material, cutover))


def mx_lines(voice: Voice, material: Material, cutover: Cutover) -> str:
    """The exact lines of step 1 for this domain: what to add, and what to delete in the same edit."""
    snapshot = cutover.snapshot
    fixed = snapshot.ttl if snapshot and cutover.step(Step.TTL).status is StepStatus.SKIPPED else None
    new = "\n".join(zone_line(cutover.domain, mx, fixed or LOW_TTL) for mx in sorted(cutover.expected))
    leaving = sorted(snapshot.mx - cutover.expected) if snapshot else []
    ttl = _ttl_now(cutover)
    old = "\n".join(zone_line(cutover.domain, mx, ttl) for mx in leaving)
    text = voice.raw(
        "mx_lines",
        new=el.escape(new),
        old=el.escape(old) if old else voice("mx_lines.no_old"),
    )
    safe = cutover.instants.safe_to_flip
    if safe is not None and safe > material.now and snapshot and snapshot.ttl is not None:
        text += "\n" + voice("mx_lines.wait", safe_at=safe, ttl=snapshot.ttl)
    return text


def _ttl_now(cutover: Cutover) -> int:
    lowered = cutover.instants.t_lowered is not None or cutover.step(Step.TTL).verified
    if lowered or cutover.snapshot is None or cutover.snapshot.ttl is None:
        return LOW_TTL
    return cutover.snapshot.ttl


def _restore(voice: Voice, cutover: Cutover) -> str:
    old_ttl = cutover.snapshot.ttl if cutover.snapshot else None
    if old_ttl is None:
        return voice("remind.restore_ttl.nothing")
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


# --- told unasked ----------------------------------------------------------------------------------------


def told(voice: Voice, material: Material, cutover: Cutover, args: Args, kind: str) -> Rendered:
    """What a look at DNS showed, and what is to be done now."""
    name = kind.removeprefix("told.")
    match name:
        case "ttl_lowered":
            text = voice(kind)
            safe = instant(args.get("safe_to_flip"))
            if safe is not None and safe > material.now:
                text += "\n" + voice("instant.safe_to_flip", safe_at=safe)
            return only(text)
        case "mx_some":
            new, other, silent = args["new"], args["other"], args["silent"]
            text = voice(kind, count=len(new), total=len(new) + len(other) + len(silent))
            lines = [f"✅ {el.escape(server)}" for server in new]
            lines += [f"⬜ {el.escape(server)}" for server in other]
            lines += [f"❔ {el.escape(server)}" for server in silent]
            return only(text + "\n" + "\n".join(lines[:20]))
        case "mx_all":
            return _mx_all(voice, cutover, args)
        case "mx_wrong":
            return only("\n\n".join([voice(kind), *finding_lines(voice, args["findings"])]))
        case "safe":
            return only(voice(kind, safe_at=instant(args["t_safe"])))
        case "drift":
            return only(voice.raw(kind, servers=server_lines(voice, args["servers"])))
        case "rolled_back":
            gone = instant(args.get("gone_by"))
            return only(voice(kind, safe_at=gone if gone is not None else voice("root.unknown")))
    return only(voice(kind, domain=shown_name(cutover.domain)))


def _mx_all(voice: Voice, cutover: Cutover, args: Args) -> Rendered:
    steps = "\n\n".join(
        f"*{voice.step(step, cutover)}*\n{voice.how(step, cutover)}"
        for step in (Step.ADMIN, *EXPOSED)
        if not cutover.step(step).settled
    )
    text = voice.raw("told.mx_all", at=instant(args["t_flip"]), steps=steps)
    safe = instant(args.get("t_safe"))
    if safe is not None:
        text += "\n\n" + voice("instant.t_safe", safe_at=safe)
    first = next((step for step in (*EXPOSED, Step.ADMIN) if not cutover.step(step).settled), None)
    data = {"c": cutover.id}
    buttons = [
        el.button(
            voice.raw("button.done_step", step=voice.short(step)),
            f"step_done.{step.value}",
            {**data, "s": step.value},
            style="primary" if step is first else None,
        )
        for step in (Step.ADMIN, *EXPOSED)
        if not cutover.step(step).settled
    ]
    return only(text, *el.actions(buttons))


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
