"""The App Home: what is late, running, due today and within seven days, the rest in pages; a way to begin."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.authority import Actor, Role, role_of
from bot.domain.cutover import OPEN_STATES, Cutover, Step
from bot.domain.desk import Due, Group, due
from bot.ports import Tx
from bot.slack import elements as el
from bot.slack.desk import NAME, verb_button
from bot.slack.names import named, shown_name
from bot.slack.rendered import Block
from bot.slack.voice import Voice
from bot.usecases.context import Deps
from bot.usecases.desk import MOST, zone_of

PAGE = 20  # rows; a view holds 100 blocks
_ORDER = (Group.LATE, Group.RUNNING, Group.TODAY, Group.WEEK, Group.REST)

Row = tuple[Cutover, Due]


async def view(deps: Deps, actor: Actor, shown: Mapping[str, str]) -> dict[str, Any]:
    """The view for `actor`, as of now. `shown`: p, the page, and m=1 for one's own alone.

    Outsiders see that they may not use the bot.
    """
    voice = Voice(actor.lang, zone_of(actor))
    role = role_of(actor, None, deps.operators)
    if role in (Role.OUTSIDER, Role.STRANGER):
        who = named(deps.who_could(tuple(sorted(deps.operators)))) if role is Role.STRANGER else []
        refusal = voice.raw("refuse.not_allowed", who=who) if who else voice("refuse.outsider")
        return {"type": "home", "blocks": [el.section(refusal)]}

    def read(tx: Tx) -> Sequence[Cutover]:
        return tx.cutovers.list(actor.team, states=OPEN_STATES, limit=MOST).rows

    cutovers = await deps.store.transact(read)
    now, tz = deps.clock.now(), zone_of(actor)
    mine = shown.get("m") == "1"
    rows = [(cutover, due(cutover, now, tz)) for cutover in cutovers]
    if mine:
        rows = [row for row in rows if actor.user in (row[0].owner, *row[0].assignees)]
    rows.sort(key=lambda row: (_ORDER.index(row[1].group), row[1].at, row[0].domain))
    blocks: list[Block] = [el.header(voice("home.title"))]
    blocks += el.actions(_top(voice, mine=mine, any_=bool(cutovers)))
    blocks += _body(voice, rows, _page(shown, len(rows)), mine=mine) if cutovers else [_empty(voice)]
    blocks.append(el.context(voice("home.updated", at=now)))
    return {"type": "home", "blocks": blocks}


def _empty(voice: Voice) -> Block:
    return el.section(voice("home.empty"))


def _top(voice: Voice, *, mine: bool, any_: bool) -> list[Block]:
    made = [el.button(voice("button.new"), "open_form", {"d": ""}, style="primary")]
    if any_:
        label = voice("button.everything" if mine else "button.only_mine")
        made.append(el.button(label, "home.mine", {"m": "0" if mine else "1"}))
    return made


def _page(shown: Mapping[str, str], total: int) -> int:
    asked = shown.get("p", "1")
    pages = max(1, -(-total // PAGE))
    return min(max(1, int(asked) if asked.isdecimal() else 1), pages)


def _body(voice: Voice, rows: Sequence[Row], page: int, *, mine: bool) -> list[Block]:
    count = {group: sum(due_.group is group for _, due_ in rows) for group in Group}
    counted = voice(
        "home.count",
        total=len(rows),
        late=count[Group.LATE],
        running=count[Group.RUNNING],
        today=count[Group.TODAY],
        week=count[Group.WEEK],
    )
    blocks: list[Block] = [el.context(counted, *([voice("home.showing_mine")] if mine else []))]
    if not rows:
        return [*blocks, el.section(voice("home.mine_none"))]
    if page == 1 and not count[Group.LATE] and not count[Group.RUNNING] and not count[Group.TODAY]:
        blocks.append(el.section(voice("home.all_quiet")))
    shown = rows[(page - 1) * PAGE : page * PAGE]
    for group in _ORDER:
        members = [row for row in shown if row[1].group is group]
        if members:
            blocks.append(el.divider())
            blocks.append(el.section(voice(f"home.{group.value}")))
            blocks += [_row(voice, cutover, due_) for cutover, due_ in members]
    pages = max(1, -(-len(rows) // PAGE))
    own = {"m": "1" if mine else "0"}
    turns: list[Block] = []
    if page > 1:
        turns.append(el.button(voice("button.prev_page"), "home.prev", {**own, "p": str(page - 1)}))
    if page < pages:
        turns.append(el.button(voice("button.next_page"), "home.next", {**own, "p": str(page + 1)}))
    blocks += el.actions(turns)
    if pages > 1:
        blocks.append(el.context(voice("list.page", page=page, pages=pages)))
    return blocks


def _next(voice: Voice, step: Step, due_: Due) -> str:
    """What is due, and when: to the minute where it is near, or the change itself."""
    if due_.group is Group.LATE:
        return voice("home.next_late", step=voice.short(step), at=due_.at)
    if due_.group in (Group.TODAY, Group.RUNNING) or step is Step.MX:
        return voice("home.next_at", step=voice.short(step), at=due_.at)
    return voice("home.next_from", step=voice.short(step), day=due_.at.astimezone(voice.tz).date())


def _row(voice: Voice, cutover: Cutover, due_: Due) -> Block:
    name = el.escape(el.cut(shown_name(cutover.domain), NAME))
    lines = [f"*{name}*　{voice(f'state.{cutover.state.value}')}"]
    if due_.step is not None:
        lines.append(_next(voice, due_.step, due_))
    lines.append(voice.raw("home.change", day=cutover.day, owner=f"<@{cutover.owner}>"))
    safe = cutover.instants.t_safe
    if safe is not None and due_.group in (Group.RUNNING, Group.LATE):
        lines.append(voice("home.safe", safe_at=safe))
    menu = verb_button(voice, "menu", cutover.id)
    return el.section("\n".join(lines), accessory={**menu, "action_id": f"do.{cutover.id}"})
