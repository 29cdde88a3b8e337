"""When Slack fails: nothing is lost, nothing is said twice, and the person is told where it matters."""

import pytest
from sqlalchemy import select

from bot.ports import Tx
from bot.store.tables import OUTBOX
from bot.store.tx import SqlTx
from bot.workspace.faults import Fault, Kind
from bot.workspace.person import ARCHIVED, CUTOVER, texts
from tests.flow.conftest import House
from tests.flow.test_opening import dms, private
from tests.flow.test_whole_cutover import open_cutover, said, thread

POST = "chat.postMessage"


async def openings(house: House) -> tuple[int, int]:
    """How many checklists and openings stand in the channel."""
    seen = [
        texts(m.get("blocks", []))
        for m in (await house.hanako.state())["messages"]
        if m["channel"] == CUTOVER
    ]
    return (sum("開始時のMX" in t for t in seen), sum("のMX切替を始めました" in t for t in seen))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Kind.RATE_LIMIT, POST, times=2, seconds=1),
        Fault(Kind.STATUS, POST, times=1, status=503),
        Fault(Kind.RESET, POST, times=1),
        Fault(Kind.DROP_ANSWER, POST, times=1),
        Fault(Kind.REFUSE, POST, times=1, error="internal_error"),
    ],
    ids=lambda fault: fault.kind.value,
)
async def test_a_post_that_fails_is_said_once_in_the_end(house: House, fault: Fault) -> None:
    house.workspace.faults.add(fault)
    await house.hanako.command("/mxcutover start example.co.jp")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    values = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp"}
    await house.hanako.submit(view, {**values, "date": "2026-12-19", "time": "22:00"})
    for _ in range(6):
        await house.bot.slack.worker.idle()
        await house.go(minutes=1)  # what Slack asked to wait, the clock lets pass
    assert await openings(house) == (1, 1)
    assert await house.bot.store.transact(lambda tx: tx.outbox.unsettled()) == 0


async def test_slack_is_left_alone_for_as_long_as_it_asks(house: House) -> None:
    """Longer than the bot would wait by itself; a second call would be taken, and seen."""
    root = await open_cutover(house)
    house.workspace.faults.add(Fault(Kind.RATE_LIMIT, POST, times=1, seconds=120))
    await house.hanako.say("手順6 不要", CUTOVER, str(root["ts"]))

    async def refused() -> int:
        return house.workspace.faults.left()

    await house.hanako.wait_for(refused, lambda left: left == 0)
    await house.bot.slack.worker.idle()
    for _ in range(3):
        await house.go(seconds=30)
    assert not any("不要として記録" in text for text in await thread(house, root))
    await house.go(seconds=60)
    await said(house, root, "不要として記録")


async def test_what_asks_for_hours_is_asked_again_sooner(house: House) -> None:
    """A proxy's answer, or a mistake: a lane would be silent for a day."""
    root = await open_cutover(house)
    house.workspace.faults.add(Fault(Kind.RATE_LIMIT, POST, times=1, seconds=86_400))
    await house.hanako.say("手順6 不要", CUTOVER, str(root["ts"]))

    async def refused() -> int:
        return house.workspace.faults.left()

    await house.hanako.wait_for(refused, lambda left: left == 0)
    await house.bot.slack.worker.idle()
    await house.go(minutes=4)
    assert not any("不要として記録" in text for text in await thread(house, root))
    await house.go(minutes=2)
    await said(house, root, "不要として記録")


async def test_blocks_that_slack_refuses_are_said_as_text(house: House) -> None:
    root = await open_cutover(house)
    house.workspace.faults.add(Fault(Kind.REFUSE, POST, times=1, error="invalid_blocks"))
    await house.hanako.say("手順6 不要", CUTOVER, str(root["ts"]))
    messages = await house.hanako.wait_for(
        lambda: house.hanako.messages(CUTOVER, str(root["ts"])),
        lambda all_: any("不要として記録" in str(m.get("text")) and not m.get("blocks") for m in all_),
    )
    assert messages


async def test_an_expired_response_url_turns_into_a_direct_message(house: House) -> None:
    house.workspace.faults.add(Fault(Kind.STATUS, "response_url", times=1, status=404))
    await house.hanako.command("/mxcutover help")
    await house.hanako.wait_for(lambda: dms(house.hanako), lambda all_: any("使い方" in t for t in all_))


async def test_a_private_answer_whose_outcome_is_unknown_is_not_repeated_unseen(house: House) -> None:
    """The SDK would send it a second time by itself, and the outbox know of one try."""
    house.workspace.faults.add(Fault(Kind.DROP_ANSWER, "response_url", times=1))
    await house.hanako.command("/mxcutover help")
    await private(house.hanako, "使い方")

    def outcomes(tx: Tx) -> list[str]:
        assert isinstance(tx, SqlTx)
        return [str(row.error) for row in tx.connection.execute(select(OUTBOX.c.error))]

    async def tried() -> list[str]:
        return await house.bot.store.transact(outcomes)

    assert await house.hanako.wait_for(tried, lambda all_: all_ != ["None"]) == ["ServerDisconnectedError"]
    assert len(await house.hanako.ephemerals()) == 1


async def test_events_that_come_twice_are_answered_once(house: House) -> None:
    root = await open_cutover(house)
    house.workspace.faults.add(Fault(Kind.TWICE, "events_api", times=1))
    await house.hanako.say("手順3 完了", CUTOVER, str(root["ts"]))
    await said(house, root, "手順3 自ドメイン許可設定」を完了")
    await house.bot.slack.worker.idle()
    await house.go(minutes=1)
    answers = [t for t in await thread(house, root) if "手順3 自ドメイン許可設定」を完了" in t]
    assert len(answers) == 1


async def test_a_lost_acknowledgement_does_no_harm(house: House) -> None:
    house.workspace.faults.add(Fault(Kind.DEAF, "slash_commands", times=1))
    await house.hanako.command("/mxcutover help")
    await private(house.hanako, "使い方")


async def test_sockets_that_break_are_made_anew(house: House) -> None:
    await house.hanako.do("disconnect")
    await house.workspace.wait_connected(20)
    await house.hanako.command("/mxcutover help")
    await private(house.hanako, "使い方")


async def test_an_address_that_did_not_serve_is_not_tried_for_ever(house: House) -> None:
    """Slack was away between handing it out and the connection: afterwards it is void."""
    house.workspace.faults.add(Fault(Kind.STALE, "socket", times=1))
    await house.hanako.do("disconnect")
    await house.workspace.wait_connected(40)
    await house.hanako.command("/mxcutover help")
    await private(house.hanako, "使い方")


async def test_a_channel_archived_in_the_middle_sends_the_reminders_to_the_owner(house: House) -> None:
    await open_cutover(house)
    house.workspace.state.conversations[CUTOVER].is_archived = True
    await house.go(days=10)
    found = await house.hanako.wait_for(
        lambda: dms(house.hanako), lambda all_: any("300秒に下げてください" in t for t in all_)
    )
    assert any("アーカイブ" in text for text in found)
    assert ARCHIVED != CUTOVER


async def test_a_database_that_cannot_keep_a_delivery_leaves_it_unacknowledged(house: House) -> None:
    """Then Slack tells the person, instead of the bot pretending."""
    engine = house.bot.store.engine
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE inbox RENAME TO inbox_away")
    await house.hanako.command("/mxcutover help")
    await house.hanako.wait_for(house.hanako.notices, bool, 10)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE inbox_away RENAME TO inbox")
    await house.hanako.command("/mxcutover help")
    await private(house.hanako, "使い方")


async def test_a_mistake_of_ours_is_told_with_an_id_and_no_traceback(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("bot.usecases.show.find", broken)
    await house.hanako.command("/mxcutover status")
    answer = texts((await private(house.hanako, "エラーID"))["blocks"])
    assert "a mistake" not in answer
    assert "Traceback" not in answer


async def test_nothing_is_lost_while_slack_does_not_say_who_the_bot_is(house: House) -> None:
    """Bolt authorises before it hands on, and acknowledges where that fails: the inbox comes first."""
    house.workspace.faults.add(Fault(Kind.REFUSE, "auth.test", times=100, error="internal_error"))
    await house.hanako.command("/mxcutover help")
    await private(house.hanako, "使い方")
