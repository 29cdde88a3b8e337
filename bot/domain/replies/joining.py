"""From the meanings of a reply's clauses to those of the whole."""

from dataclasses import replace

from bot.domain.commands import Verb
from bot.domain.cutover import Step
from bot.domain.replies.model import Meaning, Reply

STANDINGS = frozenset({Meaning.DONE, Meaning.NOT_YET, Meaning.LATER, Meaning.CANT, Meaning.NOT_NEEDED})


def joined(replies: list[Reply], text: str) -> Reply:
    """One reply of several clauses: noise goes when there is more, equal meanings become one."""
    if not replies:
        return Reply(Meaning.NOISE, text)
    telling = [reply for reply in _with_topics(replies) if reply.meaning is not Meaning.NOISE]
    if not telling:
        return Reply(Meaning.NOISE, text)
    clear = [reply for reply in telling if reply.meaning is not Meaning.UNCLEAR]
    merged: list[Reply] = []
    for reply in clear or telling[:1]:
        last = merged[-1] if merged else None
        if last is not None and last.meaning is reply.meaning:
            merged[-1] = _merge(last, reply)
        else:
            merged.append(reply)
    merged = _settle_conflicts(merged)
    return replace(merged[0], also=tuple(merged[1:]))


def _with_topics(replies: list[Reply]) -> list[Reply]:
    """TTLですが、変更できません: a step named in a clause of its own is what the next one speaks of."""
    told: list[Reply] = []
    topic: tuple[Step, ...] = ()
    for reply in replies:
        if reply.meaning in STANDINGS and not reply.steps and topic:
            told.append(replace(reply, steps=topic))
        else:
            told.append(reply)
        topic = reply.steps if reply.meaning is Meaning.UNCLEAR else ()
    return told


def _merge(one: Reply, two: Reply) -> Reply:
    steps = tuple(step for step in Step if step in {*one.steps, *two.steps})
    text = f"{one.text} {two.text}"
    if one.meaning in (Meaning.RESCHEDULE, Meaning.LATER) or one.at is None:
        kept = two if two.at is not None or one.at is None else one
        return replace(kept, text=text, steps=steps, users=one.users + two.users)
    return replace(one, text=text, steps=steps, users=one.users + two.users)


def _settle_conflicts(merged: list[Reply]) -> list[Reply]:
    """A time said beside "not yet" is when to ask again; a doubt about the same step undoes its "done"."""
    meanings = {reply.meaning for reply in merged}
    if Meaning.DONE in meanings:
        # 完了しました。ご確認ください: what is said to be done is looked at anyway.
        merged = [r for r in merged if r.verb is not Verb.CHECK]
    if {Meaning.NOT_YET, Meaning.LATER} <= meanings:
        merged = [r for r in merged if r.meaning is not Meaning.NOT_YET or r.steps]
    if {Meaning.CANT, Meaning.LATER} <= meanings:
        # 今日はできません。明日やります: put off, not impossible.
        merged = [r for r in merged if r.meaning is not Meaning.CANT]
    done = next((r for r in merged if r.meaning is Meaning.DONE), None)
    against = [r for r in merged if r.meaning in (Meaning.NOT_YET, Meaning.CANT)]
    if done and any(not r.steps or not done.steps or set(r.steps) & set(done.steps) for r in against):
        if len({r.steps for r in merged}) == 1:
            return [r for r in merged if r is not done]
        return merged
    return merged
