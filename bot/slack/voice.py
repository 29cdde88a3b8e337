"""The words of a message: content/ in the reader's language, every value made harmless first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.content import has, say, show_instant
from bot.content.findings import finding_text
from bot.content.plan_text import note_line, reminder_line
from bot.content.reply_text import at_text, needs_text
from bot.domain.cutover import Cutover, Step
from bot.domain.findings import Finding, Severity, Status
from bot.slack.elements import escape

TOKYO = ZoneInfo("Asia/Tokyo")


def value(raw: Any) -> Any:
    """A stored argument as it was before it became JSON."""
    if isinstance(raw, Mapping) and set(raw) == {"at"}:
        return datetime.fromisoformat(raw["at"])
    return raw


def instant(raw: Any) -> datetime | None:
    """An instant that was stored as ISO text."""
    if raw is None:
        return None
    restored = value(raw)
    return restored if isinstance(restored, datetime) else datetime.fromisoformat(str(raw))


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaks one language in one time zone."""

    lang: str
    tz: ZoneInfo = TOKYO

    def __call__(self, key: str, **args: Any) -> str:
        return say(key, self.lang, escape=escape, tz=self.tz, **{k: value(v) for k, v in args.items()})

    def raw(self, key: str, **args: Any) -> str:
        """With values as they are: for arguments that were rendered, or are Slack's own marks."""
        return say(key, self.lang, tz=self.tz, **{k: value(v) for k, v in args.items()})

    def has(self, key: str) -> bool:
        return has(key)

    def step(self, step: Step, cutover: Cutover | None = None) -> str:
        """The step's line of the checklist."""
        if step is Step.CONNECTOR:
            service = cutover.mail_service.value if cutover else "other"
            return self(f"step.connector.{service}")
        return self(f"step.{step.value}")

    def short(self, step: Step) -> str:
        return self(f"step.short.{step.value}")

    def how(self, step: Step, cutover: Cutover | None = None) -> str:
        """How the step is done; empty where the reminder itself says it."""
        key = f"step.how.{step.value}"
        if step is Step.CONNECTOR:
            key += f".{cutover.mail_service.value if cutover else 'other'}"
        return self(key) if has(key) else ""

    def finding(self, data: Mapping[str, Any]) -> tuple[str, str]:
        """A finding's text and its remedy."""
        finding = Finding(
            data["id"], Status(data["status"]), Severity(data["severity"]), data.get("args") or {}
        )
        return finding_text(finding, self.lang, escape=escape)

    def at(self, moment: datetime) -> str:
        """An instant by itself."""
        return show_instant(moment, self.lang, self.tz)

    def at_assumed(self, moment: datetime, assumed: Iterable[str]) -> str:
        """An instant, and what was read into the words that named it."""
        return at_text(moment, assumed, self.lang, self.tz)

    def needs(self, args: Mapping[str, Any]) -> str:
        """The one question that a reply leads to which does not say all that is needed."""
        day = args.get("day")
        return needs_text(
            args.get("needs") or ("date", "time"),
            self.lang,
            day=date.fromisoformat(day) if day else None,
            readings=args.get("readings") or (),
            trouble=args.get("trouble"),
            tz=self.tz,
        )

    def reminder(self, kind: str, args: Mapping[str, Any]) -> str:
        """One line on what a planned reminder is for."""
        return reminder_line(kind, args, self.lang, escape=escape, tz=self.tz)

    def note(self, code: str, args: Mapping[str, Any]) -> str:
        """What is said along with a plan."""
        words = {name: value(raw) for name, raw in args.items()}
        return note_line(code, words, self.lang, escape=escape, tz=self.tz)
