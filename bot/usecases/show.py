"""Shows what is there: status, list, plan, history."""

from difflib import get_close_matches

from bot.domain.authority import Act, Actor, authorise
from bot.domain.cutover import OPEN_STATES, Cutover
from bot.domain.names import BadName, canonical
from bot.ports import HistoryEntry, Outgoing, Tx
from bot.usecases.context import Deps, Where, say, transact
from bot.usecases.desk import listing

HISTORY_LINES = 30
NEAREST_AMONG = 500  # cutovers that a mistyped domain is compared with

_QUIET = frozenset({"told"})
_FOR_ONE = frozenset({"menu"})  # of no use to the others


async def find(deps: Deps, actor: Actor, text: str) -> Cutover | None:
    """The open cutover of the domain named, else its newest. With nothing named: the actor's only one.

    Raises BadName for a name that is none.
    """
    if text.strip():
        name = canonical(text, deps.rules)
        return await deps.store.transact(
            lambda tx: (
                tx.cutovers.open_for(actor.team, name.ascii) or tx.cutovers.latest_for(actor.team, name.ascii)
            )
        )

    def only_one(tx: Tx) -> Cutover | None:
        for owner in (actor.user, None):
            page = tx.cutovers.list(actor.team, states=OPEN_STATES, owner=owner, limit=2)
            if page.total == 1:
                return page.rows[0]
        return None

    return await deps.store.transact(only_one)


async def named(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, verb: str, text: str
) -> Cutover | None:
    """As `find`; where there is none, the person is told why, and None comes back."""
    authorise(actor, Act.SEE, None, deps.operators)
    try:
        cutover = await find(deps, actor, text)
    except BadName as bad:
        args = {"reason": bad.reason.value, "args": dict(bad.args_for_text), "verb": verb}
        await say(deps, actor.team, row_id, where.private(actor, "bad_name", args))
        return None
    if cutover is None and not text.strip():
        await listing(deps, actor, where, row_id, "")
        return None
    if cutover is None:
        domain = canonical(text, deps.rules).ascii
        nearest = await _nearest(deps, actor, domain)
        message = where.private(actor, "none_for", {"domain": domain}, cutover_id=nearest)
        await say(deps, actor.team, row_id, message)
    return cutover


async def _nearest(deps: Deps, actor: Actor, domain: str) -> str | None:
    """The id of the open cutover whose domain was probably meant."""
    rows = (
        await deps.store.transact(
            lambda tx: tx.cutovers.list(actor.team, states=OPEN_STATES, limit=NEAREST_AMONG)
        )
    ).rows
    ids = {cutover.domain: cutover.id for cutover in rows}
    close = get_close_matches(domain, ids, n=1, cutoff=0.8)
    return ids[close[0]] if close else None


async def about(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover: Cutover, kind: str
) -> None:
    """`kind`: what is shown of it: status, plan, history, menu, prepare, runbook, tests, lockdown."""
    authorise(actor, Act.SEE, cutover, deps.operators)

    def work(tx: Tx) -> None:
        args: dict[str, object] = {}
        if kind == "history":
            entries = [e for e in tx.history.of(actor.team, cutover.id) if e.kind not in _QUIET]
            args = {"rows": [_entry(entry) for entry in entries[-HISTORY_LINES:]]}
        if kind == "runbook":
            args = {"frozen": deps.policy.frozen(cutover.day) is not None}
        tx.outbox.put(actor.team, _answer(where, actor, cutover, kind, args))

    await transact(deps, actor.team, row_id, work)


def _answer(where: Where, actor: Actor, cutover: Cutover, kind: str, args: dict[str, object]) -> Outgoing:
    if kind in _FOR_ONE or where.response_url or not where.thread_ts:
        return where.private(actor, kind, args, cutover_id=cutover.id)
    return where.here(actor, kind, args, cutover_id=cutover.id, lang=where.lang or cutover.lang)


def _entry(entry: HistoryEntry) -> dict[str, object]:
    return {
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "actor": entry.actor,
        "data": dict(entry.data),
    }
