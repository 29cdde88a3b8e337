"""Texts to copy: the announcement to the users, and the request to the company that runs the DNS."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.content import TOKYO, say
from bot.domain.cutover import Cutover, Step, StepStatus
from bot.domain.mx import zone_line
from bot.domain.plan import LOW_TTL, CutoverPlan, ReminderKind

INDENT = {"ja": "　　", "en": "       "}


@dataclass(frozen=True, slots=True)
class Change:
    """What the texts are filled with. Instants are aware; `ttl` in seconds, None when unknown.

    `old` and `new`: zone lines. `lower_by` None: the TTL need not or cannot be lowered. `safe_from`:
    from when no cache that obeys TTLs holds the old MX. `restore_after`: when ten stable days are over.
    """

    domain: str
    at: datetime
    old: Sequence[str]
    new: Sequence[str]
    ttl: int | None = None
    lower_by: datetime | None = None
    restore_after: datetime | None = None
    safe_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body, each ready to copy."""

    subject: str
    body: str

    def __str__(self) -> str:
        return f"{self.subject}\n\n{self.body}\n"


def change_of(cutover: Cutover, plan: CutoverPlan, shown_domain: str) -> Change:
    """What a cutover and its plan put into the texts. `shown_domain`: as people read it (日本語.jp)."""
    due = {reminder.kind: reminder.due_at for reminder in plan.reminders}
    return change_at(
        cutover,
        shown_domain,
        lower_by=due.get(ReminderKind.LOWER_TTL),
        restore_after=due.get(ReminderKind.RESTORE_TTL),
        safe_from=plan.safe_from,
    )


def change_at(
    cutover: Cutover,
    shown_domain: str,
    *,
    lower_by: datetime | None = None,
    restore_after: datetime | None = None,
    safe_from: datetime | None = None,
) -> Change:
    """As `change_of`, of instants that were worked out before."""
    snapshot = cutover.snapshot
    in_force = snapshot.ttl if snapshot and snapshot.ttl is not None else LOW_TTL
    # On the day the lines carry the lowered TTL, unless the DNS service cannot change one (B4).
    skipped = cutover.step(Step.TTL).status is StepStatus.SKIPPED
    ttl = in_force if skipped else min(in_force, LOW_TTL)
    old = sorted(snapshot.mx) if snapshot else []
    return Change(
        domain=shown_domain,
        at=cutover.day,
        old=[zone_line(cutover.domain, mx, ttl) for mx in old],
        new=[zone_line(cutover.domain, mx, ttl) for mx in sorted(cutover.expected)],
        ttl=snapshot.ttl if snapshot else None,
        lower_by=lower_by,
        restore_after=restore_after,
        safe_from=safe_from,
    )


def announcement(change: Change, lang: str, tz: ZoneInfo = TOKYO) -> Letter:
    """To the users, before the day. It promises no more than is known: mail may be late."""
    body = say("text.announce.body", lang, tz=tz, domain=change.domain, at=change.at)
    if change.safe_from is not None:
        body += "\n" + say("text.announce.old_until", lang, tz=tz, safe_from=change.safe_from)
    body += "\n\n" + say("text.announce.end", lang, tz=tz)
    return Letter(say("text.announce.subject", lang, tz=tz, at=change.at), body)


def dns_request(change: Change, lang: str, tz: ZoneInfo = TOKYO) -> Letter:
    """To the DNS company: lower the TTL where that is to be done, change the MX, restore the TTL."""
    tasks: list[str] = []

    def task(key: str, **args: Any) -> None:
        number = str(len(tasks) + 1)
        tasks.append(say(f"text.request.{key}", lang, tz=tz, number=number, domain=change.domain, **args))

    lowers = change.lower_by is not None and (change.ttl is None or change.ttl > LOW_TTL)
    if lowers:
        task("lower", lower_by=change.lower_by, ttl_now=_ttl("lower_from", change.ttl, lang))
    task(
        "change",
        at=change.at,
        old=_lines(change.old, lang),
        new=_lines(change.new, lang),
        sample=_host(change),
    )
    if lowers and change.restore_after is not None:
        task("restore", restore_after=change.restore_after, ttl_old=_ttl("restore_to", change.ttl, lang))
    parts = [
        say("text.request.head", lang, domain=change.domain),
        *tasks,
        say("text.request.internal", lang),
        say("text.request.end", lang),
    ]
    subject = say("text.request.subject", lang, tz=tz, domain=change.domain, at=change.at)
    return Letter(subject, "\n\n".join(parts))


def _ttl(key: str, ttl: int | None, lang: str) -> str:
    """Said only where it is known; `say` strips, so the English blank in front is put back."""
    if ttl is None:
        return ""
    text = say(f"text.request.{key}", lang, ttl=ttl)
    return text if lang == "ja" else f" {text}"


def _lines(lines: Sequence[str], lang: str) -> str:
    return "\n".join(f"{INDENT[lang]}{line}" for line in lines) or say("text.request.old_unknown", lang)


def _host(change: Change) -> str:
    """The new exchange as it would stand with a dot missing."""
    return change.new[0].split()[-1].rstrip(".") if change.new else "mx"
