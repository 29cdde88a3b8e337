"""How a list of cutovers looks: a page, the ways on, the ways to narrow it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.cutover import Step
from bot.domain.desk import (
    Group,
)
from bot.slack import elements as el
from bot.slack.desk import NAME, verb_button
from bot.slack.names import shown_name
from bot.slack.rendered import Block, Rendered
from bot.slack.thread import only
from bot.slack.voice import Voice, instant

Args = Mapping[str, Any]

_PERSON = re.compile(r"&lt;@([UW][A-Z0-9]+)&gt;")


def listing(voice: Voice, args: Args) -> Rendered:
    """A page of cutovers, each with the way to it, and the ways to narrow the list."""
    rows: Sequence[Args] = args.get("rows", ())
    query = str(args.get("query") or "")
    page, pages = int(args.get("page", 1)), int(args.get("pages", 1))
    if not rows and not query and not args.get("unknown"):
        new = verb_button(voice, "start", style="primary")
        return only(voice("status.none"), *el.actions([new]))
    title = "list.filtered" if query else "list.title"
    head = voice.raw(title, total=args["total"], query=_with_people(query))
    if not rows:
        head = voice.raw("list.nothing", query=_with_people(query)) if query else voice("status.none")
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


def _with_people(query: str) -> str:
    """The conditions as they were typed; whoever is named in them, as Slack shows people."""
    return _PERSON.sub(r"<@\1>", el.escape(query))


def _row(voice: Voice, row: Args) -> str:
    next_ = ""
    if row.get("step"):
        late = row["group"] == Group.LATE.value
        key = "list.row.late" if late else "list.row.next"
        joint = "　" if voice.lang == "ja" else ", "
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
