"""Operators by Slack user group: as Slack says at this moment, and nobody where it does not say."""

from bot.domain.policy import Policy, policy_to_json
from bot.workspace.person import ALICE, GUEST, KEN
from tests.flow.conftest import House
from tests.flow.test_desk import TEAM
from tests.flow.test_opening import private
from tests.flow.test_whole_cutover import open_cutover, said

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


async def with_viewers(house: House, *viewers: str, operators: str = "") -> None:
    policy = Policy(
        operators=frozenset(filter(None, [operators])),
        viewers=frozenset(viewers),
    )
    await house.bot.store.transact(
        lambda tx: tx.workspaces.set(TEAM, policy_to_json(policy), house.clock.now())
    )


async def test_viewers_by_group_may_look_and_others_are_told_who_could(house: House) -> None:
    await open_cutover(house)
    house.workspace.state.groups[GROUP].users = [ALICE]
    await with_viewers(house, GROUP, operators="U0HANAKO01")
    await house.alice.command("/mxcutover status example.co.jp")
    await private(house.alice, "MX at the start")
    await house.alice.command(ASK)
    await private(house.alice, "You can't do that")
    for words in (
        "status example.co.jp",
        "list",
        "start example.com",
        "ask 外部から受信できない",
        "settings",
    ):
        before = len(await house.ken.ephemerals())
        await house.ken.command(f"/mxcutover {words}")
        found = await house.ken.wait_for(house.ken.ephemerals, lambda all_, n=before: len(all_) > n)  # type: ignore[misc]
        assert MAY_NOT in str(found[-1]["blocks"])
        assert "U0HANAKO01" in str(found[-1]["blocks"])
    await house.ken.open_home()
    home = await house.ken.wait_for(house.ken.home)
    assert MAY_NOT in str(home)
    assert "example.co.jp" not in str(home)
    house.workspace.state.groups[GROUP].users = [ALICE, KEN]
    await house.go(seconds=61)
    await house.ken.command("/mxcutover status example.co.jp")
    await private(house.ken, "開始時のMX")


async def test_an_assignee_looks_at_what_is_theirs_though_no_viewer(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say(f"担当は <@{KEN}>", "C0CUTOVER1", str(root["ts"]))
    await house.hanako.wait_for(house.hanako.messages, lambda all_: KEN in str(all_[0]["blocks"]))
    await with_viewers(house, ALICE, operators="U0HANAKO01")
    await house.ken.say("コネクタは完了", "C0CUTOVER1", str(root["ts"]))
    await said(house, root, "連携設定」を完了")


async def test_viewers_without_operators_may_act_and_others_not(house: House) -> None:
    await open_cutover(house)
    await with_viewers(house, ALICE)
    await house.alice.command(ASK)
    await private(house.alice, "Cancel")
    await house.ken.command(ASK)
    refused = await private(house.ken, MAY_NOT)
    assert ALICE in str(refused["blocks"])  # nobody operates but those who may look
    assert "U0HANAKO01" not in str(refused["blocks"])  # whose cutover it is, a stranger is not told


async def test_who_is_in_the_viewers_group_is_not_guessed(house: House) -> None:
    await with_viewers(house, GROUP, operators="U0HANAKO01")
    house.workspace.state.groups[GROUP].users = [KEN]
    await house.ken.fault("refuse", method="usergroups.users.list", error="missing_scope", times=1)
    await house.ken.command("/mxcutover list")
    refused = await private(house.ken, MAY_NOT)
    assert "Slack に確認できません" in str(refused["blocks"])
    await house.go(seconds=11)
    await house.ken.command("/mxcutover list")
    await private(house.ken, "進行中の切替はありません")


async def test_a_guest_is_no_viewer_though_listed(house: House) -> None:
    await with_viewers(house, GUEST, "U0HANAKO01")
    await house.guest.command("/mxcutover list")
    await private(house.guest, MAY_NOT)


async def test_the_form_keeps_viewers_by_group(house: House) -> None:
    house.workspace.state.groups[GROUP].users = [KEN]
    await house.hanako.command("/mxcutover settings")
    await house.hanako.click(await private(house.hanako, "見られる人：ゲスト以外の全員"), "settings_open")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "@dns-team" in str(v))
    assert view is not None
    refused = await house.hanako.submit(view, {"viewer_groups": [GROUP]})
    assert set(refused["errors"]) == {"viewers"}  # with no operators it would shut its own author out
    answer = await house.hanako.submit(view, {"operators": ["U0HANAKO01"], "viewers": [ALICE]})
    assert answer["ok"]
    await house.hanako.wait_for(
        lambda: house.bot.store.transact(lambda tx: tx.workspaces.settings(TEAM)), lambda found: found
    )
    await house.hanako.command("/mxcutover settings")
    shown = await private(house.hanako, f"<!subteam^{GROUP}>")
    assert f"<@{ALICE}>" in str(shown["blocks"])


async def test_the_form_opens_though_slack_is_slow_to_name_the_groups(house: House) -> None:
    await house.hanako.fault("delay", method="usergroups.list", seconds=4)
    await house.hanako.command("/mxcutover settings")
    await house.hanako.click(await private(house.hanako, "いまの設定"), "settings_open")
    view = await house.hanako.wait_for(house.hanako.modal, seconds=3)
    assert "@dns-team" not in str(view)
    await house.hanako.wait_for(house.hanako.modal, lambda v: v and "@dns-team" in str(v))


async def test_settings_that_could_not_be_opened_are_said_to(house: House) -> None:
    await house.hanako.command("/mxcutover settings")
    shown = await private(house.hanako, "いまの設定")
    await house.hanako.fault("refuse", method="views.open", error="expired_trigger_id")
    await house.hanako.click(shown, "settings_open")
    await private(house.hanako, "もう一度ボタンを押してください")
