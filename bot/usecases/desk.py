"""The desk: lists with filters and pages, things to tick, go or no-go, files to take away."""

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.authority import Act, Actor, authorise
from bot.domain.cutover import OPEN_STATES, Cutover, State
from bot.domain.desk import (
    DECIDED,
    PREPARE,
    TICKED,
    UNTICKED,
    Filter,
    Item,
    conditions,
    due,
    lock_down_offered,
    may_go,
    ticks,
)
from bot.domain.plan import CutoverPlan, PlanProblem, ReminderKind
from bot.domain.policy import Policy, policy_to_json
from bot.domain.when import Partial, When, parse_when
from bot.ports import Delivery, HistoryEntry, Outgoing, Tx
from bot.usecases.context import Deps, Where, say, transact
from bot.usecases.ending import load
from bot.usecases.planning import LOCK_DOWN_KIND, plan_for

MOST = 2000  # cutovers that a list looks through
PAGE = 15

_STATES: dict[str, frozenset[State]] = {
    **{state.value: frozenset({state}) for state in State},
    "準備中": frozenset({State.PREPARING}),
    "準備": frozenset({State.PREPARING}),
    "切替中": frozenset({State.CHANGING}),
    "反映待ち": frozenset({State.WATCHING}),
    "安定確認": frozenset({State.STABILISING}),
    "安定確認中": frozenset({State.STABILISING}),
    "切替済み": frozenset({State.STABILISING}),
    "完了": frozenset({State.FINISHED}),
    "done": frozenset({State.FINISHED}),
    "中止": frozenset({State.CANCELLED}),
    "切り戻し": frozenset({State.ROLLING_BACK, State.ROLLED_BACK}),
    "進行中": OPEN_STATES,
    "open": OPEN_STATES,
    "running": frozenset({State.CHANGING, State.WATCHING, State.ROLLING_BACK}),
    "終了": frozenset(State) - OPEN_STATES,
    "closed": frozenset(State) - OPEN_STATES,
    "all": frozenset(State),
    "全部": frozenset(State),
    "すべて": frozenset(State),
}
_MINE = frozenset({"mine", "me", "自分", "私", "自分の"})
_LATE = frozenset({"late", "overdue", "遅れ", "遅延", "期限切れ"})
_TODAY = frozenset({"today", "今日", "本日"})
_WEEK = frozenset({"week", "7days", "今週", "1週間", "一週間"})
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|^@?([UW][A-Z0-9]{5,})$")
_SPAN = re.compile(r"^(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})$")
_PAGE = re.compile(r"^(?:p|page|ページ)?(\d{1,3})(?:ページ)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """A list as it was asked for. `unknown`: the words that say nothing of a list."""

    filter: Filter
    page: int = 1
    unknown: tuple[str, ...] = ()


def zone_of(actor: Actor) -> ZoneInfo:
    """The person's zone; Tokyo where Slack's is not known here."""
    try:
        return ZoneInfo(actor.tz)
    except (KeyError, ValueError):
        return ZoneInfo("Asia/Tokyo")


def read_query(text: str, actor: Actor, now: datetime) -> Query:
    """`list 準備中 自分 今週 2`: words in any order, each narrows the list. Raises nothing."""
    tz = zone_of(actor)
    today = now.astimezone(tz).date()
    found = Query(Filter())
    states: set[State] = set()
    for word in _words(text):
        key = unicodedata.normalize("NFKC", word).lower()
        mention = _MENTION.search(word)
        if key in _STATES:
            states |= _STATES[key]
        elif mention:
            people = found.filter.people | {mention[1] or mention[2]}
            found = replace(found, filter=replace(found.filter, people=people))
        elif key in _MINE:
            people = found.filter.people | {actor.user}
            found = replace(found, filter=replace(found.filter, people=people))
        elif key in _LATE:
            found = replace(found, filter=replace(found.filter, late=True))
        elif key in _TODAY:
            found = replace(found, filter=replace(found.filter, first=today, last=today))
        elif key in _WEEK:
            week = replace(found.filter, first=today, last=today + timedelta(days=7))
            found = replace(found, filter=week)
        elif page := _PAGE.match(key):
            found = replace(found, page=max(1, int(page[1])))
        elif days := _days(key, actor, now, tz):
            found = replace(found, filter=replace(found.filter, first=days[0], last=days[1]))
        else:
            found = replace(found, unknown=(*found.unknown, word))
    return replace(found, filter=replace(found.filter, states=frozenset(states or OPEN_STATES)))


def _words(text: str) -> list[str]:
    return text.replace("\u3000", " ").replace("、", " ").replace(",", " ").split()


def _days(key: str, actor: Actor, now: datetime, tz: ZoneInfo) -> tuple[date, date] | None:
    span = _SPAN.match(key)
    if span:
        try:
            first, last = date.fromisoformat(span[1]), date.fromisoformat(span[2])
        except ValueError:
            return None
        return (first, last) if first <= last else (last, first)
    reading = parse_when(key, now, tz, lang=actor.lang)
    if isinstance(reading, When):
        day = reading.at.astimezone(tz).date()
        return day, day
    if isinstance(reading, Partial) and reading.day is not None:
        return reading.day, reading.day
    return None


async def listing(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    text: str,
    *,
    page: int | None = None,
) -> None:
    """The workspace's cutovers that `text` asks for, a page of them, the nearest day first.

    `page`: turned to below another page, which it takes the place of.
    """
    authorise(actor, Act.SEE, None, deps.operators)
    now = deps.clock.now()
    query = read_query(text, actor, now)
    tz = zone_of(actor)
    read = [w for w in _words(text) if w not in query.unknown]  # a word that narrows nothing is no condition
    words = " ".join(w for w in read if not _PAGE.match(w))

    def work(tx: Tx) -> None:
        everything = tx.cutovers.list(actor.team, states=query.filter.states, limit=MOST).rows
        found = [cutover for cutover in everything if query.filter.takes(cutover, now, tz)]
        pages = max(1, -(-len(found) // PAGE))
        shown = min(page or query.page, pages)
        rows = found[(shown - 1) * PAGE : shown * PAGE]
        args = {
            "rows": [row(cutover, now, tz) for cutover in rows],
            "total": len(found),
            "page": shown,
            "pages": pages,
            "query": words[:200],
            "unknown": [word[:60] for word in query.unknown[:5]],
            "filtered": bool(words),
        }
        answer = where.private if page is None else where.again
        tx.outbox.put(actor.team, answer(actor, "list", args))

    await transact(deps, actor.team, row_id, work)


def row(cutover: Cutover, now: datetime, tz: ZoneInfo) -> dict[str, object]:
    """One line of a list, as message arguments."""
    next_ = due(cutover, now, tz)
    return {
        "id": cutover.id,
        "domain": cutover.domain,
        "state": cutover.state.value,
        "day": cutover.day.isoformat(),
        "owner": cutover.owner,
        "group": next_.group.value if cutover.is_open else "over",
        "step": next_.step.value if next_.step and cutover.is_open else None,
    }


# --- things to tick -----------------------------------------------------------------------------------


def page_of(item: Item) -> str:
    """The message that shows the item."""
    if item is Item.LOCK_DOWN:
        return "lockdown"
    return "prepare" if item in PREPARE else "tests"


async def tick(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover_id: str, item: Item, *, on: bool
) -> None:
    """Tick an item, or take the tick back; the message that was clicked shows it."""

    def work(tx: Tx) -> None:
        cutover = load(tx, deps, actor, cutover_id, Act.SETTLE)
        if item is Item.LOCK_DOWN and not lock_down_offered(cutover):
            tx.outbox.put(actor.team, where.private(actor, "refuse.not_now", {"state": cutover.state.value}))
            return
        there = item in ticks(tx.history.of(actor.team, cutover.id, kinds=frozenset({TICKED, UNTICKED})))
        if there is not on:
            kind = TICKED if on else UNTICKED
            entry = HistoryEntry(deps.clock.now(), kind, actor.user, {"item": item.value})
            tx.history.append(actor.team, cutover.id, entry)
        if item is Item.LOCK_DOWN and on:
            tx.reminders.withdraw(actor.team, cutover.id, kinds=frozenset({LOCK_DOWN_KIND}))
        tx.outbox.put(actor.team, where.again(actor, page_of(item), cutover_id=cutover.id, lang=cutover.lang))

    await transact(deps, actor.team, row_id, work)


async def go(deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover_id: str) -> None:
    """Somebody answers for the change being made: GO, kept with who and when, for this plan version."""

    def work(tx: Tx) -> None:
        cutover = load(tx, deps, actor, cutover_id, Act.MOVE)
        if cutover.state not in (State.PREPARING, State.CHANGING):
            tx.outbox.put(actor.team, where.private(actor, "refuse.not_now", {"state": cutover.state.value}))
            return
        history = tx.history.of(actor.team, cutover.id, kinds=frozenset({TICKED, UNTICKED}))
        frozen = deps.policy.frozen(cutover.day) is not None
        shown = where.again(actor, "runbook", {"frozen": frozen}, cutover_id=cutover.id, lang=cutover.lang)
        if not may_go(conditions(cutover, ticks(history), deps.clock.now(), frozen=frozen)):
            tx.outbox.put(actor.team, shown)  # an old button: it shows what is missing now
            return
        data = {"plan": cutover.plan_version}
        tx.history.append(actor.team, cutover.id, HistoryEntry(deps.clock.now(), DECIDED, actor.user, data))
        tx.outbox.put(actor.team, shown)

    await transact(deps, actor.team, row_id, work)


# --- files --------------------------------------------------------------------------------------------


async def hand_over(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    kind: str,
    args: dict[str, object],
) -> None:
    """A file: into the cutover's thread when asked for there, else by DM, with a word where it went."""
    authorise(actor, Act.SEE, cutover, deps.operators)
    if where.thread_ts or where.is_dm:
        lang = where.lang or (actor.lang if where.is_dm else cutover.lang)
        message = where.here(actor, kind, args, cutover_id=cutover.id, lang=lang)
        await say(deps, actor.team, row_id, message)
        return
    message = Outgoing(Delivery.DM, kind, args, lang=actor.lang, user=actor.user, cutover_id=cutover.id)
    await say(deps, actor.team, row_id, message, where.private(actor, "sent_by_dm"))


async def text(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    words: str,
    *,
    again: bool = False,
) -> None:
    """A text to copy. `words`: announce or request, ja or en; else the announcement in the actor's.

    `again`: another one was chosen below one, which it takes the place of.
    """
    authorise(actor, Act.SEE, cutover, deps.operators)
    said = unicodedata.normalize("NFKC", words).lower()
    what = "request" if any(word in said for word in ("request", "dns", "依頼")) else "announce"
    lang = next((lang for lang in ("ja", "en") if lang in said.split()), actor.lang)
    args: dict[str, object] = {"what": what, "lang": lang}
    plan: CutoverPlan | None = None
    with suppress(PlanProblem):  # its day has passed: the text has no dates before it
        plan = plan_for(deps, cutover, deps.clock.now())
    if plan is not None:
        due_at = {reminder.kind: reminder.due_at.isoformat() for reminder in plan.reminders}
        args["lower_by"] = due_at.get(ReminderKind.LOWER_TTL)
        args["restore_after"] = due_at.get(ReminderKind.RESTORE_TTL)
        args["safe_from"] = plan.safe_from.isoformat() if plan.safe_from else None
    if where.thread_ts and not where.response_url:
        message = where.here(actor, "text", args, cutover_id=cutover.id)
    elif again and where.is_ephemeral:
        message = where.again(actor, "text", args, cutover_id=cutover.id)
    else:
        message = where.private(actor, "text", args, cutover_id=cutover.id)
    await say(deps, actor.team, row_id, message)


async def people_of(deps: Deps, cutover: Cutover) -> tuple[str, ...]:
    """Everybody who has a part in the cutover, for a report that names them."""
    history = await deps.store.transact(lambda tx: tx.history.of(cutover.team, cutover.id))
    found = [cutover.owner, *cutover.assignees, *(e.actor for e in history if e.actor)]
    found += [state.by for state in cutover.steps.values() if state.by]
    return tuple(dict.fromkeys(found))


# --- what a workspace sets ----------------------------------------------------------------------------


async def set_policy(deps: Deps, actor: Actor, row_id: int | None, policy: Policy) -> None:
    """Keep what was set; the one who set it is told, as everybody is affected."""
    authorise(actor, Act.SET, None, deps.operators)
    now = deps.clock.now()

    def work(tx: Tx) -> None:
        tx.workspaces.set(actor.team, {**policy_to_json(policy), "by": actor.user}, now)
        message = Outgoing(Delivery.DM, "settings_kept", {}, lang=actor.lang, user=actor.user)
        tx.outbox.put(actor.team, message)

    await transact(deps, actor.team, row_id, work)
