"""What DNS shows to be done already is not asked for: the look that a reminder begins with settles it too."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bot.store.tables import OUTBOX, REMINDERS
from bot.store.tx import SqlTx
from bot.workspace.person import CUTOVER
from tests.flow.conftest import House
from tests.flow.test_desk import TEAM, changed
from tests.flow.test_whole_cutover import DAY, NEW, open_cutover, said

LOWERED = "すべての権威サーバーでTTLが300秒以下になりました"
LOWER = datetime(2026, 12, 9, 1, 0, tzinfo=UTC)  # ten days before, 10:00 JST


async def due_at(house: House, kind: str) -> datetime:
    """When the pending reminder of this kind comes."""

    def work(tx: SqlTx) -> datetime:
        cutover = tx.cutovers.latest_for(TEAM, "example.co.jp")
        assert cutover is not None
        rows = tx.reminders.pending(TEAM, cutover.id)
        return next(row.reminder.due_at for row in rows if row.reminder.kind.startswith(kind))

    return await house.bot.store.transact(work)


def put_off(tx: SqlTx) -> None:
    """No unasked look for a while."""
    cutover = tx.cutovers.latest_for(TEAM, "example.co.jp")
    assert cutover is not None
    tx.cutovers.save(replace(cutover, next_look_at=cutover.day + timedelta(days=300)))


async def messages(house: House) -> Counter[str]:
    """All that was ever to be said, by kind."""
    rows = await house.bot.store.transact(lambda tx: tx.connection.execute(select(OUTBOX.c.kind)).all())
    return Counter(row.kind for row in rows)


def looks(house: House) -> float:
    """How many looks at everything there were."""
    found = house.bot.metrics.registry.get_sample_value("mxcutover_dns_look_seconds_count", {"look": "full"})
    return found or 0.0


async def states(house: House, kind: str) -> list[str]:
    """What became of the reminders of a kind, the last that was settled first."""
    query = (
        select(REMINDERS.c.state)
        .where(REMINDERS.c.kind.startswith(kind))
        .order_by(REMINDERS.c.settled_at.desc())
    )
    return [
        row.state for row in await house.bot.store.transact(lambda tx: tx.connection.execute(query).all())
    ]


async def fired(house: House, kind: str, at: datetime) -> Counter[str]:
    """The messages of one that falls due at `at`, when DNS was looked at last before it changed."""
    async with house.bot.scheduler.paused():
        await house.bot.store.transact(put_off)
        before, seen = await messages(house), looks(house)
        house.clock.set(at)
        assert await house.bot.reminders.due() == 1
        assert looks(house) == seen + 1
        assert (await states(house, kind))[0] == "withdrawn"
        return await messages(house) - before


async def test_a_ttl_that_was_lowered_unsaid(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(LOWER - timedelta(minutes=1))
    house.sandbox.set_ttl("example.co.jp", 300)
    told = await fired(house, "lower_ttl", LOWER)
    assert (told["told.ttl_lowered"], told["reminder"]) == (1, 0)
    await said(house, root, LOWERED)
    await house.go(days=4)  # past the second reminder
    assert (await messages(house))["told.ttl_lowered"] == 1
    assert set(await states(house, "lower_ttl")) == {"withdrawn"}


async def test_a_ttl_that_was_lowered_before_the_reminder_was_to_come_again(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(LOWER + timedelta(minutes=1))
    await said(house, root, "300秒に下げてください")
    await house.hanako.say("明日", CUTOVER, str(root["ts"]))
    await said(house, root, "もう一度お知らせします")
    again = await due_at(house, "later:ttl")
    await house.go_to(again - timedelta(minutes=1))
    house.sandbox.set_ttl("example.co.jp", 300)
    told = await fired(house, "later:ttl", again)
    assert (told["told.ttl_lowered"], told["reminder"]) == (1, 0)


async def test_an_mx_that_was_changed_before_the_day_began(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(DAY - timedelta(minutes=1))
    house.sandbox.set_mx("example.co.jp", NEW)
    told = await fired(house, "day_begin", DAY)
    assert (told["told.mx_all"], told["reminder"], told["no_go"]) == (1, 0, 0)
    await said(house, root, "すべての権威サーバーでMXが切り替わりました")
    assert (await due_at(house, "lock_down")) > DAY  # what the change has planned stays


async def test_a_ttl_that_was_restored_unsaid(house: House) -> None:
    root = await open_cutover(house)
    house.sandbox.set_ttl("example.co.jp", 300)
    await house.hanako.say("TTL 完了", CUTOVER, str(root["ts"]))
    await said(house, root, LOWERED)
    await changed(house, root)
    await house.hanako.say("手順3と4 完了", CUTOVER, str(root["ts"]))  # or it would not be finished
    await said(house, root, "手順4 メール配送先」を完了")
    restore = await due_at(house, "restore_ttl")
    await house.go_to(restore - timedelta(minutes=1))
    house.sandbox.set_ttl("example.co.jp", 3600)
    told = await fired(house, "restore_ttl", restore)
    assert (told["told.ttl_restored"], told["told.finished"], told["reminder"]) == (1, 1, 0)
    await said(house, root, "MX切替は完了です")
