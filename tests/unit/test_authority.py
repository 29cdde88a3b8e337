"""Who may do what: the table, cell by cell."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.authority import ALLOWED, Act, Actor, NotAllowed, Role, authorise, role_of
from bot.domain.cutover import Cutover, MailService, Plan, Product
from bot.domain.mx import Mx
from bot.domain.teams import Team

TEAM = Team("", "T1")
AT = datetime(2026, 12, 1, tzinfo=UTC)
CUTOVER = Cutover(
    id="c1",
    team=TEAM,
    domain="example.co.jp",
    product=Product.MAILGATES,
    plan=Plan.SIGMA,
    mail_service=MailService.GOOGLE,
    expected=frozenset({Mx(10, "mgf.cybermail.jp.")}),
    day=AT,
    owner="U1",
    channel="C1",
    opened_at=AT,
    assignees=("U2",),
)
OPERATORS = frozenset({"U3"})
PEOPLE = {
    Role.OWNER: Actor(TEAM, "U1"),
    Role.ASSIGNEE: Actor(TEAM, "U2"),
    Role.OPERATOR: Actor(TEAM, "U3"),
    Role.VIEWER: Actor(TEAM, "U4"),
    Role.STRANGER: Actor(TEAM, "U5", is_viewer=False),
    Role.OUTSIDER: Actor(TEAM, "U1", is_guest=True),
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("act", list(Act))
def test_the_table_is_what_is_enforced(role: Role, act: Act) -> None:
    actor = PEOPLE[role]
    assert role_of(actor, CUTOVER, OPERATORS) is role
    if role in ALLOWED[act]:
        authorise(actor, act, CUTOVER, OPERATORS)
    else:
        with pytest.raises(NotAllowed):
            authorise(actor, act, CUTOVER, OPERATORS)


def test_a_guest_who_owns_a_cutover_may_not_even_look() -> None:
    with pytest.raises(NotAllowed):
        authorise(PEOPLE[Role.OUTSIDER], Act.SEE, CUTOVER, OPERATORS)


def test_somebody_of_another_workspace_is_an_outsider_whatever_their_id() -> None:
    stranger = Actor(Team("", "T2"), "U1")
    assert role_of(stranger, CUTOVER, OPERATORS) is Role.OUTSIDER
    assert role_of(replace(PEOPLE[Role.OWNER], is_foreign=True), CUTOVER, OPERATORS) is Role.OUTSIDER


def test_without_operators_every_full_member_is_one() -> None:
    authorise(PEOPLE[Role.VIEWER], Act.END, CUTOVER, frozenset())


def test_who_is_named_needs_to_be_no_viewer_and_without_operators_viewers_are_they() -> None:
    for role in (Role.OWNER, Role.ASSIGNEE, Role.OPERATOR):
        assert role_of(replace(PEOPLE[role], is_viewer=False), CUTOVER, OPERATORS) is role
    assert role_of(PEOPLE[Role.STRANGER], CUTOVER, frozenset()) is Role.STRANGER
    assert role_of(PEOPLE[Role.VIEWER], CUTOVER, frozenset()) is Role.OPERATOR


def test_a_refusal_says_who_could() -> None:
    with pytest.raises(NotAllowed) as refusal:
        authorise(PEOPLE[Role.ASSIGNEE], Act.END, CUTOVER, OPERATORS)
    assert refusal.value.who_may == ("U1", "U3")
    with pytest.raises(NotAllowed) as refusal:
        authorise(PEOPLE[Role.VIEWER], Act.SETTLE, CUTOVER, OPERATORS)
    assert refusal.value.who_may == ("U1", "U2", "U3")


def test_a_refusal_names_nobody_of_another_workspace() -> None:
    with pytest.raises(NotAllowed) as refusal:
        authorise(Actor(Team("", "T2"), "U9"), Act.SETTLE, CUTOVER, frozenset())
    assert refusal.value.who_may == ()
