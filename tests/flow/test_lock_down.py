"""The lock-down of the mail service: its reminder is neither lost at the end nor doubled by a drift."""

import pytest

from bot.domain.desk import Item
from bot.usecases.planning import LOCK_DOWN_KIND
from bot.workspace.person import CUTOVER
from tests.flow.conftest import House
from tests.flow.test_desk import TEAM, changed, history, newest
from tests.flow.test_whole_cutover import NEW, open_cutover, said, thread

OFFERED = "TTLを守るキャッシュから、古いMXは消えました"


async def planned(house: House) -> int:
    """Lock-down reminders to come."""

    def work(tx):  # type: ignore[no-untyped-def]
        cutover = tx.cutovers.latest_for(TEAM, "example.co.jp")
        return [r for r in tx.reminders.pending(TEAM, cutover.id) if r.reminder.kind == LOCK_DOWN_KIND]

    return len(await house.bot.store.transact(work))


async def ticked_there(house: House) -> None:
    await house.hanako.wait_for(lambda: history(house), lambda all_: any(e.kind == "ticked" for e in all_))


@pytest.mark.parametrize("ticked", [False, True])
async def test_finishing_asks_for_it_where_it_was_not_ticked(house: House, ticked: bool) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await changed(house, root)
    await house.hanako.say("手順3と4 完了", CUTOVER, ts)  # or it would not be finished
    await said(house, root, "手順4 メール配送先」を完了")
    await house.go(days=3)
    await said(house, root, OFFERED)
    if ticked:
        shown = await newest(house.hanako, root, OFFERED)
        await house.hanako.click(shown, f"tick.{Item.LOCK_DOWN.value}")
        await ticked_there(house)
    before = sum(OFFERED in text for text in await thread(house, root))
    await house.go(days=9)
    await house.hanako.say("戻しました", CUTOVER, ts)
    await said(house, root, "MX切替は完了です")
    after = await thread(house, root)
    assert sum(OFFERED in text for text in after) == before + (0 if ticked else 1)


async def test_a_change_that_went_back_and_came_again_has_one_reminder(house: House) -> None:
    root = await open_cutover(house)
    await changed(house, root)
    assert await planned(house) == 1
    house.sandbox.set_mx("example.co.jp", [(10, "mail.old-provider.example")])
    await house.go(minutes=30)
    house.sandbox.set_mx("example.co.jp", NEW)
    await house.go(minutes=30)
    assert await planned(house) == 1


async def test_rolling_back_says_to_lift_it_first(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await changed(house, root)
    await house.go(days=3)
    shown = await newest(house.hanako, root, OFFERED)
    await house.hanako.click(shown, f"tick.{Item.LOCK_DOWN.value}")
    await ticked_there(house)
    await house.hanako.say("切り戻します", CUTOVER, ts)
    await house.hanako.click(await newest(house.hanako, root, "切り戻しますか"), "rollback")
    await said(house, root, "旧MXへ戻す前に解除してください")
