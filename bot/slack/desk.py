"""How the desk's messages look: lists, the menu, things to tick, go or no-go, questions asked back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.domain.cutover import THE_DAY, Cutover, Event, Step, StepStatus, accepts
from bot.domain.desk import (
    PREPARE,
    TESTS,
    Condition,
    Group,
    Item,
    Readiness,
    Tick,
    conditions,
    decided,
    lock_down_offered,
    may_go,
    ticks,
)
from bot.slack import elements as el
from bot.slack.checklist import instants
from bot.slack.material import Material
from bot.slack.names import shown_name
from bot.slack.rendered import Block, Rendered
from bot.slack.thread import mx_lines, only
from bot.slack.voice import Voice, instant

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


# --- lists ----------------------------------------------------------------------------------------


def listing(voice: Voice, args: Args) -> Rendered:
    """A page of cutovers, each with the way to it, and the ways to narrow the list."""
    rows: Sequence[Args] = args.get("rows", ())
    query = str(args.get("query") or "")
    page, pages = int(args.get("page", 1)), int(args.get("pages", 1))
    if not rows and not query:
        new = verb_button(voice, "start", style="primary")
        return only(voice("status.none"), *el.actions([new]))
    title = "list.filtered" if query else "list.title"
    head = voice(title, total=args["total"], query=query)
    if not rows:
        head = voice("list.nothing", query=query)
    if args.get("unknown"):
        head += "\n" + voice("list.unknown", words=list(args["unknown"]))
    blocks: list[Block] = el.sections(head)
    lines: list[str] = [head]
    for number, row in enumerate(rows):
        text = _row(voice, row)
        lines.append(text)
        menu = el.button(voice("button.menu"), f"menu.{number}", {"c": str(row["id"])})
        blocks.append(el.section(text, accessory=menu))
    blocks += el.actions(_list_buttons(voice, query, page, pages, has_rows=bool(rows)))
    if pages > 1:
        blocks.append(el.context(voice("list.page", page=page, pages=pages)))
    return Rendered(el.cut("\n".join(lines), 3000), tuple(blocks))


def _row(voice: Voice, row: Args) -> str:
    next_ = ""
    if row.get("step"):
        late = row["group"] == Group.LATE.value
        key = "list.row.late" if late else "list.row.next"
        joint = "　" if voice.lang == "ja" else " "
        next_ = joint + voice(key, step=voice.short(Step(row["step"])))
    return voice.raw(
        "list.row",
        domain=el.escape(el.cut(shown_name(row["domain"]), NAME)),
        state=voice(f"state.{row['state']}"),
        day=instant(row["day"]),
        owner=f"<@{row['owner']}>",
        next=next_,
    )


def _list_buttons(voice: Voice, query: str, page: int, pages: int, *, has_rows: bool) -> list[Block]:
    made: list[Block] = []
    if page > 1:
        made.append(el.button(voice("button.prev_page"), "list.prev", {"q": query, "p": str(page - 1)}))
    if page < pages:
        made.append(el.button(voice("button.next_page"), "list.next", {"q": query, "p": str(page + 1)}))
    if not query and has_rows:
        made.append(el.button(voice("button.only_late"), "list.late", {"q": "late"}))
        made.append(el.button(voice("button.only_mine"), "list.mine", {"q": "mine"}))
    if query:
        made.append(el.button(voice("button.everything"), "list.all", {"q": ""}))
    return made


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


def _ticked(material: Material) -> Mapping[Item, Tick]:
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
    found = _ticked(material)
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
        parts.append(voice("lockdown.not_yet", at=safe) if safe else voice("lockdown.not_yet_unknown"))
        return only("\n".join(parts))
    parts += [voice(f"lockdown.{cutover.mail_service.value}"), voice("lockdown.care")]
    tick = _ticked(material).get(Item.LOCK_DOWN)
    return only("\n".join(parts), _item(voice, cutover, Item.LOCK_DOWN, tick))


# --- the day --------------------------------------------------------------------------------------


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
        found = conditions(cutover, _ticked(material), material.now, frozen=bool(args.get("frozen")))
        ready, verdict = may_go(found), _verdict(voice, found)
        who = decided(material.history, cutover.plan_version)
        if who is not None:
            verdict += "\n" + voice.raw("runbook.decided", user=f"<@{who.by}>", at=who.at)
        text = f"{head}\n{verdict}"
        blocks.append(el.section(text))
        lines = [voice(f"cond.{c.readiness.value}", what=_condition(voice, c)) for c in found]
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
    missing = [_condition(voice, c) for c in found if c.readiness is Readiness.MISSING]
    return voice("runbook.no_go", missing=missing)


def _condition(voice: Voice, condition: Condition) -> str:
    if condition.code in {step.value for step in Step}:
        return voice.short(Step(condition.code))
    for key in (f"item.{condition.code}", f"cond.{condition.code}"):
        if voice.has(key):
            return voice(key)
    return condition.code


def _step(voice: Voice, material: Material, cutover: Cutover, step: Step) -> str:
    state = cutover.step(step)
    mark = {StepStatus.OPEN: "⬜", StepStatus.DONE: "✅"}.get(state.status, "➖")
    text = f"{mark} *{voice.step(step, cutover)}*"
    if state.by and state.at:
        text += "　" + voice.raw("mark.done_by", user=f"<@{state.by}>", at=state.at)
    how = mx_lines(voice, material, cutover) if step is Step.MX else voice.how(step, cutover)
    return f"{text}\n{how}" if how and not state.settled else text


# --- asked back -----------------------------------------------------------------------------------


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


def assign_who(voice: Voice, material: Material, args: Args) -> Rendered:
    """Whom? With a list of people to pick from."""
    cutover = material.cutover
    text = voice("assign.who")
    if cutover is None:
        return only(text)
    picker: Block = {
        "type": "users_select",
        "action_id": "assign_pick",
        "placeholder": el.plain(voice("assign.pick"), 150),
    }
    return only(text, {"type": "actions", "block_id": f"c={cutover.id}", "elements": [picker]})


# --- settings -------------------------------------------------------------------------------------


def settings_now(voice: Voice, args: Args) -> Rendered:
    """What the workspace has set, and a way to change it."""
    nothing = voice("settings.none")
    langs: Mapping[str, str] = args.get("langs") or {}

    def spoken(lang: str) -> list[str] | str:
        return [f"<#{channel}>" for channel, said in sorted(langs.items()) if said == lang][:30] or nothing

    text = voice.raw(
        "settings.now",
        operators=[f"<@{user}>" for user in args.get("operators") or ()][:50] or voice("settings.everyone"),
        channels=[f"<#{c}>" for c in args.get("channels") or ()][:50] or voice("settings.everywhere"),
        en=spoken("en"),
        ja=spoken("ja"),
        freezes=[el.escape(str(f)) for f in args.get("freezes") or ()][:50] or nothing,
    )
    button = el.button(voice("settings.change"), "settings_open", {})
    return only(text, *el.actions([button]))


def not_here(voice: Voice, args: Args) -> Rendered:
    """The workspace allows other channels only."""
    channels = [f"<#{channel}>" for channel in args.get("channels", ())][:20]
    return only(voice.raw("refuse.not_here", channels=channels))


def moment(text: str) -> datetime | None:
    """An instant out of a button's value."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
