"""What is said in a cutover's thread unasked: what a look at DNS showed, and what is to be done now."""

from collections.abc import Mapping
from typing import Any

from bot.domain.cutover import Cutover, Step
from bot.domain.plan import LOW_TTL
from bot.domain.progress import was_lowered
from bot.slack import elements as el
from bot.slack.material import Material
from bot.slack.names import shown_name
from bot.slack.rendered import Rendered
from bot.slack.thread import EXPOSED, done_buttons, finding_lines, only, server_lines
from bot.slack.voice import Voice, instant

Args = Mapping[str, Any]


def told(voice: Voice, material: Material, cutover: Cutover, args: Args, kind: str) -> Rendered:
    """What a look at DNS showed, and what is to be done now."""
    name = kind.removeprefix("told.")
    match name:
        case "ttl_lowered":
            text = voice(kind)
            safe = instant(args.get("safe_to_flip"))
            if safe is not None and safe > material.now:
                text += "\n" + voice("instant.safe_to_flip", safe_at=safe)
            return only(text)
        case "mx_some":
            new, other, silent = args["new"], args["other"], args["silent"]
            text = voice(kind, count=len(new), total=len(new) + len(other) + len(silent))
            lines = [f"✅ {el.escape(server)}" for server in new]
            lines += [f"⬜ {el.escape(server)}" for server in other]
            lines += [f"❔ {el.escape(server)}" for server in silent]
            return only("\n".join([text, *lines[:20], voice("told.mx_some.go_on")]))
        case "mx_all":
            return _mx_all(voice, cutover, args)
        case "mx_wrong":
            return only("\n\n".join([voice(kind), *finding_lines(voice, args["findings"])]))
        case "safe":
            text = voice(kind, safe_at=instant(args["t_safe"]))
            delivers_there = not cutover.step(Step.DELIVERY).settled
            return only(text + ("\n" + voice("told.safe.delivery_open") if delivers_there else ""))
        case "drift":
            return only(voice.raw(kind, servers=server_lines(voice, args["servers"])))
        case "rolled_back":
            gone = instant(args.get("gone_by"))
            text = voice(kind, safe_at=gone if gone is not None else voice("root.unknown"))
            before = cutover.snapshot.ttl if cutover.snapshot else None
            if before is not None and before > LOW_TTL and was_lowered(cutover):
                text += "\n" + voice("cancel.ttl_left", ttl=before)
            return only(text)
        case "first_seen":
            return only(_first_seen(voice, cutover))
        case "finished" if not cutover.step(Step.OUTSIDE_TEST).settled:
            text = voice(kind, domain=shown_name(cutover.domain))
            return only(text + "\n" + voice("told.finished.untested"))
    return only(voice(kind, domain=shown_name(cutover.domain)))


def _first_seen(voice: Voice, cutover: Cutover) -> str:
    """What the servers say now that could not be asked when the cutover was opened."""
    snapshot = cutover.snapshot
    if snapshot is None or snapshot.ttl is None:
        return voice("told.first_seen")
    key = "opened.ttl" if snapshot.ttl > LOW_TTL else "opened.no_ttl"
    return voice("told.first_seen") + "\n" + voice(key, ttl=snapshot.ttl)


def _mx_all(voice: Voice, cutover: Cutover, args: Args) -> Rendered:
    waiting = [step for step in (Step.ADMIN, *EXPOSED) if not cutover.step(step).settled]
    text = voice("told.mx_all", at=instant(args["t_flip"]))
    if waiting:
        steps = "\n\n".join(f"*{voice.step(step, cutover)}*\n{voice.how(step, cutover)}" for step in waiting)
        text += "\n" + voice.raw("told.mx_all.steps", steps=steps)
    safe = instant(args.get("t_safe"))
    if safe is not None:
        text += "\n\n" + voice("instant.t_safe", safe_at=safe)
    # Step 2 is the way to 3 and 4: it is the last of the buttons, though the first of the steps.
    order = [step for step in (*EXPOSED, Step.ADMIN) if step in waiting]
    if not cutover.step(Step.CONNECTOR).settled:
        text += "\n\n" + voice.raw("told.mx_all.connector", step=voice.step(Step.CONNECTOR, cutover))
        order.append(Step.CONNECTOR)
    return only(text, *el.actions(done_buttons(voice, cutover, order)))
