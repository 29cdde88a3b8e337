"""Values for the store's tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.cutover import (
    Cutover,
    Instants,
    MailService,
    Plan,
    Product,
    Snapshot,
    Step,
    StepState,
    StepStatus,
)
from bot.domain.facts import DomainFacts, MxAnswer, MxRecord, Outcome, Server
from bot.domain.mx import Mx, mx_set
from bot.domain.teams import Team
from bot.ports import Delivery, Outgoing, PlannedReminder

NOW = datetime(2026, 11, 24, 3, 0, 0, 123456, tzinfo=UTC)
A = Team("", "T_A")
B = Team("", "T_B")
GRID_A = Team("E_1", "T_A")  # the same team_id within an organisation is another team
LONG = timedelta(minutes=5)
GONE = timedelta(seconds=-1)  # a lease that has run out by the database's clock


def cutover(number: int = 1, team: Team = A, **changes: Any) -> Cutover:
    made = Cutover(
        id=f"c{number}",
        team=team,
        domain=f"example{number}.co.jp",
        product=Product.MAILGATES,
        plan=Plan.SIGMA,
        mail_service=MailService.GOOGLE,
        expected=mx_set([Mx(10, "mgf.cybermail.jp.")]),
        day=NOW + timedelta(days=11, hours=number),
        owner="U_OWNER",
        channel="C_OPS",
        opened_at=NOW,
        steps={Step.TTL: StepState(StepStatus.DONE, by="U_OWNER", at=NOW, verified=True)},
        snapshot=Snapshot(mx_set([Mx(10, "mx.example.co.jp.")]), 3600, ("ns1.example.co.jp.",), None, NOW),
        instants=Instants(t_lowered=NOW),
        asked=Step.CONNECTOR,
        assignees=("U_1", "U_2"),
    )
    return replace(made, **changes)


def reminder(kind: str = "ttl", due: timedelta = timedelta(0), **args: Any) -> PlannedReminder:
    return PlannedReminder(kind=kind, due_at=NOW + due, late="send", args=args)


def post(channel: str = "C_OPS", kind: str = "hello", **more: Any) -> Outgoing:
    return Outgoing(delivery=Delivery.POST, kind=kind, channel=channel, **more)


def facts(at: datetime = NOW, domain: str = "example1.co.jp", ttl: int = 300) -> DomainFacts:
    server = Server("ns1.example.co.jp.", "192.0.2.1", 5353)
    answer = MxAnswer(
        server=server,
        at=at,
        outcome=Outcome.ANSWER,
        authoritative=True,
        rcode="NOERROR",
        records=(MxRecord(Mx(10, "mx.example.co.jp."), ttl),),
    )
    return DomainFacts(domain=domain, at=at, authoritative=(answer,), nameservers=("ns1.example.co.jp.",))
