"""Chromium for the tests, and pages of the local workspace in it."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = os.environ.get("MXCUTOVER_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
]
SHOTS = Path(__file__).parents[2] / "shots"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium. Without one the test is skipped, or fails where MXCUTOVER_REQUIRE_LAB=1."""
    if shutil.which(CHROMIUM) is None:
        if os.environ.get("MXCUTOVER_REQUIRE_LAB") == "1":
            pytest.fail(f"{CHROMIUM} is not installed")
        pytest.skip(f"{CHROMIUM} is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of this test's own."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_browser() -> AsyncIterator[Browser]:
    """One for a module of many tests, which spares them its start: they share the session's event loop."""
    async with chromium() as browser:
        yield browser


class Complaints(list[str]):
    """What the page logged as an error: scripts that failed, resources that were refused."""


@asynccontextmanager
async def page_of(
    browser: Browser,
    url: str,
    *,
    locale: str = "ja-JP",
    width: int = 1280,
    height: int = 800,
) -> AsyncIterator[Page]:
    """A visitor's fresh page. An error in its scripts or its policy fails the test at the end."""
    context = await browser.new_context(
        locale=locale, timezone_id="Asia/Tokyo", viewport={"width": width, "height": height}
    )
    page = await context.new_page()
    page.set_default_timeout(10_000)
    complaints = Complaints()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type == "error" and "409" not in message.text else None
        ),
    )
    await page.goto(url)
    await page.wait_for_selector(".main-head")
    yield page
    await context.close()
    assert complaints == []


async def shoot(page: Page, name: str) -> None:
    """A screenshot to look at, in the git-ignored folder."""
    SHOTS.mkdir(exist_ok=True)
    await page.screenshot(path=SHOTS / f"{name}.png")
