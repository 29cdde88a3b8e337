"""A look at DNS because somebody wants to know."""

from bot.domain.authority import Act, Actor, authorise
from bot.domain.checks import Expectation, judge
from bot.domain.facts_json import facts_to_json
from bot.domain.names import BadName, canonical
from bot.ports import Tx
from bot.usecases.allowance import may_look
from bot.usecases.context import Deps, Where, finding_data, say, transact
from bot.usecases.observe import exchanges, findings_for, observe


async def check(deps: Deps, actor: Actor, where: Where, row_id: int | None, text: str) -> None:
    """`check DOMAIN`: everything that DNS tells; taken into the domain's cutover where one is open."""
    authorise(actor, Act.SEE, None, deps.operators)
    try:
        name = canonical(text, deps.rules)
    except BadName as bad:
        args = {"reason": bad.reason.value, "args": dict(bad.args_for_text), "verb": "check"}
        await say(deps, actor.team, row_id, where.private(actor, "bad_name", args))
        return
    cutover = await deps.store.transact(lambda tx: tx.cutovers.open_for(actor.team, name.ascii))
    expected = exchanges(cutover) if cutover else ()
    await may_look(deps, actor)
    facts = await deps.dns.look(name.ascii, expected=expected)
    now = deps.clock.now()
    stored = facts_to_json(facts)

    def work(tx: Tx) -> None:
        present = tx.cutovers.get(actor.team, cutover.id) if cutover else None
        if present is not None and present.is_open:
            findings = findings_for(present, facts, now)
            observe(tx, deps, present, facts)
        else:
            findings = judge(facts, Expectation(now=now))
        args = {"domain": name.unicode, "findings": finding_data(findings), "facts": stored}
        answer = where.here(actor, "check", args) if where.thread_ts else where.private(actor, "check", args)
        tx.outbox.put(actor.team, answer)

    await transact(deps, actor.team, row_id, work)
