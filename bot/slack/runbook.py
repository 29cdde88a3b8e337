"""The day: go or no-go, the six steps with their menu paths, and the way out."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.cutover import THE_DAY, Cutover, Step, StepStatus
from bot.domain.desk import (
    Condition,
    Readiness,
    conditions,
    decided,
    may_go,
)
from bot.slack import elements as el
from bot.slack.checklist import instants
from bot.slack.desk import ticked, verb_button
from bot.slack.material import Material
from bot.slack.names import shown_name
from bot.slack.rendered import Block, Rendered
from bot.slack.thread import condition_name, mx_lines, only
from bot.slack.voice import Voice

Args = Mapping[str, Any]


def runbook(voice: Voice, material: Material, args: Args) -> Rendered:
    """Go or no-go with its conditions, the six steps with their menu paths, and the way out."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    head = voice("runbook.title", domain=shown_name(cutover.domain), day=cutover.day)
    blocks: list[Block] = []
    text = head
    ready = False
    before_the_change = cutover.instants.t_flip is None and cutover.is_open
    if before_the_change:
        found = conditions(cutover, ticked(material), material.now, frozen=bool(args.get("frozen")))
        ready, verdict = may_go(found), _verdict(voice, found)
        who = decided(material.history, cutover.plan_version)
        if who is not None:
            verdict += "\n" + voice.raw("runbook.decided", user=f"<@{who.by}>", at=who.at)
        text = f"{head}\n{verdict}"
        blocks.append(el.section(text))
        lines = [voice(f"cond.{c.readiness.value}", what=condition_name(voice, c.code)) for c in found]
        blocks.append(el.section("\n".join([voice("runbook.conditions"), *lines])))
    else:
        notes = instants(voice, material, cutover)
        text = "\n".join([head, *notes])
        blocks.append(el.section(text))
    blocks.append(el.section(voice("runbook.steps")))
    blocks += [el.section(_step(voice, material, cutover, step)) for step in THE_DAY]
    buttons: list[Block] = []
    if ready and decided(material.history, cutover.plan_version) is None:
        buttons.append(el.button(voice("button.go"), "go", {"c": cutover.id}, style="primary"))
    if before_the_change:
        buttons.append(verb_button(voice, "prepare", cutover.id))
        buttons.append(verb_button(voice, "reschedule", cutover.id))
    buttons.append(verb_button(voice, "tests", cutover.id))
    blocks += el.actions(buttons)
    if cutover.is_open:
        blocks.append(el.context(voice("runbook.undo")))
    return Rendered(el.cut(text, 3000), tuple(blocks))


def _verdict(voice: Voice, found: Sequence[Condition]) -> str:
    if may_go(found):
        return voice("runbook.go")
    missing = [condition_name(voice, c.code) for c in found if c.readiness is Readiness.MISSING]
    return voice("runbook.no_go", missing=missing)


def _step(voice: Voice, material: Material, cutover: Cutover, step: Step) -> str:
    state = cutover.step(step)
    mark = {StepStatus.OPEN: "⬜", StepStatus.DONE: "✅"}.get(state.status, "➖")
    text = f"{mark} *{voice.step(step, cutover)}*"
    if state.by and state.at:
        text += "　" + voice.raw("mark.done_by", user=f"<@{state.by}>", at=state.at)
    how = mx_lines(voice, material, cutover) if step is Step.MX else voice.how(step, cutover)
    return f"{text}\n{how}" if how and not state.settled else text
