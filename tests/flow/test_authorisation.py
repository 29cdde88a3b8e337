"""Who may do what, cell by cell: every verb × role × surface, and every button with a forged value.

The expectation is written out here, apart from the code's own table. A cell that is forbidden must leave the
cutover, its reminders and everybody else's screen as they were; one that is allowed must not be refused.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.content.faq_loader import load_tree
from bot.dns.idn import TableRules
from bot.domain.commands import Verb
from bot.domain.cutover import Cutover, MailService, Plan, Product, Snapshot, Step
from bot.domain.facts import DomainFacts
from bot.domain.teams import Team
from bot.holidays import japanese_calendar
from bot.matching import default_matcher
from bot.ports import Delivery, OutboxRow, Person, PlannedReminder
from bot.slack.groups import Groups
from bot.slack.handlers import Handlers
from bot.slack.intake import Delivered, classify
from bot.slack.people import Directory
from bot.slack.submit import Submissions
from bot.usecases.ask import Asker
from bot.usecases.context import Deps
from bot.workspace.clock import MovableClock
from tests.fakes.memory_store import MemoryStore
from tests.unit.dns_facts import GATEWAY, OLD, both

NOW = datetime(2026, 12, 1, 1, tzinfo=UTC)
TEAM, OTHER_TEAM = Team("", "T1"), Team("", "T2")
CHANNEL, THREAD, DM, BOT = "C1", "1764550000.000100", "D1", "U0BOT"
OWNER, ASSIGNEE, OPERATOR, VIEWER, GUEST, FOREIGN = "U1", "U2", "U3", "U4", "U5", "U6"
ROLES = {
    "owner": OWNER,
    "assignee": ASSIGNEE,
    "operator": OPERATOR,
    "viewer": VIEWER,
    "guest": GUEST,
    "foreign": FOREIGN,
}
INSIDE = frozenset({"owner", "assignee", "operator", "viewer"})
WORKING = frozenset({"owner", "assignee", "operator"})
ENDING = frozenset({"owner", "operator"})
ANYBODY = frozenset(ROLES)

# What follows a verb, and which roles it answers.
VERBS: dict[Verb, tuple[str, frozenset[str]]] = {
    Verb.START: ("other.example.jp", INSIDE),
    Verb.STATUS: ("", INSIDE),
    Verb.LIST: ("", INSIDE),
    Verb.CHECK: ("", INSIDE),
    Verb.PLAN: ("", INSIDE),
    Verb.HISTORY: ("", INSIDE),
    Verb.MENU: ("", INSIDE),
    Verb.PREPARE: ("", INSIDE),
    Verb.RUNBOOK: ("", INSIDE),
    Verb.TESTS: ("", INSIDE),
    Verb.TEXT: ("", INSIDE),
    Verb.CALENDAR: ("", INSIDE),
    Verb.REPORT: ("", INSIDE),
    Verb.EXPORT: ("", INSIDE),
    Verb.LOCKDOWN: ("", INSIDE),
    Verb.SETTINGS: ("", INSIDE),
    Verb.RESCHEDULE: ("2026-12-26 22:00", WORKING),
    Verb.ASSIGN: ("<@U7>", WORKING),
    Verb.ROLLBACK: ("", ENDING),
    Verb.CANCEL: ("", ENDING),
    Verb.ASK: ("外部からメールが届かない", INSIDE),
    Verb.HELP: ("", ANYBODY),
}
OF_NO_CUTOVER = frozenset({Verb.START, Verb.LIST, Verb.ASK, Verb.SETTINGS, Verb.HELP})


class StillDns:
    """DNS that always says the old set."""

    async def look(self, domain: str, *, expected: object = ()) -> DomainFacts:
        return replace(both(OLD, 3600), domain=domain, at=NOW)

    async def look_mx(self, domain: str, known: DomainFacts | None = None) -> DomainFacts:
        return await self.look(domain)


class NoSlack:
    """A Web API that nobody answers: what is to be said is read from the outbox."""

    def __init__(self) -> None:
        self.client = AsyncWebClient(token="xoxb-x", base_url="http://127.0.0.1:1/api/", retry_handlers=[])

    async def of(self, team: Team) -> AsyncWebClient | None:
        return None


class StillBase:
    def now(self) -> datetime:
        return NOW


@dataclass
class Office:
    """The handlers with a store in memory and one open cutover."""

    store: MemoryStore
    handlers: Handlers
    submissions: Submissions
    cutover: Cutover
    number: int = 0
    settled: set[int] = field(default_factory=set)

    async def deliver(self, body: dict[str, Any], team: Team = TEAM) -> list[OutboxRow]:
        """What comes in by Slack's door; what is to be said because of it."""
        self.number += 1
        delivered = classify({**body, "trigger_id": f"t{self.number}", "team_id": team.team_id})
        assert delivered is not None, body
        if delivered.kind == "view" and await self.submissions.acknowledge(delivered) is not None:
            return []
        row = await self.store.transact(lambda tx: self._accepted(tx, delivered))
        await self.handlers(row)
        return await self.said()

    def _accepted(self, tx: Any, given: Delivered) -> Any:
        row_id = tx.inbox.accept(f"d{self.number}", given.kind, given.team, given.payload, NOW)
        return tx.inbox.get(row_id)

    async def said(self) -> list[OutboxRow]:
        rows: list[OutboxRow] = []
        while True:
            some = await self.store.transact(
                lambda tx: tx.outbox.claim(NOW + timedelta(days=99), limit=50, lease=timedelta(minutes=1))
            )
            if not some:
                return rows
            rows += some
            for row in some:
                await self._is_sent(row)

    async def _is_sent(self, row: OutboxRow) -> None:
        await self.store.transact(lambda tx: tx.outbox.sent(row.id, row.token, None))

    async def standing(self) -> tuple[Any, ...]:
        """Everything about the cutover that a person could have changed."""

        def read(tx: Any) -> tuple[Any, ...]:
            kept = tx.cutovers.get(TEAM, self.cutover.id)
            pending = [(row.id, row.reminder.kind) for row in tx.reminders.pending(TEAM, self.cutover.id)]
            quiet = ("asked", "told")
            lines = [e for e in tx.history.of(TEAM, self.cutover.id) if e.kind not in quiet]
            settings = tx.workspaces.settings(TEAM)
            return kept, pending, lines, settings, tx.cutovers.list(TEAM).total

        return await self.store.transact(read)


@pytest.fixture
async def office() -> Office:
    return await made()


ASKER = Asker(load_tree(), default_matcher())


async def made() -> Office:
    store, clock = MemoryStore(), MovableClock(StillBase())
    deps = Deps(
        store=store,
        dns=StillDns(),
        clock=clock,
        asker=ASKER,
        calendar=japanese_calendar(()),
        rules=TableRules(),
        name_host=lambda names: None,
        operators=frozenset({OPERATOR}),
    )
    deps = replace(deps, policy=replace(deps.policy, operators=frozenset({OPERATOR})))
    cutover = Cutover(
        id="c1",
        team=TEAM,
        domain="example.co.jp",
        product=Product.MAILGATES,
        plan=Plan.SIGMA,
        mail_service=MailService.GOOGLE,
        expected=GATEWAY,
        day=datetime(2026, 12, 19, 13, tzinfo=UTC),
        owner=OWNER,
        channel=CHANNEL,
        opened_at=NOW,
        assignees=(ASSIGNEE,),
        snapshot=Snapshot(OLD, 3600, ("ns1.dns-host.example.",), None, NOW),
        thread_ts=THREAD,
        asked=Step.TTL,
    )

    def fill(tx: Any) -> None:
        tx.cutovers.add(cutover)
        kept = tx.cutovers.get(TEAM, cutover.id)
        tx.reminders.plan(TEAM, "c1", kept.plan_version, (PlannedReminder("begin", kept.day, "send", {}),))
        for team, user in product((TEAM, OTHER_TEAM), ROLES.values()):
            tx.people.put(team, Person(user, "ja-JP", "Asia/Tokyo", user == GUEST, NOW))

    await store.transact(fill)
    clients = NoSlack()
    directory = Directory(store, clock, clients)
    groups = Groups(deps.clock, clients)
    submissions = Submissions(deps, directory, groups)
    return Office(store, Handlers(deps, directory, clients, submissions, groups), submissions, cutover)


# --- surfaces --------------------------------------------------------------------------------------


def person(role: str) -> dict[str, Any]:
    return {"id": ROLES[role], "team_id": "T9" if role == "foreign" else "T1"}


def command(role: str, verb: Verb, words: str) -> dict[str, Any]:
    subject = "" if verb in OF_NO_CUTOVER else "example.co.jp "
    text = f"{verb.value} {subject}{words}"
    return {"command": "/mxcutover", "text": text, "user_id": ROLES[role], "channel_id": CHANNEL}


def event(role: str, **event_: Any) -> dict[str, Any]:
    home = {"user_team": "T9"} if role == "foreign" else {}
    return {
        "type": "event_callback",
        "event": {"user": ROLES[role], "ts": "1764560000.000200", **home, **event_},
        "authorizations": [{"user_id": BOT}],
    }


def mention(role: str, verb: Verb, words: str) -> dict[str, Any]:
    text = f"<@{BOT}> {verb.value} {words}"
    return event(role, type="app_mention", channel=CHANNEL, thread_ts=THREAD, text=text)


def reply(role: str, verb: Verb, words: str) -> dict[str, Any]:
    text = f"{verb.value} {words}"
    return event(role, type="message", channel=CHANNEL, channel_type="channel", thread_ts=THREAD, text=text)


def dm(role: str, verb: Verb, words: str) -> dict[str, Any]:
    subject = "" if verb in OF_NO_CUTOVER else "example.co.jp "
    text = f"{verb.value} {subject}{words}"
    return event(role, type="message", channel=DM, channel_type="im", text=text)


def press(role: str, action: str, value: dict[str, str], **more: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": person(role),
        "channel": {"id": CHANNEL},
        "container": {"type": "message", "channel_id": CHANNEL, "message_ts": THREAD, "thread_ts": THREAD},
        "message": {"ts": THREAD, "thread_ts": THREAD},
        "actions": [{"action_id": action, "value": json.dumps(value), **more}],
    }


def button(role: str, verb: Verb, words: str) -> dict[str, Any]:
    return press(role, "do", {"c": "c1", "v": verb.value, "w": words})


SURFACES = {"command": command, "mention": mention, "reply": reply, "dm": dm, "button": button}
# A guest's /mxcutover cannot be told from a stranger's of a shared channel: Slack gives no home team there.
CELLS = [
    (verb, role, surface)
    for verb, role, surface in product(VERBS, ROLES, SURFACES)
    if not (role == "foreign" and surface == "command")
]
REFUSALS = frozenset({"not_allowed", "help", "not_here"})


async def judge(office: Office, body: dict[str, Any], role: str, allowed: frozenset[str]) -> None:
    """Deliver `body`; hold what came of it to what `role` may."""
    before = await office.standing()
    said = await office.deliver(body)
    after = await office.standing()
    kinds = {row.message.kind for row in said}
    if role in allowed:
        assert "not_allowed" not in kinds
        return
    assert after == before
    if role in INSIDE:
        assert kinds & {"not_allowed"} or not kinds
    else:
        assert kinds <= REFUSALS
    for row in said:
        message = row.message
        private = message.delivery in (Delivery.EPHEMERAL, Delivery.RESPONSE, Delivery.DM)
        assert private or message.channel == DM, f"{message.kind} is seen by others"
        assert message.user in (None, ROLES[role])


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.value)
async def test_every_verb_by_every_role_at_every_surface(verb: Verb, surface: str) -> None:
    words, allowed = VERBS[verb]
    if surface == "button":
        allowed &= INSIDE  # a button stands beside a cutover, which a guest may not see
    for _, role, _ in (cell for cell in CELLS if cell[0] is verb and cell[2] == surface):
        office = await made()
        body = SURFACES[surface](role, verb, words)
        await judge(office, body, role, allowed)


def test_the_table_leaves_no_verb_out() -> None:
    assert set(VERBS) == set(Verb)


# --- buttons, with the values that they carry ----------------------------------------------------------

DAY = "2026-12-26T13:00:00+00:00"
BUTTONS: dict[str, tuple[dict[str, str], frozenset[str]]] = {
    "step_done": ({"c": "c1", "s": "ttl"}, WORKING),
    "step_cant": ({"c": "c1", "s": "ttl"}, WORKING),
    "step_not_needed": ({"c": "c1", "s": "ttl"}, WORKING),
    "step_later": ({"c": "c1", "s": "ttl"}, WORKING),
    "step_not_yet": ({"c": "c1", "s": "ttl"}, WORKING),
    "tick": ({"c": "c1", "i": "inventory"}, WORKING),
    "untick": ({"c": "c1", "i": "inventory"}, WORKING),
    "go": ({"c": "c1"}, WORKING),
    "flip": ({"c": "c1"}, WORKING),
    "override_open": ({"c": "c1"}, ENDING),
    "assign_pick": ({"c": "c1", "u": "U7"}, WORKING),
    "reschedule": ({"c": "c1", "at": DAY}, WORKING),
    "reschedule_pick": ({"c": "c1", "at": DAY}, WORKING),
    "cancel": ({"c": "c1"}, ENDING),
    "rollback": ({"c": "c1"}, ENDING),
    "retry_root": ({"c": "c1"}, WORKING),
    "check": ({"c": "c1"}, INSIDE),
    "plan": ({"c": "c1"}, INSIDE),
    "history": ({"c": "c1"}, INSIDE),
    "status": ({"c": "c1"}, INSIDE),
    "menu": ({"c": "c1"}, INSIDE),
    "list": ({}, INSIDE),
    "open_form": ({"d": "other.example.jp"}, INSIDE),
    "settings_open": ({}, frozenset({"operator"})),
    "faq": ({"v": "nothing"}, INSIDE),
    "faq_helped": ({"e": "nothing"}, INSIDE),
    "faq_not_helped": ({"e": "nothing"}, INSIDE),
    "no_such_button": ({"c": "c1"}, ANYBODY),
}


@pytest.mark.parametrize("action", BUTTONS)
async def test_every_button_by_every_role(action: str) -> None:
    value, allowed = BUTTONS[action]
    for role in ROLES:
        await judge(await made(), press(role, action, value), role, allowed)


@pytest.mark.parametrize("action", BUTTONS)
async def test_a_button_of_another_workspace_finds_nothing(action: str) -> None:
    """The owner's own id, the right cutover id, and a team that is not the cutover's."""
    office = await made()
    before = await office.standing()
    body = press("operator", action, BUTTONS[action][0])
    body["user"]["team_id"] = "T2"
    said = await office.deliver(body, OTHER_TEAM)
    assert await office.standing() == before
    for row in said:
        assert row.team == OTHER_TEAM
        assert "example.co.jp" not in json.dumps(dict(row.message.args))


FORGED: list[dict[str, str]] = [
    {"c": "c2"},
    {"c": ""},
    {},
    {"c": "c1' OR '1'='1", "s": "ttl"},
    {
        "c": "c1",
        "s": "no such step",
        "i": "no such item",
        "v": "no such verb",
        "at": "soon",
        "u": "<!channel>",
    },
    {"c": "c1", "s": "", "at": "2026-12-26", "p": "-1"},
    {"c": "../c1", "v": "cancel"},
    {"c": "c1", "owner": VIEWER, "role": "owner", "team": "T1", "user": OWNER},
]


@pytest.mark.parametrize("value", FORGED, ids=range(len(FORGED)))
async def test_a_forged_value_gives_a_viewer_nothing(value: dict[str, str]) -> None:
    office = await made()
    before = await office.standing()
    for action, (_, allowed) in BUTTONS.items():
        if "viewer" in allowed:
            continue
        await office.deliver(press("viewer", action, value))
    assert await office.standing() == before


@pytest.mark.parametrize("raw", ["", "null", "[]", "7", '"c1"', "{", '{"c": {"a": 1}}', "c1"])
async def test_a_value_that_is_no_object_is_put_aside(raw: str) -> None:
    office = await made()
    before = await office.standing()
    for action in BUTTONS:
        if action.startswith("faq_"):
            continue  # whether an answer helped needs no value
        body = press("owner", action, {})
        body["actions"][0]["value"] = raw
        await office.deliver(body)
    assert await office.standing() == before


# --- forms --------------------------------------------------------------------------------------------


def submission(role: str, callback: str, metadata: str) -> dict[str, Any]:
    entered = {
        "plan": {"selected_option": {"value": "standard"}},
        "service": {"selected_option": {"value": "google"}},
        "mx": {"value": "10 mgf.cybermail.jp"},
        "date": {"selected_date": "2026-12-19"},
        "time": {"selected_time": "22:00"},
        "domain": {"value": "taken.example.jp"},
        "operators": {"selected_users": [VIEWER]},
        "reason": {"value": "because"},
    }
    values = {name: {name: given} for name, given in entered.items()}
    view = {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": metadata,
        "state": {"values": values},
    }
    return {"type": "view_submission", "user": person(role), "view": view}


CALLBACKS = ("start_form", "start", "settings", "settings_form", "override", "override_form", "refused", "x")
METADATA = ("", "c1", "nobody's", '{"c":"c1"}', "form:1", "c=c1", '{"user":"U1"}')


@pytest.mark.parametrize("role", ["viewer", "guest", "foreign"])
async def test_forged_metadata_opens_and_changes_nothing(role: str) -> None:
    office = await made()
    before = await office.standing()
    for callback, metadata in product((*CALLBACKS, *known_callbacks()), METADATA):
        await office.deliver(submission(role, callback, metadata))
    assert await office.standing() == before


def known_callbacks() -> Iterator[str]:
    """Those that the code has, whatever they are called."""
    from bot.slack import forms, settings_form, watch

    for module in (forms, settings_form, watch):
        for name in dir(module):
            value = getattr(module, name)
            if name.isupper() and isinstance(value, str):
                yield value


async def test_a_form_is_its_own_persons(office: Office) -> None:
    """A form's id, seen or guessed, is of no use to another."""
    from bot.slack.forms import CALLBACK
    from bot.usecases.start import form_key

    keep = {"user": OWNER, "channel": CHANNEL, "domain": "taken.example.jp"}
    await office.store.transact(lambda tx: tx.places.put(TEAM, form_key("f1"), keep, NOW))
    before = await office.standing()
    await office.deliver(submission("viewer", CALLBACK, "f1"))
    await office.deliver(submission("guest", CALLBACK, "f1"))
    assert await office.standing() == before
    await office.deliver(submission("owner", CALLBACK, "f1"))
    assert (await office.standing())[-1] == 2
