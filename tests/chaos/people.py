"""People at work during a fault run, and what became of what they did.

Three things are done, each by one person, at random moments: a form is opened by a command and sent in; a
step is reported in a thread; a private question is asked. Slack's word that the bot took something is what
counts as accepted; what was not taken may be done again, as a person would.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.ports import Delivery
from bot.store.engine import SqlStore
from bot.store.tables import OUTBOX
from bot.store.tx import SqlTx
from bot.workspace.person import CUTOVER, Person, texts

Json = dict[str, Any]

PATIENCE = 120.0  # seconds for a form or its button; the longest outage and two leases are shorter
AGAIN = 1.0  # seconds until a person tries again
GIVEN_UP = 600.0  # seconds, for one form to be taken


@dataclass
class Eyes:
    """What one person sees, fetched piece by piece: the whole would be megabytes each time."""

    person: Person
    private: dict[str, Json] = field(default_factory=dict)  # messages for them alone, by ts
    modal: Json | None = None
    _since: int = -1
    _run: str = ""

    async def look(self) -> None:
        asked = {"user": self.person.user, "since": str(self._since), "run": self._run}
        async with self.person.http.get(f"{self.person.url}/ui/state", params=asked) as answer:
            seen = await answer.json()
        self._since, self._run = seen["rev"], seen["run"]
        self.private |= {m["ts"]: m for m in seen["messages"] if m.get("only_for") == self.person.user}
        self.modal = seen["modal"][-1] if seen["modal"] else None

    async def until(self, found: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """What `found` gives once it gives something; None where it gave nothing in time."""
        ends = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends:
            await self.look()
            if (it := found()) is not None:
                return it
            await asyncio.sleep(0.3)
        return None


@dataclass
class Deeds:
    """What was done, and what came of it."""

    commands: int = 0
    refused: int = 0  # not taken, and Slack said so
    buttons: int = 0  # a button came where a form could not
    unheard: list[str] = field(default_factory=list)  # taken, and neither form nor button came
    opened: list[str] = field(default_factory=list)  # domains whose form was taken
    asked: dict[str, bool] = field(default_factory=dict)  # domain: whether it was taken
    stated: dict[str, str] = field(default_factory=dict)  # ts of the statement: its thread


class Opener:
    """Opens cutovers by `/mxcutover start`, the form, and its submission."""

    def __init__(self, person: Person, deeds: Deeds) -> None:
        self._person = person
        self._eyes = Eyes(person)
        self._deeds = deeds
        self._used: set[str] = set()

    async def open(self, domain: str) -> None:
        """Until Slack says that the form was taken. Raises TimeoutError where that takes too long."""
        async with asyncio.timeout(GIVEN_UP):
            while True:
                view = await self._form(domain)
                if view is not None and await self._sent(view):
                    self._deeds.opened.append(domain)
                    return
                await asyncio.sleep(AGAIN)

    async def _form(self, domain: str) -> Json | None:
        await self._person.close(everything=True)
        if not await self._taken(self._person.command(f"/mxcutover start {domain}")):
            return None
        while True:
            found: Json | None = await self._eyes.until(lambda: self._form_or_button(domain))
            if found is None:
                self._deeds.unheard.append(domain)
                return None
            if found["type"] == "modal":
                return found
            if await self._taken(self._person.click(found, "open_form")):
                self._used.add(found["ts"])
                self._deeds.buttons += 1
            else:
                await asyncio.sleep(AGAIN)

    def _form_or_button(self, domain: str) -> Json | None:
        if self._eyes.modal is not None and domain in texts(self._eyes.modal):
            return self._eyes.modal
        for ts, message in self._eyes.private.items():
            if ts not in self._used and domain in str(message["blocks"]) and "open_form" in str(message):
                return message
        return None

    async def _sent(self, view: Json) -> bool:
        day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        chosen = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp"}
        while True:
            answer = await self._person.submit(view, {**chosen, "date": day, "time": "22:00"})
            if answer["ok"]:
                return True
            assert "errors" not in answer, answer
            if answer["error"] == "view_gone":  # another's view took its place: begin again
                return False
            await asyncio.sleep(AGAIN)

    async def _taken(self, deed: Any) -> bool:
        self._deeds.commands += 1
        answer = await deed
        ok = bool(answer["ok"])
        self._deeds.refused += not ok
        return ok


async def open_all(
    person: Person, domains: Sequence[str], deeds: Deeds, chance: random.Random, gap: float
) -> None:
    opener = Opener(person, deeds)
    for domain in domains:
        await asyncio.sleep(gap * chance.uniform(0.2, 1.2))
        await opener.open(domain)


async def ask_all(
    person: Person, domains: Sequence[str], deeds: Deeds, chance: random.Random, gap: float
) -> None:
    for domain in domains:
        await asyncio.sleep(gap * chance.uniform(0.5, 1.5))
        await ask(person, domain, deeds)


async def ask(person: Person, domain: str, deeds: Deeds) -> None:
    """Ask for a domain, each once only, so that its answers can be told from all others."""
    deeds.asked[domain] = bool((await person.command(f"/mxcutover status {domain}"))["ok"])
    deeds.commands += 1
    deeds.refused += not deeds.asked[domain]


async def state_all(
    person: Person, threads: Sequence[str], deeds: Deeds, chance: random.Random, gap: float
) -> None:
    for thread in threads:
        await asyncio.sleep(gap * chance.uniform(0.5, 1.5))
        said = await person.say("手順3 完了", CUTOVER, thread)
        deeds.stated[str(said["ts"])] = thread


@dataclass
class Outcome:
    """What became of what was accepted, by domain or text. `repeated`: private answers that were said again,
    as their first try's outcome was unknown: Slack has no way of finding such a one again.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


async def outcome(
    deeds: Deeds, seen: Sequence[Json], private: Sequence[Json], undelivered: Sequence[str], store: SqlStore
) -> Outcome:
    """`seen`: the channel's messages by the bot; `private`: what the person who asked got."""
    tries = await tries_of_answers(store)
    found = Outcome(lost=list(deeds.unheard))
    for domain, taken in deeds.asked.items():
        answers = sum(domain in texts(message["blocks"]) for message in private)
        begun = tries.get(domain, [])
        if taken and not answers:
            found.lost.append(domain)
        if len(begun) > 1 or answers > max(begun, default=0):
            found.doubled.append(domain)
        elif answers > 1:
            found.repeated.append(domain)
    replies = Counter(m["thread_ts"] for m in seen if m["is_reply"])
    for ts, thread in deeds.stated.items():
        if not replies[thread] and ts not in undelivered:
            found.lost.append(f"statement {ts}")
        if replies[thread] > 1:
            found.doubled.append(f"statement {ts}")
    for domain in deeds.opened:
        roots = [m for m in seen if not m["is_reply"] and domain in texts(m["blocks"])]
        said = Counter(texts(m["blocks"]) for root in roots for m in seen if in_thread(m, root))
        if not (roots and said):
            found.lost.append(domain)
        twice = [text for text, times in said.items() if times > 1]
        if len(roots) > 1 or twice:
            found.doubled += [f"{domain}: {len(roots)} cutovers", *twice]
    return found


def in_thread(message: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    return bool(message["is_reply"]) and message["thread_ts"] == root["ts"]


async def tries_of_answers(store: SqlStore) -> dict[str, list[int]]:
    """How often each private answer was begun to be sent, by the domain that it names."""
    found: dict[str, list[int]] = {}

    def work(tx: SqlTx) -> None:
        chosen = select(OUTBOX.c.args, OUTBOX.c.attempts).where(OUTBOX.c.delivery == Delivery.RESPONSE.value)
        for args, attempts in tx.connection.execute(chosen):
            found.setdefault(str(args.get("domain")), []).append(attempts)

    await store.transact(work)
    return found
