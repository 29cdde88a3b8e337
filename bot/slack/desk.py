"""How the desk's messages look: verbs as buttons, the menu, things to tick."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.cutover import Cutover, Event, Step, accepts
from bot.domain.desk import (
    PREPARE,
    TESTS,
    Item,
    Tick,
    lock_down_offered,
    ticks,
)
from bot.slack import elements as el
from bot.slack.checklist import instants
from bot.slack.material import Material
from bot.slack.names import shown_name
from bot.slack.rendered import Block, Rendered
from bot.slack.thread import only
from bot.slack.voice import Voice

Args = Mapping[str, Any]

NAME = 120  # characters of a domain in a list: enough for any that people type


def verb_button(
    voice: Voice, verb: str, cutover_id: str | None = None, *, style: str | None = None, **more: str
) -> Block:
    """A button that does what the verb's word does."""
    data = {"v": verb, **more}
    if cutover_id:
        data["c"] = cutover_id
    label = voice("button.new") if verb == "start" else voice(f"button.{verb}")
    return el.button(label, f"do.{verb}", data, style=style)


# --- the menu -------------------------------------------------------------------------------------


def menu_rows(voice: Voice, cutover: Cutover) -> list[Block]:
    """Every verb that has a meaning now, as buttons, in rows of one kind."""
    rows: list[list[str]] = [
        ["prepare", "runbook", "tests", "lockdown"],
        ["check", "plan", "calendar", "text"],
        ["history", "report"],
    ]
    if not lock_down_offered(cutover):
        rows[0].remove("lockdown")
    if not cutover.is_open:
        rows = [["tests", "lockdown"], ["history", "report"]]
    blocks: list[Block] = []
    for row in rows:
        buttons = [verb_button(voice, verb, cutover.id) for verb in row]
        if "report" in row:
            for form in ("json", "csv"):
                data = {"v": "export", "c": cutover.id, "r": form}
                buttons.append(el.button(voice(f"button.export_{form}"), f"do.export_{form}", data))
        blocks += el.actions(buttons)
    ways = []
    if accepts(cutover.state, Event.RESCHEDULED):
        ways.append(verb_button(voice, "reschedule", cutover.id))
    if cutover.is_open:
        ways.append(verb_button(voice, "assign", cutover.id))
    if accepts(cutover.state, Event.ROLL_BACK):
        ways.append(verb_button(voice, "rollback", cutover.id))
    if accepts(cutover.state, Event.CANCEL):
        ways.append(verb_button(voice, "cancel", cutover.id))
    return blocks + el.actions(ways)


def menu(voice: Voice, material: Material, args: Args) -> Rendered:
    """Where a cutover stands in two lines, and everything that can be done with it."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    text = voice(
        "menu.text",
        domain=el.cut(shown_name(cutover.domain), NAME),
        state=voice(f"state.{cutover.state.value}"),
        day=cutover.day,
    )
    status = verb_button(voice, "status", cutover.id)
    notes = instants(voice, material, cutover)
    text = "\n".join([text, *notes])
    return Rendered(text, (el.section(text, accessory=status), *menu_rows(voice, cutover)))


# --- things to tick -------------------------------------------------------------------------------


def ticked(material: Material) -> Mapping[Item, Tick]:
    """Who ticked what, and when."""
    return ticks(material.history)


def _item(voice: Voice, cutover: Cutover, item: Item, tick: Tick | None, *, offered: bool = True) -> Block:
    how = f"item.{item.value}.how"
    text = f"{'✅' if tick else '⬜'} *{voice(f'item.{item.value}')}*"
    if tick is not None:
        by = f"<@{tick.by}>" if tick.by else ""
        text = voice.raw("tick.by", user=f"*{voice(f'item.{item.value}')}*　{by}", at=tick.at)
    elif voice.has(how):
        text += "\n" + voice(how)
    data = {"c": cutover.id, "i": item.value}
    if tick is not None:
        accessory = el.button(voice("button.untick"), f"untick.{item.value}", data)
    else:
        accessory = el.button(voice("button.tick"), f"tick.{item.value}", data)
    return el.section(text, accessory=accessory if offered else None)


def _ticking(
    voice: Voice, material: Material, cutover: Cutover, kind: str, items: Sequence[Item]
) -> tuple[str, list[Block]]:
    found = ticked(material)
    count = sum(item in found for item in items)
    title = voice(f"{kind}.title", domain=shown_name(cutover.domain), count=count, total=len(items))
    text = f"{title}\n{voice(f'{kind}.text')}"
    names = "\n".join(f"{'✅' if i in found else '⬜'} {voice(f'item.{i.value}')}" for i in items)
    return f"{text}\n{names}", [
        el.section(text),
        *(_item(voice, cutover, item, found.get(item)) for item in items),
    ]


def prepare(voice: Voice, material: Material, args: Args) -> Rendered:
    """What is worth having done before the day, besides the vendor's steps."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    text, blocks = _ticking(voice, material, cutover, "prepare", PREPARE)
    if args.get("again"):
        again = voice("prepare.again")
        text, blocks = f"{again}\n{text}", [el.section(again), *blocks]
    return Rendered(text, (*blocks, *el.actions([verb_button(voice, "text", cutover.id)])))


def tests(voice: Voice, material: Material, args: Args) -> Rendered:
    """The test matrix of the day: from where mail was seen to arrive, by whom and when."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    text, blocks = _ticking(voice, material, cutover, "tests", TESTS)
    if cutover.is_open and not cutover.step(Step.OUTSIDE_TEST).settled:
        label = voice.raw("button.done_step", step=voice.short(Step.OUTSIDE_TEST))
        data = {"c": cutover.id, "s": Step.OUTSIDE_TEST.value}
        blocks += el.actions([el.button(label, "step_done.tests", data)])
    return Rendered(text, tuple(blocks))


def lockdown(voice: Voice, material: Material, args: Args) -> Rendered:
    """How the mail service is closed to all but the gateway; before t_safe, that it must wait."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    parts = [voice("lockdown.title", domain=shown_name(cutover.domain))]
    if not lock_down_offered(cutover):
        safe = cutover.instants.t_safe
        parts.append(voice("lockdown.not_yet", safe_at=safe) if safe else voice("lockdown.not_yet_unknown"))
        return only("\n".join(parts))
    parts += [voice(f"lockdown.{cutover.mail_service.value}"), voice("lockdown.care")]
    tick = ticked(material).get(Item.LOCK_DOWN)
    return only("\n".join(parts), _item(voice, cutover, Item.LOCK_DOWN, tick))
