"""Questions asked back: when, whom, what was meant; each with the likely answers as buttons."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.cutover import Cutover, Step
from bot.domain.replies import LONGEST_REASON
from bot.slack import elements as el
from bot.slack.desk import verb_button
from bot.slack.material import Material
from bot.slack.names import shown_name
from bot.slack.payloads import REASON
from bot.slack.rendered import Block, Rendered
from bot.slack.thread import only
from bot.slack.voice import Voice, instant

Args = Mapping[str, Any]


def later_ask(voice: Voice, material: Material, args: Args) -> Rendered:
    """Some time later: when? With the usual answers as buttons."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    text = voice("later.ask")
    if args.get("trouble"):
        text = voice(f"when.trouble.{args['trouble']}") + "\n" + text
    buttons: list[Block] = []
    step = args.get("step")
    for number, at in enumerate(args.get("times", ()) if step else ()):
        label = voice("button.later_at", at=instant(at))
        data = {"c": cutover.id, "s": str(step), "at": str(at)}
        buttons.append(el.button(label, f"step_later.{number}", data))
    return only(text, *el.actions(buttons))


def unclear(voice: Voice, material: Material, args: Args) -> Rendered:
    """A reply that could not be read: what was probably meant, as a button; else what can be said."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    nearest = args.get("nearest")
    steps = [Step(name) for name in args.get("steps", ())]
    if "step" in args.get("needs", ()):
        return only(voice("unclear.step"))
    if nearest is None:
        return only(voice("answer.unclear"))
    buttons = _nearest_buttons(voice, cutover, str(nearest), steps)
    if not buttons:
        return only(voice("answer.unclear"))
    text = voice("unclear.nearest", what=voice(f"meaning.{nearest}"))
    return only(text, *el.actions(buttons))


def _nearest_buttons(voice: Voice, cutover: Cutover, nearest: str, steps: Sequence[Step]) -> list[Block]:
    verbs = {"reschedule": "reschedule", "cancel": "cancel", "roll_back": "rollback"}
    if nearest in verbs:
        return [verb_button(voice, verbs[nearest], cutover.id)]
    made: list[Block] = []
    for step in steps[:5]:
        data = {"c": cutover.id, "s": step.value}
        if nearest == "done":
            label = voice.raw("button.done_step", step=voice.short(step))
            made.append(el.button(label, f"step_done.{step.value}", data, style="primary"))
            made.append(el.button(voice("button.not_yet"), f"step_not_yet.{step.value}", data))
        elif nearest == "cant" and step is Step.TTL:
            made.append(el.button(voice("button.cant_ttl"), f"step_cant.{step.value}", data))
        elif nearest == "later":
            made.append(el.button(voice("button.later"), f"step_later.{step.value}", data))
        elif nearest == "not_yet":
            made.append(el.button(voice("button.not_yet"), f"step_not_yet.{step.value}", data))
        elif nearest == "not_needed":
            made.append(el.button(voice("button.not_needed"), f"step_not_needed.{step.value}", data))
    return made


def reschedule_pick(voice: Voice, cutover: Cutover) -> list[Block]:
    """A picker for the new day: chosen, it is shown back before anything moves."""
    picker: Block = {
        "type": "datetimepicker",
        "action_id": "reschedule_pick",
        "initial_date_time": int(cutover.day.timestamp()),
    }
    return [{"type": "actions", "block_id": f"c={cutover.id}", "elements": [picker]}]


def reason_field(voice: Voice, reason: str = "") -> Block:
    """Why the day is moved: need not be filled in."""
    field: Block = {"type": "plain_text_input", "action_id": REASON, "max_length": LONGEST_REASON}
    if reason:
        field["initial_value"] = reason
    return {
        "type": "input",
        "block_id": REASON,
        "optional": True,
        "label": el.plain(voice("reschedule.why"), 2000),
        "element": field,
    }


def assign_who(voice: Voice, material: Material, args: Args) -> Rendered:
    """Whom? With a list of people to pick from."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    text = voice("assign.who", domain=shown_name(cutover.domain))
    picker: Block = {
        "type": "users_select",
        "action_id": "assign_pick",
        "placeholder": el.plain(voice("assign.pick"), 150),
    }
    return only(text, {"type": "actions", "block_id": f"c={cutover.id}", "elements": [picker]})
