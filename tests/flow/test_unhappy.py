"""What goes wrong between people and a bot: at once, too late, on an old message, in another language.

Each time nothing is half done, and the answer says what was understood and what is accepted.
"""

import asyncio
from typing import Any

from bot.domain.policy import Policy, freezes, policy_to_json
from bot.workspace.person import ALICE, CUTOVER, HANAKO, KEN, Person, texts
from tests.flow.conftest import House
from tests.flow.test_desk import TEAM, changed, history, newest
from tests.flow.test_opening import dms, private
from tests.flow.test_whole_cutover import open_cutover, said, thread

BEFORE, AFTER = "12月19日(土) 22:00", "12月26日(土) 21:30"


async def frozen(house: House, *spans: str) -> None:
    policy = policy_to_json(Policy(freezes=freezes(spans)))
    await house.bot.store.transact(lambda tx: tx.workspaces.set(TEAM, policy, house.clock.now()))


async def kinds(house: House) -> list[str]:
    return [entry.kind for entry in await history(house)]


async def privately(person: Person, count: int) -> str:
    """The newest answer for the person alone, once there are `count`."""
    found = await person.wait_for(person.ephemerals, lambda all_: len(all_) >= count)
    return texts(found[-1]["blocks"])


# --- freezes ---------------------------------------------------------------------------------------


async def test_a_day_that_was_frozen_after_it_was_offered_is_not_moved_to(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say("延期 12/26 21:30", CUTOVER, str(root["ts"]))
    ask = await newest(house.hanako, root, f"*{AFTER}* に変更しますか")
    await frozen(house, "2026-12-26..2027-01-04")
    await house.hanako.click(ask, "reschedule.0")
    answer = await private(house.hanako, "変更凍結期間です")
    assert "12月26日(土)" in texts(answer["blocks"])
    assert BEFORE in (await thread(house, root))[0]
    assert "rescheduled" not in await kinds(house)


async def test_a_frozen_day_from_the_picker_is_said_to_and_another_is_taken(house: House) -> None:
    await open_cutover(house)
    await frozen(house, "2026-12-26..2027-01-04")
    await house.hanako.command("/mxcutover reschedule example.co.jp")
    ask = await private(house.hanako, "新しい日時")
    block = next(b["block_id"] for b in ask["blocks"] if b["block_id"].startswith("c="))  # type: ignore[attr-defined]
    await house.hanako.click(ask, "reschedule_pick", 1_798_290_000, block)  # 26 December
    await private(house.hanako, "変更凍結期間です")
    await house.hanako.click(ask, "reschedule_pick", 1_797_944_400, block)  # 22 December
    await private(house.hanako, "12月22日(火) 22:00* に変更しますか")


# --- two things in one reply -----------------------------------------------------------------------


async def test_a_question_beside_an_order_is_answered_and_the_order_done_once(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say("コネクタは完了しました。ところでTTLはいつ戻すの？", CUTOVER, str(root["ts"]))
    await said(house, root, "連携設定」を完了")
    await said(house, root, "10日")
    assert (await kinds(house)).count("step_done") == 1


# --- two people at once ----------------------------------------------------------------------------


async def test_two_who_tick_the_same_step_at_once(house: House) -> None:
    root = await open_cutover(house)
    (message,) = await house.hanako.messages()
    await asyncio.gather(house.hanako.click(message, "step_done"), house.ken.click(message, "step_done"))
    await said(house, root, "すでに完了しています")
    assert (await kinds(house)).count("step_done") == 1
    assert sum("連携設定」を完了" in text for text in await thread(house, root)) == 1


async def test_two_who_move_the_day_at_once_move_it_once(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say("延期 12/26 21:30", CUTOVER, str(root["ts"]))
    ask = await newest(house.hanako, root, f"*{AFTER}* に変更しますか")
    await asyncio.gather(house.hanako.click(ask, "reschedule.0"), house.ken.click(ask, "reschedule.0"))
    await said(house, root, f"予定を *{AFTER}* に変更しました")
    late = await asyncio.gather(house.hanako.ephemerals(), house.ken.ephemerals())
    if not any(late):
        await house.bot.slack.worker.idle()
        await house.go(seconds=1)
        late = await asyncio.gather(house.hanako.ephemerals(), house.ken.ephemerals())
    (told,) = [*late[0], *late[1]]
    assert f"すでに *{AFTER}* です" in texts(told["blocks"])
    assert (await kinds(house)).count("rescheduled") == 1


async def test_two_who_roll_back_at_once_roll_back_once(house: House) -> None:
    root = await open_cutover(house)
    await changed(house, root)
    await house.hanako.say("切り戻します", CUTOVER, str(root["ts"]))
    ask = await newest(house.hanako, root, "切り戻しますか")
    await asyncio.gather(house.hanako.click(ask, "rollback"), house.ken.click(ask, "rollback"))
    await said(house, root, "切り戻しを始めます")
    await house.go(seconds=1)
    late = [*await house.hanako.ephemerals(), *await house.ken.ephemerals()]
    assert "何も変更していません" in texts(late[-1]["blocks"])
    assert (await kinds(house)).count("rolling_back") == 1


async def test_somebody_assigned_twice_is_announced_once(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.command("/mxcutover assign example.co.jp @ken")
    await said(house, root, f"担当に <@{KEN}> を追加しました")
    await house.hanako.command("/mxcutover assign example.co.jp @ken")
    await private(house.hanako, "すでに担当です")
    await house.hanako.say("担当は @hanako", CUTOVER, str(root["ts"]))  # the owner
    assert (await kinds(house)).count("assigned") == 1


# --- commands as Slack escapes them ----------------------------------------------------------------


async def test_people_and_domains_in_a_command(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.command("/mxcutover assign example.co.jp @ken")
    await said(house, root, f"担当に <@{KEN}> を追加しました")
    await house.hanako.command("/mxcutover list @ken")
    listed = await private(house.hanako, "条件：")
    assert f"条件：<@{KEN}>" in texts(listed["blocks"])
    await house.hanako.command("/mxcutover list @alice")
    nothing = await private(house.hanako, "当てはまる切替はありません")
    assert f"「<@{ALICE}>」" in texts(nothing["blocks"])
    await house.hanako.command("/mxcutover assign example.co.jp @nobody")
    await private(house.hanako, "どなたを担当にしますか")
    await house.hanako.command("/mxcutover ask info@example.co.jp に外部から受信できない")
    found = await house.hanako.wait_for(house.hanako.ephemerals, lambda all_: len(all_) >= 4)
    assert "mailto" not in str(found[-1])


# --- stale forms and old messages -------------------------------------------------------------------


async def test_a_day_offered_for_a_plan_that_has_moved_since_is_asked_again(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("延期 12/26 21:30", CUTOVER, ts)
    old = await newest(house.hanako, root, f"*{AFTER}* に変更しますか")
    await house.hanako.say("延期 12/27 21:30", CUTOVER, ts)
    new = await newest(house.hanako, root, "*12月27日(日) 21:30* に変更しますか")
    await house.hanako.click(new, "reschedule.0")
    await said(house, root, "予定を *12月27日(日) 21:30* に変更しました")
    await house.hanako.click(old, "reschedule.0")
    again = await private(house.hanako, "この質問のあとで、切替予定が変わりました")
    assert "現在：12月27日(日) 21:30" in texts(again["blocks"])
    assert (await kinds(house)).count("rescheduled") == 1
    await house.hanako.click(again, "reschedule.0")
    await said(house, root, f"予定を *{AFTER}* に変更しました")


async def test_a_click_on_a_question_about_a_cutover_that_was_cancelled_since(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("延期 12/26 21:30", CUTOVER, ts)
    ask = await newest(house.hanako, root, f"*{AFTER}* に変更しますか")
    await house.hanako.say("中止", CUTOVER, ts)
    stop = await newest(house.hanako, root, "中止しますか")
    await house.hanako.click(stop, "cancel")
    await said(house, root, "切替を中止しました")
    await house.hanako.click(ask, "reschedule.0")
    assert "何も変更していません" in await privately(house.hanako, 1)
    await house.hanako.click(stop, "cancel")
    assert "何も変更していません" in await privately(house.hanako, 2)
    await house.hanako.command("/mxcutover assign example.co.jp @ken")
    assert "何も変更していません" in await privately(house.hanako, 3)
    assert (await kinds(house))[-1] == "cancelled"


async def test_a_form_of_a_domain_that_somebody_else_opened_and_cancelled_meanwhile(house: House) -> None:
    """The domain is free again: the form holds."""
    await house.ken.command("/mxcutover start example.co.jp")
    view = await house.ken.wait_for(house.ken.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    root = await open_cutover(house)
    await house.hanako.say("中止", CUTOVER, str(root["ts"]))
    await house.hanako.click(await newest(house.hanako, root, "中止しますか"), "cancel")
    await said(house, root, "切替を中止しました")
    values = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp"}
    await house.ken.submit(view, {**values, "date": "2026-12-19", "time": "22:00"})
    roots = await house.ken.wait_for(house.ken.messages, lambda all_: len(all_) == 2)
    assert f"<@{KEN}>" in texts(roots[1]["blocks"])


async def test_a_done_to_an_old_reminder_after_the_day_moved(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.go(days=4)
    await said(house, root, "メールサービス側の連携設定の確認をお願いします")
    await house.hanako.say("延期 12/26 21:30", CUTOVER, ts)
    await house.hanako.click(await newest(house.hanako, root, "に変更しますか"), "reschedule.0")
    await said(house, root, f"予定を *{AFTER}* に変更しました")
    await house.hanako.say("コネクタは完了しました", CUTOVER, ts)
    await said(house, root, "連携設定」を完了")
    assert (await kinds(house)).count("step_done") == 1


async def test_a_click_on_an_old_reminder_whose_step_is_settled(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.go(days=4)
    reminder = await newest(house.hanako, root, "メールサービス側の連携設定の確認をお願いします")
    await house.hanako.say("コネクタは完了しました", CUTOVER, ts)
    await said(house, root, "連携設定」を完了")
    button = next(
        element["action_id"]
        for block in reminder["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"].startswith("step_done")
    )
    await house.hanako.click(reminder, button)
    await said(house, root, "すでに完了しています")
    assert (await kinds(house)).count("step_done") == 1


async def test_an_edited_reply_is_not_answered_again(house: House) -> None:
    root = await open_cutover(house)
    posted = await house.hanako.say("コネクタは完了しました", CUTOVER, str(root["ts"]))
    await said(house, root, "連携設定」を完了")
    before = len(await thread(house, root))
    message = house.workspace.state.message(CUTOVER, posted["ts"])
    previous = house.workspace.state.shown(message)
    message.text = "中止"
    house.workspace._events.changed(message, previous)
    await house.go(minutes=1)
    assert len(await thread(house, root)) == before
    assert (await kinds(house)).count("step_done") == 1


async def test_a_deleted_root_leaves_the_cutover_and_its_owner_informed(house: House) -> None:
    root = await open_cutover(house)
    house.workspace.state.delete(house.workspace.state.message(CUTOVER, str(root["ts"])))
    await house.go(days=4)
    await house.hanako.wait_for(
        lambda: dms(house.hanako), lambda all_: any("連携設定の確認" in text for text in all_)
    )
    await house.hanako.command("/mxcutover status example.co.jp")
    await private(house.hanako, "開始時のMX")


# --- languages, guests -------------------------------------------------------------------------------


async def test_an_english_speaker_in_a_japanese_thread(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.alice.say("the connector is done", CUTOVER, ts)
    await said(house, root, "連携設定」を完了")  # what all see stays Japanese
    await house.alice.say("stop", CUTOVER, ts)
    await said(house, root, "中止しますか")
    await house.alice.command("/mxcutover rollback example.co.jp")
    told = await private(house.alice, "nothing to roll back")
    assert "cancel" in texts(told["blocks"])
    await house.alice.command("/mxcutover status example.co.jp")
    await private(house.alice, "MX at the start")


async def test_a_guest_changes_nothing_by_any_of_these(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("延期 12/26 21:30", CUTOVER, ts)
    ask = await newest(house.hanako, root, "に変更しますか")
    before = await kinds(house)
    await house.guest.click(ask, "reschedule.0")
    assert "ゲスト" in await privately(house.guest, 1) or "ご依頼ください" in await privately(house.guest, 1)
    await house.guest.command("/mxcutover assign example.co.jp @ken")
    await privately(house.guest, 2)
    await house.guest.say("中止", CUTOVER, ts)
    await privately(house.guest, 3)
    assert await kinds(house) == before


async def test_a_form_that_no_longer_holds_when_it_is_worked_on_is_said_to(house: House) -> None:
    """Between its acknowledgement and the work the day was frozen, as after a restart."""
    await house.hanako.command("/mxcutover start example.co.jp")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    chosen = {"plan": "standard", "service": "google"}
    values: dict[str, Any] = {name: {"selected_option": {"value": one}} for name, one in chosen.items()}
    values |= {"mx": {"value": "10 mgf.cybermail.jp"}, "date": {"selected_date": "2026-12-19"}}
    values["time"] = {"selected_time": "22:00"}
    payload = {
        "type": "view_submission",
        "user": {"id": HANAKO, "team_id": TEAM.team_id},
        "view": {
            "callback_id": "start",
            "private_metadata": view["private_metadata"],
            "state": {"values": {name: {name: value} for name, value in values.items()}},
        },
    }
    await frozen(house, "2026-12-18..2026-12-20")
    now = house.clock.now()
    row = await house.bot.store.transact(lambda tx: tx.inbox.accept("v1", "view", TEAM, payload, now))
    assert row is not None
    house.bot.slack.worker.take(row)
    await house.hanako.wait_for(
        lambda: dms(house.hanako), lambda all_: any("切替は始めていません" in text for text in all_)
    )
    assert await house.hanako.messages() == []


# --- what a tired person writes -----------------------------------------------------------------------


async def test_a_mistyped_domain_leads_to_the_open_one(house: House) -> None:
    await open_cutover(house)
    await house.hanako.command("/mxcutover status exmaple.co.jp")
    answer = await private(house.hanako, "進行中の *example.co.jp* のことでしょうか")
    await house.hanako.click(answer, "status")
    await private(house.hanako, "開始時のMX")
    await house.hanako.command("/mxcutover status something-else.jp")
    other = await private(house.hanako, "something-else.jp の進行中の切替はありません")
    assert "のことでしょうか" not in texts(other["blocks"])


async def test_a_bare_no_mail_in_the_thread_gets_its_one_question(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say("メールが届かない", CUTOVER, str(root["ts"]))
    found = await house.hanako.wait_for(
        lambda: house.hanako.messages(CUTOVER, str(root["ts"])), lambda all_: len(all_) == 5
    )
    assert any(block["type"] == "actions" for block in found[-1]["blocks"])
    await house.hanako.say("お昼は何を食べますか", CUTOVER, str(root["ts"]))
    await house.bot.slack.worker.idle()
    assert len(await thread(house, root)) == 6  # talk among people is left alone


async def test_what_was_left_out_is_not_called_done(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("TTLは変更できない", CUTOVER, ts)
    await said(house, root, "TTLは変更せずに進めます")
    await house.hanako.say("TTLは変更できません", CUTOVER, ts)
    await said(house, root, "「TTL」は見送りとして記録済みです")
