"""The desk's verbs in a real browser, in both languages; what they look like is shot for looking at."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import page_of, shoot
from tests.browser.test_whole_cutover import EN, JA, fill_form, running, typed

PIECES = {
    "ja": {
        "menu": "状況を見る",
        "prepare": "アカウントの棚卸し",
        "runbook": "NO-GO",
        "tests": "docomo",
        "list": "進行中のMX切替",
        "settings": "いまの設定",
        "text": "利用者への案内文",
        "help": "使い方",
    },
    "en": {
        "menu": "Show its status",
        "prepare": "Account inventory",
        "runbook": "NO-GO",
        "tests": "docomo",
        "list": "Open MX cutovers",
        "settings": "Allowed channels",
        "text": "Announcement to the users",
        "help": "How to use",
    },
}


@pytest.mark.parametrize(("lang", "locale", "labels"), [("ja", "ja-JP", JA), ("en", "en-GB", EN)])
async def test_verbs_typed_and_clicked(
    browser: Browser, tmp_path: Path, lang: str, locale: str, labels: tuple[str, ...]
) -> None:
    async with (
        running(tmp_path) as url,
        page_of(browser, url, locale=locale, width=1680, height=1250) as page,
    ):
        page.set_default_timeout(30_000)
        await typed(page, "/mxcutover start example.co.jp")
        await fill_form(page, labels)
        await expect(page.locator("#main .message").first).to_contain_text("example.co.jp", timeout=30_000)
        for verb, piece in PIECES[lang].items():
            words = verb if verb in ("list", "settings", "help") else f"{verb} example.co.jp"
            await typed(page, f"/mxcutover {words}")
            await expect(page.locator("#main .message").filter(has_text=piece).last).to_be_visible(
                timeout=30_000
            )
            await shoot(page, f"desk-{lang}-{verb}")
        await page.locator(".thread-summary").click()
        await typed(page, "report", thread=True)
        await expect(page.locator("#thread .message").filter(has_text=".html").last).to_be_visible(
            timeout=30_000
        )
        await typed(page, "runbook", thread=True)
        await expect(page.locator("#thread .message").filter(has_text="NO-GO").last).to_be_visible(
            timeout=30_000
        )
        await shoot(page, f"desk-{lang}-thread")
        await page.locator("[data-place=app]").click()
        await expect(page.locator("[data-home]")).to_contain_text("example.co.jp", timeout=30_000)
        await shoot(page, f"desk-{lang}-home")
