"""Slack does not say who somebody is: talk is left alone, what was asked waits, with no apology."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from bot.ports import InboxRow
from bot.slack.app import OneTeam
from bot.slack.errors import TryLater
from bot.slack.people import FRESH, Directory
from bot.slack.work import Worker
from bot.workspace.clock import MovableClock
from bot.workspace.faults import Fault, Kind
from bot.workspace.person import ALICE, CUTOVER, GENERAL, HANAKO, texts
from bot.workspace.server import BOT_TOKEN, LocalWorkspace
from tests.fakes.memory_store import MemoryStore
from tests.flow.conftest import FixedBase, House
from tests.flow.test_desk import TEAM, history
from tests.flow.test_opening import dms, private
from tests.flow.test_parts import left
from tests.flow.test_whole_cutover import open_cutover, said

WHO = "users.info"
FAULTS = [
    Fault(Kind.RATE_LIMIT, WHO, times=1, seconds=30),
    Fault(Kind.STATUS, WHO, times=1, status=503),
    Fault(Kind.RESET, WHO, times=1),
    Fault(Kind.REFUSE, WHO, times=1, error="internal_error"),
]


async def forgotten(house: House) -> dict[str, object]:
    """A cutover's root, when what Slack said of its people is no longer fresh."""
    root = await open_cutover(house)
    await house.go(minutes=6)
    return root


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind.value)
async def test_a_done_is_done_once_slack_says_who_said_it(house: House, fault: Fault) -> None:
    root = await forgotten(house)
    house.workspace.faults.add(Fault(**vars(fault)))
    await house.hanako.say("コネクタは完了しました", CUTOVER, str(root["ts"]))

    async def refused() -> int:
        return house.workspace.faults.left()

    await house.hanako.wait_for(refused, lambda faults: faults == 0)
    house.clock.set(house.clock.now() + timedelta(seconds=31))  # until then Slack is left alone
    await said(house, root, "連携設定」を完了")
    await house.bot.slack.worker.idle()
    assert [entry.kind for entry in await history(house)].count("step_done") == 1
    assert await house.hanako.ephemerals() == []
    assert not any("エラーID" in text for text in await dms(house.hanako))


async def test_slack_is_left_alone_about_everybody_for_as_long_as_it_asks() -> None:
    clock, store = MovableClock(FixedBase()), MemoryStore()
    async with LocalWorkspace(clock) as slack:
        directory = Directory(store, clock, OneTeam(SecretStr(BOT_TOKEN), slack.api_url))
        slack.faults.add(Fault(Kind.RATE_LIMIT, WHO, times=1, seconds=30))
        for after, person in ((0, HANAKO), (1, HANAKO), (28, ALICE)):
            clock.set(clock.now() + timedelta(seconds=after))
            with pytest.raises(TryLater):
                await directory.actor(TEAM, person)
        assert (slack.faults.left(), slack.api.calls.get(WHO, 0)) == (0, 0)
        clock.set(clock.now() + timedelta(seconds=2))
        assert (await directory.actor(TEAM, ALICE)).lang == "en"
        assert slack.api.calls[WHO] == 1


async def test_what_slack_said_before_is_no_authority_once_it_is_not_fresh() -> None:
    clock, store = MovableClock(FixedBase()), MemoryStore()
    async with LocalWorkspace(clock) as slack:
        directory = Directory(store, clock, OneTeam(SecretStr(BOT_TOKEN), slack.api_url))
        await directory.actor(TEAM, ALICE)
        slack.faults.add(Fault(Kind.STATUS, WHO, times=99, status=503))
        clock.set(clock.now() + FRESH - timedelta(seconds=1))
        assert (await directory.actor(TEAM, ALICE)).lang == "en"
        clock.set(clock.now() + timedelta(seconds=2))
        with pytest.raises(TryLater):
            await directory.actor(TEAM, ALICE)
        assert await directory.lang(TEAM, ALICE) == "en"  # but an apology may be in their language


async def test_talk_that_is_not_meant_for_the_bot_asks_slack_nothing(house: House) -> None:
    await forgotten(house)
    house.workspace.faults.add(Fault(Kind.RATE_LIMIT, WHO, times=99, seconds=1))
    posted = await house.alice.say("お昼は何を食べますか", CUTOVER)
    await house.ken.say("そばはどうですか", CUTOVER, posted["ts"])
    await house.ken.say("完了", GENERAL)

    async def calm() -> bool:
        return await left(house) == 0 and await house.alice.undelivered() == []

    await house.alice.wait_for(calm, bool)
    await house.bot.slack.worker.idle()
    assert house.workspace.faults.left() == 99
    assert await house.alice.ephemerals() == await house.ken.ephemerals() == []


async def test_whom_slack_does_not_know_is_refused_at_once(house: House) -> None:
    await forgotten(house)
    house.workspace.faults.add(Fault(Kind.REFUSE, WHO, times=1, error="user_not_found"))
    await house.alice.command("/mxcutover status example.co.jp")
    await private(house.alice, "確認できなかった")


async def test_a_form_that_waits_for_its_answer_is_refused(house: House) -> None:
    await house.hanako.command("/mxcutover start example.co.jp")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    house.clock.set(house.clock.now() + timedelta(minutes=6))
    house.workspace.faults.add(Fault(Kind.STATUS, WHO, times=1, status=503))
    values = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp"}
    await house.hanako.submit(view, {**values, "date": "2026-12-19", "time": "22:00"})
    refused = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "確認できなかった" in texts(v))
    assert refused is not None


async def test_a_home_tab_that_cannot_be_published_is_nobodys_error(house: House) -> None:
    house.workspace.faults.add(Fault(Kind.STATUS, "views.publish", times=1, status=503))
    await house.alice.open_home()

    async def met() -> bool:
        return house.workspace.faults.left() == 0 and await left(house) == 0

    await house.alice.wait_for(met, bool)
    await house.bot.slack.worker.idle()
    await house.go(seconds=1)
    assert await dms(house.alice) == []
    await house.alice.open_home()
    await house.alice.wait_for(house.alice.home, bool)


async def mistaken(_: InboxRow) -> None:
    raise ZeroDivisionError


async def accepted(house: House) -> int:
    payload = {"type": "message_action", "user": {"id": ALICE}, "channel": {"id": CUTOVER}}
    now = house.clock.now()
    row = await house.bot.store.transact(lambda tx: tx.inbox.accept("s1", "shortcut", TEAM, payload, now))
    assert row is not None
    return row


async def test_two_replicas_that_fail_at_one_delivery_apologise_once(house: House) -> None:
    row = await accepted(house)
    apologise = house.bot.slack.handlers.apologise
    workers = [Worker(house.bot.store, house.clock, mistaken, apologise) for _ in "12"]
    for worker in workers:
        worker.take(row)
    for worker in workers:
        await worker.idle()
    await private(house.alice, "エラーID")
    await house.go(seconds=1)
    assert len(await house.alice.ephemerals()) == 1


async def test_what_another_replica_has_done_is_not_apologised_for(house: House) -> None:
    row = await accepted(house)

    async def overtaken(_: InboxRow) -> None:
        await house.bot.store.transact(lambda tx: tx.inbox.done(row))
        raise ZeroDivisionError

    worker = Worker(house.bot.store, house.clock, overtaken, house.bot.slack.handlers.apologise)
    worker.take(row)
    await worker.idle()
    await house.go(seconds=1)
    assert await house.alice.ephemerals() == []
