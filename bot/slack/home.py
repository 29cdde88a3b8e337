"""The App Home: one's own cutovers, the others', and a way to begin."""

from typing import Any

from bot.domain.authority import Actor, Role, role_of
from bot.domain.cutover import OPEN_STATES, Cutover
from bot.ports import Tx
from bot.slack import elements as el
from bot.slack.checklist import next_step
from bot.slack.names import shown_name
from bot.slack.rendered import Block
from bot.slack.voice import Voice
from bot.usecases.context import Deps

MOST = 20


async def view(deps: Deps, actor: Actor) -> dict[str, Any]:
    """The view for `actor`, as of now. Outsiders see that they may not use the bot."""
    voice = Voice(actor.lang)
    if role_of(actor, None, deps.operators) is Role.OUTSIDER:
        return {"type": "home", "blocks": [el.section(voice("refuse.outsider"))]}

    def read(tx: Tx) -> tuple[tuple[Cutover, ...], int]:
        page = tx.cutovers.list(actor.team, states=OPEN_STATES, limit=MOST)
        return page.rows, page.total

    rows, total = await deps.store.transact(read)
    mine = [c for c in rows if actor.user in (c.owner, *c.assignees)]
    others = [c for c in rows if c not in mine]
    blocks: list[Block] = [el.header(voice("home.title"))]
    if not rows:
        blocks.append(el.section(voice("home.empty")))
    for title, group in (("home.mine", mine), ("home.others", others)):
        if group:
            blocks.append(el.section(voice(title)))
            blocks += [_row(voice, cutover) for cutover in group]
    if total > len(rows):
        blocks.append(el.context(voice("list.more", count=total - len(rows))))
    start = el.button(voice("button.new"), "open_form", {"d": ""}, style="primary")
    blocks += el.actions([start])
    blocks.append(el.context(voice("home.updated", at=deps.clock.now())))
    return {"type": "home", "blocks": blocks}


def _row(voice: Voice, cutover: Cutover) -> Block:
    step = next_step(cutover)
    lines = [
        f"*{el.escape(el.cut(shown_name(cutover.domain), 120))}*　{voice(f'state.{cutover.state.value}')}",
        voice.at(cutover.day) + (f"　→ {voice.short(step)}" if step else ""),
    ]
    button = el.button(voice("button.status"), f"status.{cutover.id}", {"c": cutover.id})
    return el.section("\n".join(lines), accessory=button)
