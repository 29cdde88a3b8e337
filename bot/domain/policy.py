"""What a workspace has set: who operates, where the bot may be used, in which language it speaks there."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")
_GROUP = re.compile(r"^S[A-Z0-9]{2,}$")
_MENTION = re.compile(r"^<(?:!subteam\^|@)([A-Z0-9]+)(?:\|[^>]*)?>$")
LONGEST_FREEZE = timedelta(days=366)


class BadPolicy(ValueError):
    """A setting is not as it must be; `word` is what was written."""

    def __init__(self, what: str, word: str) -> None:
        super().__init__(f"{what}: {word!r}")
        self.what = what
        self.word = word


@dataclass(frozen=True, slots=True, order=True)
class Freeze:
    """Days on which nothing is to be changed, both included: the year's end, a company's own."""

    first: date
    last: date

    def __str__(self) -> str:
        return self.first.isoformat() if self.first == self.last else f"{self.first}..{self.last}"


@dataclass(frozen=True, slots=True)
class Policy:
    """`operators`, `viewers`: ids of people and of user groups (S…). Empty: every full member is one.

    Of operators, where viewers are set: every one of those. Empty `channels`: everywhere. DMs are always
    allowed.
    """

    operators: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    langs: Mapping[str, str] = field(default_factory=dict)  # channel id: ja or en, for what all there see
    freezes: tuple[Freeze, ...] = ()
    viewers: frozenset[str] = frozenset()

    def allows(self, channel: str) -> bool:
        """Whether the bot may be used there."""
        return not self.channels or not channel or channel.startswith("D") or channel in self.channels

    def frozen(self, at: datetime) -> Freeze | None:
        """The freeze that `at` falls into, by the day in Asia/Tokyo."""
        day = at.astimezone(TOKYO).date()
        return next((f for f in self.freezes if f.first <= day <= f.last), None)


def operator_ids(words: Iterable[str]) -> frozenset[str]:
    """Ids of people and user groups, bare or as Slack writes a mention: `<!subteam^S0123ABC|@dns-team>`."""
    return frozenset(found[1] if (found := _MENTION.match(word)) else word for word in words)


def groups_in(ids: Iterable[str]) -> tuple[str, ...]:
    """Those ids that are of user groups, in order."""
    return tuple(sorted(one for one in ids if _GROUP.match(one)))


def freezes(words: Iterable[str]) -> tuple[Freeze, ...]:
    """`2026-12-28..2027-01-04`, or one day. Raises BadPolicy, which names the word."""
    found: set[Freeze] = set()
    for word in words:
        first, dots, last = word.partition("..")
        try:
            start = date.fromisoformat(first)
            end = date.fromisoformat(last) if dots else start
        except ValueError:
            raise BadPolicy("freeze", word) from None
        if not timedelta() <= end - start <= LONGEST_FREEZE:
            raise BadPolicy("freeze", word)
        found.add(Freeze(start, end))
    return tuple(sorted(found))


def channel_langs(words: Iterable[str]) -> Mapping[str, str]:
    """`C0123ABC=en`. Raises BadPolicy."""
    found: dict[str, str] = {}
    for word in words:
        channel, _, lang = word.partition("=")
        if not channel or lang not in ("ja", "en"):
            raise BadPolicy("channel language", word)
        found[channel] = lang
    return found


def policy_to_json(policy: Policy) -> dict[str, Any]:
    return {
        "operators": sorted(policy.operators),
        "channels": sorted(policy.channels),
        "langs": dict(policy.langs),
        "freezes": [str(freeze) for freeze in policy.freezes],
        "viewers": sorted(policy.viewers),
    }


def policy_from_json(data: Mapping[str, Any]) -> Policy:
    """What `policy_to_json` gave."""
    return Policy(
        frozenset(data.get("operators", ())),
        frozenset(data.get("channels", ())),
        dict(data.get("langs", {})),
        freezes(data.get("freezes", ())),
        frozenset(data.get("viewers", ())),
    )
