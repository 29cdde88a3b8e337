"""Operators by Slack user group: as Slack says at this moment, and nobody where it does not say."""

from bot.domain.policy import Policy, policy_to_json
from bot.workspace.person import ALICE, KEN
from tests.flow.conftest import House
from tests.flow.test_desk import TEAM
from tests.flow.test_opening import private
from tests.flow.test_whole_cutover import open_cutover

GROUP = "S0DNSTEAM1"
ASK = "/mxcutover cancel example.co.jp"
MAY, MAY_NOT = "中止しますか", "この操作はできません"


async def with_group(house: House, *members: str) -> None:
    """A cutover of Hanako's, and the group alone as operators."""
    policy = policy_to_json(Policy(operators=frozenset({GROUP})))
    await house.bot.store.transact(lambda tx: tx.workspaces.set(TEAM, policy, house.clock.now()))
    house.workspace.state.groups[GROUP].users = [*members]
    await open_cutover(house)


async def test_a_member_may_and_no_longer_once_removed_and_a_minute_has_passed(house: House) -> None:
    await with_group(house, ALICE)
    await house.alice.command(ASK)
    await private(house.alice, "Cancel")
    await house.ken.command(ASK)
    refused = await private(house.ken, MAY_NOT)
    assert f"<!subteam^{GROUP}>" in str(refused["blocks"])
    assert ALICE not in str(refused["blocks"])
    house.workspace.state.groups[GROUP].users = [KEN]
    await house.go(seconds=61)
    await house.alice.command(ASK)
    await private(house.alice, "You can't do that")
    await house.ken.command(ASK)
    await private(house.ken, MAY)


async def test_within_the_minute_slack_is_asked_once(house: House) -> None:
    await with_group(house, ALICE)
    before = house.workspace.api.calls.get("usergroups.users.list", 0)
    await house.go(seconds=61)
    for _ in range(5):
        await house.alice.command(ASK)
    await house.alice.wait_for(house.alice.ephemerals, lambda found: len(found) >= 5)
    assert house.workspace.api.calls["usergroups.users.list"] == before + 1


async def test_where_slack_does_not_say_nobody_is_a_member_and_that_is_said(house: House) -> None:
    await with_group(house, KEN)
    await house.go(seconds=61)
    await house.ken.fault("refuse", method="usergroups.users.list", error="missing_scope", times=1)
    await house.ken.command(ASK)
    refused = await private(house.ken, MAY_NOT)
    assert "Slack に確認できません" in str(refused["blocks"])
    assert f"<!subteam^{GROUP}>" in str(refused["blocks"])
    await house.go(seconds=11)
    await house.ken.command(ASK)
    await private(house.ken, MAY)


async def test_the_owner_needs_no_group_and_an_empty_group_lets_nobody_else(house: House) -> None:
    await with_group(house)
    await house.ken.command(ASK)
    await private(house.ken, MAY_NOT)
    await house.hanako.command(ASK)
    await private(house.hanako, MAY)


async def test_the_form_offers_the_groups_and_keeps_who_fills_it_in_an_operator(house: House) -> None:
    house.workspace.state.groups[GROUP].users = [KEN]
    await house.hanako.command("/mxcutover settings")
    shown = await private(house.hanako, "いまの設定")
    await house.hanako.click(shown, "settings_open")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "@dns-team" in str(v))
    assert view is not None
    refused = await house.hanako.submit(view, {"operator_groups": [GROUP]})
    assert "operators" in refused["errors"]
    house.workspace.state.groups[GROUP].users = [KEN, "U0HANAKO01"]
    await house.go(seconds=61)
    assert (await house.hanako.submit(view, {"operator_groups": [GROUP]}))["ok"]
    kept = await house.hanako.wait_for(
        lambda: house.bot.store.transact(lambda tx: tx.workspaces.settings(TEAM)), lambda found: found
    )
    assert kept is not None
    assert kept["operators"] == [GROUP]


def test_a_mention_is_as_good_as_an_id() -> None:
    from bot.domain.policy import groups_in, operator_ids

    ids = operator_ids(["<!subteam^S0DNSTEAM1|@dns-team>", "<@U0HANAKO01>", "U0ALICE001", "S0OTHER001"])
    assert ids == {"S0DNSTEAM1", "U0HANAKO01", "U0ALICE001", "S0OTHER001"}
    assert groups_in(ids) == ("S0DNSTEAM1", "S0OTHER001")
