"""/metrics over real HTTP: what is overdue is seen, and the page comes without its database too."""

import asyncio
import math
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from bot.cli.run import listening
from bot.clock import SystemClock
from bot.ports import PlannedReminder, Tx
from tests.contract.samples import A, cutover, post
from tests.unit.test_doors_health import free_port, made, status


async def scrape(port: int) -> dict[str, float]:
    """Every sample by its name and labels, as `name{label=value}`."""
    async with ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return samples(await answer.text())


def samples(text: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def test_what_is_overdue_and_unsaid_is_seen(tmp_path: Path) -> None:
    settings, bot = made(tmp_path)
    now = SystemClock().now()

    def fill(tx: Tx) -> None:
        tx.cutovers.add(cutover(1))
        late, early = now - timedelta(hours=1), now + timedelta(days=1)
        tx.reminders.plan(
            A, "c1", 1, [PlannedReminder("a", early, "send"), PlannedReminder("b", late, "send")]
        )
        tx.outbox.put(A, post())
        tx.outbox.put(A, post(not_before=now + timedelta(days=1)))

    async with listening(settings, bot, with_slack=False):
        before = await scrape(settings.port)
        assert before["mxcutover_oldest_overdue_reminder_seconds"] == 0
        assert (before["mxcutover_outbox_unsettled"], before["mxcutover_database_up"]) == (0, 1)
        await bot.store.transact(fill)
        with bot.store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE outbox SET put_at = '2026-01-01 00:00:00.000000' WHERE id = 2")
        after = await scrape(settings.port)
        assert 3600 <= after["mxcutover_oldest_overdue_reminder_seconds"] < 3660
        assert after["mxcutover_outbox_unsettled"] == 2
        assert 0 <= after["mxcutover_outbox_oldest_seconds"] < 60, "what was put off for later is not late"
        assert 0 <= after["mxcutover_tick_age_seconds"] < 60
    await bot.store.close()


async def test_without_its_database_the_page_comes_all_the_same(tmp_path: Path) -> None:
    settings, bot = made(tmp_path)
    async with listening(settings, bot, with_slack=False):
        await bot.store.close()
        found = await scrape(settings.port)
    assert found["mxcutover_database_up"] == 0
    assert math.isnan(found["mxcutover_oldest_overdue_reminder_seconds"])
    assert found["mxcutover_tick_age_seconds"] >= 0


async def test_a_database_that_hangs_does_not_keep_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, bot = made(tmp_path)
    monkeypatch.setattr("bot.metrics.READ_WITHIN", 0.05)
    go = threading.Event()
    async with listening(settings, bot, with_slack=False):
        waiting = asyncio.create_task(bot.store.transact(lambda tx: go.wait()))
        found = await asyncio.wait_for(scrape(settings.port), 10)
        go.set()
        await waiting
    assert found["mxcutover_database_up"] == 0
    assert math.isnan(found["mxcutover_outbox_unsettled"])
    await bot.store.close()


async def test_what_a_tick_calls_is_timed(tmp_path: Path) -> None:
    """A job that is at it for an hour by the monotonic clock."""
    ahead, go = 0.0, asyncio.Event()
    settings, bot = made(tmp_path, monotonic=lambda: ahead)
    bot.scheduler._jobs = {"looks": go.wait}
    ticking = asyncio.create_task(bot.scheduler.tick())
    async with listening(settings, bot, with_slack=False):
        assert (await scrape(settings.port))["mxcutover_longest_job_seconds"] == 0
        ahead = 3600.0
        assert (await scrape(settings.port))["mxcutover_longest_job_seconds"] == 3600
        go.set()
        await ticking
        assert (await scrape(settings.port))["mxcutover_longest_job_seconds"] == 0
    await bot.store.close()


async def test_served_where_the_health_checks_are(tmp_path: Path) -> None:
    settings, bot = made(tmp_path, health_port=free_port())
    async with listening(settings, bot, with_slack=True):
        assert await status(settings.health_port, "/metrics") == 200
        assert await status(settings.port, "/metrics") == 404
    await bot.store.close()
