"""The root message of a cutover: how it stands, its checklist, the next thing to do. Edited in place."""

from collections.abc import Sequence

from bot.content.hosts import host_name
from bot.domain.cutover import (
    AFTERWARDS,
    PREPARATION,
    THE_DAY,
    Cutover,
    State,
    Step,
    StepStatus,
)
from bot.domain.progress import exposed_by
from bot.slack import elements as el
from bot.slack.material import Material
from bot.slack.names import shown_name
from bot.slack.rendered import Block, Rendered
from bot.slack.voice import Voice

_MARK = {
    StepStatus.OPEN: "⬜",
    StepStatus.DONE: "✅",
    StepStatus.SKIPPED: "⏭️",
    StepStatus.NOT_NEEDED: "➖",
}


def root(voice: Voice, material: Material, cutover: Cutover) -> Rendered:
    """The checklist as it stands at this moment."""
    domain = shown_name(cutover.domain)
    state = voice(f"state.{cutover.state.value}")
    blocks: list[Block] = [
        el.header(voice.raw("root.title", domain=domain)),
        el.fields(_fields(voice, cutover, state)),
        el.section("\n".join([voice("root.part.preparation"), *_lines(voice, cutover, PREPARATION)])),
        el.section("\n".join([voice("root.part.day"), *_lines(voice, cutover, THE_DAY)])),
        el.section("\n".join([voice("root.part.afterwards"), *_lines(voice, cutover, AFTERWARDS)])),
    ]
    notes = instants(voice, material, cutover)
    if notes:
        blocks.append(el.section("\n".join(notes)))
    blocks += el.actions(buttons(voice, cutover))
    if cutover.is_open:
        blocks.append(el.context(voice("root.help")))
    text = voice("root.text", domain=domain, state=state, day=cutover.day)
    return Rendered(text, tuple(blocks))


def _fields(voice: Voice, cutover: Cutover, state: str) -> list[tuple[str, str]]:
    snapshot = cutover.snapshot
    unknown = voice("root.unknown")
    old = mx_lines([str(mx) for mx in sorted(snapshot.mx)]) if snapshot and snapshot.mx else unknown
    ttl = voice("root.seconds", seconds=snapshot.ttl) if snapshot and snapshot.ttl is not None else unknown
    if snapshot and snapshot.dns_host:
        ttl += f"　{el.escape(host_name(snapshot.dns_host, voice.lang))}"
    people = " ".join(f"<@{user}>" for user in (cutover.owner, *cutover.assignees))
    return [
        (voice("root.field.state"), state),
        (voice("root.field.day"), voice.at(cutover.day)),
        (voice("root.field.new"), mx_lines([str(mx) for mx in sorted(cutover.expected)])),
        (voice("root.field.old"), old),
        (voice("root.field.ttl"), ttl),
        (voice("root.field.owner"), people),
    ]


def mx_lines(texts: Sequence[str], most: int = 5) -> str:
    """MX records as code, a few of them."""
    shown = [f"`{el.escape(el.cut(text, 270))}`" for text in texts[:most]]
    if len(texts) > most:
        shown.append(f"… +{len(texts) - most}")
    return "\n".join(shown)


def _lines(voice: Voice, cutover: Cutover, steps: Sequence[Step]) -> list[str]:
    lines: list[str] = []
    for step in steps:
        state = cutover.step(step)
        line = f"{_MARK[state.status]} {voice.step(step, cutover)}"
        note = ""
        if state.status is StepStatus.DONE and state.verified and state.at:
            note = voice("mark.verified", at=state.at)
        elif state.status is StepStatus.DONE and state.by and state.at:
            note = voice.raw("mark.done_by", user=f"<@{state.by}>", at=state.at)
        elif state.status is StepStatus.SKIPPED:
            note = voice("mark.skipped", reason=el.cut(state.reason or "-", 80))
        elif state.status is StepStatus.NOT_NEEDED:
            note = voice("mark.not_needed")
        lines.append(f"{line}　_{note}_" if note else line)
    return lines


def instants(voice: Voice, material: Material, cutover: Cutover) -> list[str]:
    """From when it is safe, and how long mail has been going unjudged."""
    found: list[str] = []
    known = cutover.instants
    now = material.now
    if cutover.state is State.PREPARING and known.safe_to_flip and known.safe_to_flip > now:
        found.append(voice("instant.safe_to_flip", safe_at=known.safe_to_flip))
    if cutover.state is State.WATCHING and known.t_safe:
        found.append(voice("instant.t_safe", safe_at=known.t_safe))
    if cutover.state is State.STABILISING and known.t_safe:
        found.append(voice("instant.shown_safe", safe_at=known.t_safe))
    if known.t_flip and (exposed := exposed_by(cutover)):
        found.append(
            voice.raw("instant.exposed", at=known.t_flip, open=" / ".join(voice.short(s) for s in exposed))
        )
    return found


def next_step(cutover: Cutover) -> Step | None:
    """The step that the checklist offers to tick: what is asked for, else the first open one in its time."""
    if not cutover.is_open or cutover.state is State.ROLLING_BACK:
        return None
    if cutover.asked is not None and not cutover.step(cutover.asked).settled:
        return cutover.asked
    order: tuple[Step, ...]
    if cutover.state is State.PREPARING:
        order = PREPARATION
    elif cutover.state in (State.CHANGING, State.WATCHING):
        order = THE_DAY
    else:
        order = (*THE_DAY, *AFTERWARDS)
    return next((step for step in order if not cutover.step(step).settled), None)


def buttons(voice: Voice, cutover: Cutover) -> list[Block]:
    """The next step's own, a look at DNS, and the ways out."""
    if not cutover.is_open:
        return []
    here = {"c": cutover.id}
    made: list[Block] = []
    step = next_step(cutover)
    if step is not None:
        label = voice.raw("button.done_step", step=voice.short(step))
        made.append(el.button(label, "step_done", {**here, "s": step.value}, style="primary"))
    if cutover.state in (State.PREPARING, State.CHANGING) and step is Step.MX:
        made.append(el.button(voice("button.flip"), "flip", here))
    made.append(el.button(voice("button.check"), "check", here))
    made.append(el.button(voice("button.plan"), "plan", here))
    made.append(el.button(voice("button.history"), "history", here))
    domain = shown_name(cutover.domain)
    no = voice("button.keep")
    if cutover.state in (State.CHANGING, State.WATCHING, State.STABILISING):
        ask = el.confirm(
            voice("confirm.rollback.title"),
            voice.raw("confirm.rollback.text", domain=el.cut(domain, 120)),
            voice("button.rollback"),
            no,
            danger=True,
        )
        made.append(el.button(voice("button.rollback"), "rollback", here, style="danger", confirm=ask))
    if cutover.state in (State.PREPARING, State.CHANGING, State.ROLLING_BACK):
        ask = el.confirm(
            voice("confirm.cancel.title"),
            voice.raw("confirm.cancel.text", domain=el.cut(domain, 120)),
            voice("button.cancel"),
            no,
            danger=True,
        )
        made.append(el.button(voice("button.cancel"), "cancel", here, confirm=ask))
    return made
