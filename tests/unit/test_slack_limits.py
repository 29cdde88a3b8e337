"""Every message of the desk within Slack's limits, with the longest names there can be.

The judge is the local workspace's validator: Slack's own limits, those that its SDK lets through included.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.authority import Actor
from bot.domain.cutover import Instants, MailService, Snapshot, State, Step, StepState, StepStatus
from bot.domain.desk import TICKED, Item
from bot.domain.mx import Mx
from bot.domain.policy import Policy, freezes
from bot.ports import Delivery, HistoryEntry, Outgoing, ReminderRow
from bot.slack import home, settings_form
from bot.slack.files import inline
from bot.slack.material import Material
from bot.slack.render import render
from bot.slack.rendered import Rendered
from bot.slack.voice import Voice
from bot.usecases.context import Deps
from bot.usecases.desk import row
from bot.workspace.validate import require_message, require_view
from tests.contract.samples import NOW, A, cutover, facts, reminder
from tests.fakes.memory_store import MemoryStore

LABEL = "x" * 63
LONGEST = ".".join([LABEL, LABEL, LABEL, "x" * 61])  # 253 characters
REASON = "とても長い理由" * 60
TOKYO = ZoneInfo("Asia/Tokyo")

HUGE = replace(
    cutover(1),
    domain=LONGEST,
    expected=frozenset(Mx(n, f"{LONGEST}.") for n in range(20)),
    snapshot=Snapshot(
        frozenset(Mx(n, f"{LONGEST}.") for n in range(20)),
        86400,
        tuple(f"ns{n}.{LONGEST[6:]}." for n in range(30)),
        None,
        NOW,
    ),
    steps={step: StepState(StepStatus.SKIPPED, by="U_OWNER", at=NOW, reason=REASON) for step in Step},
    assignees=tuple(f"U{n:010}" for n in range(60)),
    instants=Instants(NOW, NOW, NOW, NOW + timedelta(days=1)),
)
FRESH = replace(HUGE, steps={}, instants=Instants())
HISTORY = [HistoryEntry(NOW, TICKED, "U_OWNER", {"item": item.value}) for item in Item] + [
    HistoryEntry(NOW, "step_skipped", "U_OWNER", {"step": "ttl", "reason": REASON}) for _ in range(200)
]
PENDING = [ReminderRow(n, A, "c1", 1, reminder("connector", mail_service="google")) for n in range(40)]
ROWS = [row(replace(HUGE, id=f"c{n}"), NOW, TOKYO) for n in range(15)]
ENTRIES = [
    {"at": NOW.isoformat(), "kind": e.kind, "actor": e.actor, "data": dict(e.data)} for e in HISTORY[-30:]
]

MESSAGES: list[tuple[str, Mapping[str, Any]]] = [
    *((kind, {}) for kind in ("root", "status", "menu", "prepare", "runbook", "tests", "lockdown", "plan")),
    *((kind, {}) for kind in ("assign_who", "cancel_ask", "rollback_ask", "already_open")),
    (
        "list",
        {"rows": ROWS, "total": 200, "page": 7, "pages": 14, "query": "x" * 200, "unknown": ["y" * 60] * 5},
    ),
    ("history", {"rows": ENTRIES}),
    ("text", {"what": "announce", "lang": "ja"}),
    ("text", {"what": "request", "lang": "en", "lower_by": NOW.isoformat()}),
    ("report", {}),
    ("picture", {}),
    ("export", {"form": "csv"}),
    ("calendar", {}),
    ("later_ask", {"step": "ttl", "times": [NOW.isoformat()] * 3}),
    ("unclear", {"nearest": "done", "steps": [step.value for step in Step]}),
    ("reschedule_ask", {"days": [], "needs": ["date", "time"]}),
    ("reschedule_ask", {"days": [(NOW + timedelta(n)).isoformat() for n in range(4)], "needs": ["which"]}),
    (
        "settings",
        {
            "operators": [f"U{n:010}" for n in range(300)],
            "channels": [f"C{n:010}" for n in range(300)],
            "langs": {f"C{n:010}": "en" for n in range(300)},
            "freezes": ["2026-12-28..2027-01-04"] * 200,
        },
    ),
    ("not_here", {"channels": [f"C{n:010}" for n in range(300)]}),
    ("unknown_command", {"word": "w" * 300, "nearest": "status", "rest": LONGEST}),
]


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("subject", [HUGE, FRESH, replace(HUGE, state=State.STABILISING)])
@pytest.mark.parametrize(("kind", "args"), MESSAGES)
def test_messages(lang: str, subject: Any, kind: str, args: Mapping[str, Any]) -> None:
    material = Material(NOW, subject, PENDING, history=HISTORY, looks=[facts()])
    shown = render(Outgoing(Delivery.POST, kind, args, lang=lang, cutover_id="c1"), material)
    for rendered in (shown, inline(Voice(lang), shown)):
        taken(rendered)


def taken(rendered: Rendered) -> None:
    assert 0 < len(rendered.text) <= 4000
    require_message(rendered.text, list(rendered.blocks or ()))


class _FixedClock:
    def now(self) -> Any:
        return NOW


@pytest.mark.parametrize("count", [0, 1, 200])
@pytest.mark.parametrize("page", ["1", "2", "10", "999", "x"])
async def test_home_with_many(count: int, page: str) -> None:
    store = MemoryStore()

    def fill(tx: Any) -> None:
        for n in range(count):
            name = f"{n}{LONGEST[len(str(n)) :]}"
            tx.cutovers.add(
                replace(HUGE, id=f"c{n}", domain=name, state=State.WATCHING, mail_service=MailService.OTHER)
            )

    await store.transact(fill)
    deps = Deps(store, None, _FixedClock(), None, None, None, lambda _: None)  # type: ignore[arg-type]
    for mine in ("0", "1"):
        view = await home.view(deps, Actor(A, "U_OWNER"), {"p": page, "m": mine})
        require_view(view)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_settings_form(lang: str) -> None:
    policy = Policy(
        frozenset(f"U{n}" for n in range(99)), frozenset(), {"C1": "en", "C2": "ja"}, freezes(["2026-12-28"])
    )
    for each in (policy, Policy()):
        require_view(
            settings_form.view(Voice(lang), each, {f"S{n:010}": "@" + "g" * 100 for n in range(100)})
        )
