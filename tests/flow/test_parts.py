"""A reply that says several things: each is done once or said to be refused, whatever happens in between."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import select

from bot.ports import InboxRow, StoreUnavailable
from bot.slack.work import Worker
from bot.store.engine import SqlStore
from bot.store.tables import INBOX
from bot.store.tx import SqlTx
from bot.workspace.person import CUTOVER, KEN, Person, texts
from tests.flow.conftest import House
from tests.flow.test_desk import TEAM, history
from tests.flow.test_opening import private
from tests.flow.test_whole_cutover import open_cutover, said, thread

T = TypeVar("T")
DONE, MOVE = "連携設定」を完了", "*12月26日(土) 21:30* に変更しますか"
BOTH = "コネクタは完了しました。12/26 21:30に延期してください"


async def counted(house: House, root: dict[str, object], *pieces: str) -> list[int]:
    """How many of the messages under the root say each."""
    _, *said_ = await thread(house, root)
    return [sum(piece in text for text in said_) for piece in pieces]


async def left(house: House) -> int:
    """Rows of the inbox that are still to be dealt with."""
    waiting = select(INBOX.c.id).where(INBOX.c.state == "new")
    return await house.bot.store.transact(lambda tx: len(tx.connection.execute(waiting).all()))


async def answered(person: Person, count: int) -> list[str]:
    found = await person.wait_for(person.ephemerals, lambda all_: len(all_) >= count)
    return [texts(m["blocks"]) for m in found]


async def test_both_parts_are_done_once(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say(BOTH, CUTOVER, str(root["ts"]))
    await said(house, root, MOVE)
    await house.go(minutes=2)
    assert await counted(house, root, DONE, MOVE) == [1, 1]
    assert await left(house) == 0


async def test_a_second_part_that_the_speaker_may_not_do_is_refused_aloud(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.command("/mxcutover assign example.co.jp @ken")
    await said(house, root, f"担当に <@{KEN}> を追加しました")
    await house.bot.slack.worker.idle()
    policy = {"operators": ["U0NOBODY01"]}
    await house.bot.store.transact(lambda tx: tx.workspaces.set(TEAM, policy, house.clock.now()))
    await house.ken.say("コネクタは完了しました。中止します", CUTOVER, str(root["ts"]))
    await private(house.ken, "この操作はできません")
    assert await counted(house, root, DONE, "中止しますか") == [1, 0]


async def test_a_second_part_that_cannot_be_now_is_refused_aloud(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say("コネクタは完了しました。切り戻します", CUTOVER, str(root["ts"]))
    await private(house.hanako, "切り戻")
    assert await counted(house, root, DONE) == [1]


async def test_after_a_refused_part_the_others_are_dealt_with(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say("切り戻します。コネクタは完了しました", CUTOVER, str(root["ts"]))
    await said(house, root, DONE)
    assert len(await answered(house.hanako, 1)) == 1


async def test_parts_that_are_refused_with_the_same_words_are_refused_once(house: House) -> None:
    root = await open_cutover(house)
    policy = {"operators": ["U0NOBODY01"]}
    await house.bot.store.transact(lambda tx: tx.workspaces.set(TEAM, policy, house.clock.now()))
    await house.ken.say("コネクタは完了しました。TTLは変更できません", CUTOVER, str(root["ts"]))
    await private(house.ken, "この操作はできません")
    await house.go(minutes=2)
    assert len(await answered(house.ken, 1)) == 1
    assert await left(house) == 0


@dataclass
class AwayAfter:
    """The store, which is away for the inbox's next transactions once a step is done."""

    store: SqlStore
    whole: Callable[[Callable[[SqlTx], object]], object]
    times: int

    async def transact(self, work: Callable[[SqlTx], T]) -> T:
        task = asyncio.current_task()
        ours = task is not None and task.get_name().startswith("inbox-")
        if ours and self.times and await self.whole(_begun):  # type: ignore[misc]
            self.times -= 1
            raise StoreUnavailable("unreachable", "gone")
        return await self.whole(work)  # type: ignore[misc, no-any-return]


def _begun(tx: SqlTx) -> bool:
    cutover = tx.cutovers.latest_for(TEAM, "example.co.jp")
    assert cutover is not None
    return any(entry.kind == "step_done" for entry in tx.history.of(TEAM, cutover.id))


async def test_a_database_that_goes_away_between_two_parts_loses_none(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await open_cutover(house)
    await house.bot.slack.worker.idle()
    away = AwayAfter(house.bot.store, house.bot.store.transact, 2)
    monkeypatch.setattr(house.bot.store, "transact", away.transact)
    await house.hanako.say(BOTH, CUTOVER, str(root["ts"]))
    await said(house, root, MOVE)
    assert away.times == 0
    await house.go(minutes=2)
    assert await counted(house, root, DONE, MOVE) == [1, 1]
    assert [e.kind for e in await history(house)].count("step_done") == 1


async def test_a_process_that_ends_between_two_parts_loses_none(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process takes nothing up any more once the first part is committed."""
    root = await open_cutover(house)
    slack = house.bot.slack
    await slack.worker.idle()

    async def killed(row: InboxRow) -> None:
        await slack.handlers(row)
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await asyncio.sleep(0)

    monkeypatch.setattr(slack.worker, "_handle", killed)
    await house.hanako.say(BOTH, CUTOVER, str(root["ts"]))
    await said(house, root, DONE)
    await slack.worker.idle()
    assert await left(house) == 1
    assert await counted(house, root, DONE, MOVE) == [1, 0]
    others = [Worker(house.bot.store, house.clock, slack.handlers, slack.handlers.apologise) for _ in "23"]
    assert [await worker.sweep(older=timedelta(seconds=-1)) for worker in others] == [1, 1]
    await asyncio.gather(*(worker.idle() for worker in others))
    await said(house, root, MOVE)
    await house.go(minutes=2)
    assert await counted(house, root, DONE, MOVE) == [1, 1]
    assert await left(house) == 0
