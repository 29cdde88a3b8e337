"""From start to the restored TTL in a real browser, by clicking and typing alone: the bot as it is run."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import page_of, shoot

SCRIPT = str(Path(sys.executable).parent / "mxcutover")
MOST_REMINDERS = 20
LATE = re.compile("^(フォームを開く|Open the form)$")


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[str]:
    """`mxcutover run` without tokens, in a process of its own; the address that it prints."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "MXCUTOVER_", "DATABASE_"))
    }
    process = await asyncio.create_subprocess_exec(
        SCRIPT,
        "run",
        "--port",
        "0",
        "--data",
        str(data),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        yield line.split()[-1]
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 30)


@pytest.fixture
async def page(browser: Browser, tmp_path: Path) -> AsyncIterator[Page]:
    async with running(tmp_path) as url, page_of(browser, url, width=1680, height=950) as page:
        page.set_default_timeout(30_000)
        yield page


async def typed(page: Page, text: str, *, thread: bool = False) -> None:
    box = page.locator(f"[data-composer={'thread' if thread else 'main'}]")
    await box.fill(text)
    await box.press("Enter")


def of_thread(page: Page) -> Locator:
    return page.locator("#thread .message")


async def sees(page: Page, piece: str) -> None:
    """The thread says `piece`."""
    await expect(of_thread(page).filter(has_text=piece).last).to_be_visible(timeout=30_000)


async def opened_form(page: Page) -> Locator:
    """The form; where the machine was too slow for its trigger, by the button that the bot then offers."""
    dialog = page.get_by_role("dialog")
    late = page.locator("#main").get_by_role("button", name=LATE)
    for number in range(5):
        await expect(dialog.or_(late.nth(number)).first).to_be_visible(timeout=30_000)
        if await dialog.is_visible():
            break
        await late.nth(number).click()
    return dialog


async def fill_form(page: Page, labels: Sequence[str], mx: str = "10 mgf.cybermail.jp") -> None:
    dialog = await opened_form(page)
    await expect(dialog).to_contain_text("TTL", timeout=30_000)
    plan, service, notice, submit = labels
    await dialog.get_by_label(plan).select_option("standard")
    await dialog.get_by_label(service).select_option("google")
    await dialog.get_by_label(notice).fill(mx)
    await shoot(page, f"whole-form-{submit}")
    await dialog.get_by_role("button", name=submit).click()
    await dialog.wait_for(state="hidden")


JA = ("ご契約とプラン", "メールサービス", "開通通知書のMX", "始める")
EN = ("Contract and plan", "Mail service", "MX of the opening notice", "Start")


async def until(page: Page, piece: str, button: str = "次のリマインダーへ") -> None:
    """Let time pass from reminder to reminder until the thread says `piece`."""
    tools = page.locator("#tools")
    for _ in range(MOST_REMINDERS):
        if await of_thread(page).filter(has_text=piece).count():
            return
        count = await of_thread(page).count()
        await tools.get_by_role("button", name=button).click()
        await expect(of_thread(page)).not_to_have_count(count, timeout=30_000)
    await sees(page, piece)


async def set_ttl(page: Page, ttl: int) -> None:
    tools = page.locator("#tools")
    await tools.get_by_label("TTL（秒）").fill(str(ttl))
    await tools.get_by_role("button", name="保存").click()
    await expect(tools.locator("[data-server='02.dnsv.jp']")).to_contain_text(str(ttl))


async def test_from_start_to_the_restored_ttl(page: Page) -> None:
    tools = page.locator("#tools")
    await shoot(page, "whole-1-welcome")
    await typed(page, "/mxcutover start example.co.jp")
    await fill_form(page, JA)
    await page.locator(".thread-summary").click()
    await sees(page, "お知らせの予定")
    await shoot(page, "whole-2-opened")

    await tools.get_by_label("ドメイン").select_option("example.co.jp")
    await until(page, "MXのTTLを300秒に下げてください")
    await typed(page, "完了", thread=True)
    await sees(page, "まだ300秒になっていないサーバーがあります")
    await shoot(page, "whole-3-not-believed")
    await set_ttl(page, 300)
    await typed(page, "完了", thread=True)
    await sees(page, "すべての権威サーバーでTTLが300秒以下になりました")

    await until(page, "手順1：MXを変更してください")
    await shoot(page, "whole-4-the-day")
    await tools.get_by_role("button", name="MXをmgf.cybermail.jpに").click()
    await expect(tools.locator("[data-server='02.dnsv.jp']")).to_contain_text("mgf.cybermail.jp")
    await typed(page, "変更しました", thread=True)
    await sees(page, "すべての権威サーバーでMXが切り替わりました")
    await page.locator(".welcome").get_by_role("button", name="閉じる").click()
    await shoot(page, "whole-5-changed")
    await typed(page, "外部からのメールがスパム判定されないのはなぜですか？", thread=True)
    await sees(page, "許可条件リスト")
    await typed(page, "手順3と手順4 完了", thread=True)
    await sees(page, "手順4 メール配送先」を完了")
    await tools.get_by_role("button", name="+1時間").click()
    await sees(page, "を過ぎました")
    await shoot(page, "whole-6-safe")

    await until(page, "切替から10日が経ちました")
    await set_ttl(page, 3600)
    await typed(page, "戻しました", thread=True)
    await sees(page, "のMX切替は完了です")
    await shoot(page, "whole-7-finished")
    await expect(page.locator("#main .message").first).to_contain_text("完了")

    await page.locator("[data-place=app]").click()
    await expect(page.locator("[data-home]")).to_contain_text("MX切替")
    await shoot(page, "whole-8-home")


async def test_an_english_speaker_opens_one_and_asks(browser: Browser, tmp_path: Path) -> None:
    async with (
        running(tmp_path) as url,
        page_of(browser, url, locale="en-GB", width=1680, height=950) as page,
    ):
        page.set_default_timeout(30_000)  # as above: while the clock travels its buttons take no click
        await typed(page, "/mxcutover start example.com")
        await fill_form(page, EN)
        await page.locator(".thread-summary").click()
        await sees(page, "What you will be reminded of")
        tools = page.locator("#tools")
        await tools.get_by_label("Domain").select_option("example.com")
        await until(page, "Step 1: change the MX now", "To the next reminder")
        await typed(page, "done", thread=True)
        await sees(page, "Not all servers give the new MX yet")
        await tools.get_by_role("button", name="MX to mgf.cybermail.jp").click()
        await expect(tools.locator("[data-server='ns-1201.awsdns-22.org']")).to_contain_text(
            "mgf.cybermail.jp"
        )
        await typed(page, "now it is done", thread=True)
        await sees(page, "Every authoritative server gives the new MX")
        await page.locator(".welcome").get_by_role("button", name="Dismiss").click()
        await shoot(page, "whole-en")
        await typed(page, "why is nothing from outside judged as spam?", thread=True)
        await sees(page, "許可条件リスト")
        await shoot(page, "whole-en-question")
