"""Each verb in a real browser, in both languages: typed, and what it offers clicked through to its end.

The bot is in this process, with a clock that stands still and triggers that live for ever: a slow machine
changes nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import page_of, shoot
from tests.browser.test_whole_cutover import EN, JA, fill_form, of_thread, sees, typed
from tests.flow.conftest import House, whole_house
from tests.flow.test_pages import fill
from tests.flow.test_whole_cutover import DAY, NEW

OLD = [(10, "mail.old-provider.example")]
PATIENCE = 30_000  # milliseconds
LANGS = pytest.mark.parametrize("lang", ["ja", "en"])


@dataclass
class Desk:
    """A page of one who speaks `lang`, and the house behind it."""

    page: Page
    house: House
    lang: str

    def __call__(self, ja: str, en: str) -> str:
        return ja if self.lang == "ja" else en

    @property
    def answers(self) -> Locator:
        return self.page.locator("#main .message")

    async def answered(self, words: str, piece: str, shot: str = "") -> Locator:
        """Type `/mxcutover words`; the new answer, which says `piece`."""
        saying = self.answers.filter(has_text=piece)
        before = await saying.count()
        await typed(self.page, f"/mxcutover {words}".rstrip())
        return await self._new(saying, before, shot)

    async def clicked(self, within: Locator, button: str, piece: str, shot: str = "") -> Locator:
        """Click what is called `button`; the new answer in the channel."""
        saying = self.answers.filter(has_text=piece)
        before = await saying.count()
        await within.get_by_role("button", name=button, exact=True).click()
        return await self._new(saying, before, shot)

    async def _new(self, saying: Locator, before: int, shot: str) -> Locator:
        await expect(saying).to_have_count(before + 1)
        await self.shot(shot)
        return saying.last

    async def shot(self, name: str) -> None:
        if name:
            await shoot(self.page, f"verb-{name}-{self.lang}")

    async def start(self) -> None:
        """Open a cutover of example.co.jp, planned for Saturday 19 December 22:00."""
        await typed(self.page, "/mxcutover start example.co.jp")
        await fill_form(self.page, self(JA, EN))  # type: ignore[arg-type]
        await expect(self.page.locator(".thread-summary")).to_be_visible()

    async def open_thread(self) -> None:
        await self.page.locator(".thread-summary").click()
        await expect(of_thread(self.page).first).to_be_visible()


@asynccontextmanager
async def desk_of(browser: Browser, folder: Path, lang: str) -> AsyncIterator[Desk]:
    expect.set_options(timeout=PATIENCE)
    locale = "ja-JP" if lang == "ja" else "en-GB"
    async with (
        whole_house(folder, ack_seconds=60.0, monotonic=lambda: 0.0) as house,
        page_of(browser, house.workspace.url, locale=locale, width=1680, height=1100) as page,
    ):
        page.set_default_timeout(PATIENCE)
        yield Desk(page, house, lang)


@pytest.fixture
async def desk(browser: Browser, tmp_path: Path, lang: str) -> AsyncIterator[Desk]:
    async with desk_of(browser, tmp_path, lang) as desk:
        yield desk


@LANGS
async def test_what_only_shows(desk: Desk) -> None:
    await desk.answered("", desk("ボットの使い方", "How to use"), "help")
    await desk.answered("list", desk("進行中の切替はありません", "No cutover is open"))
    await desk.answered("start info@example.co.jp", "example.co.jp", "start-refused")
    await desk.start()
    await desk.answered("status example.co.jp", desk("開始時のMX", "MX at the start"), "status")
    await desk.answered("check example.co.jp", desk("DNSの確認結果", "DNS check of"), "check")
    await desk.answered("plan example.co.jp", desk("の予定", "The plan of"), "plan")
    await desk.answered("history example.co.jp", desk("切替を開始", "opened"), "history")
    await desk.answered("report example.co.jp", desk("DMにお送りしました", "Sent to you by DM"))
    question = desk("外部からのメールがスパム判定されない", "mail from outside is not judged as spam")
    await desk.answered(f"ask {question}", "自ドメイン許可設定", "ask")
    near = desk("/mxcutover status のこと", "/mxcutover status")
    await desk.answered("statsu example.co.jp", near, "near-verb")
    await desk.page.locator("[data-place=app]").click()
    await expect(desk.page.locator("#main .message .file").first).to_be_visible()
    await desk.shot("report")


@LANGS
async def test_lists_with_filters(desk: Desk) -> None:
    await desk.start()
    lists: tuple[tuple[str, str], ...] = (
        ("list", desk("*進行中のMX切替*（1件）", "*Open MX cutovers* (1)").replace("*", "")),
        (desk("list 準備中", "list preparing"), desk("条件：準備中", "for: preparing")),
        (desk("list 自分", "list mine"), desk("条件：自分", "for: mine")),
        ("list 2026-12-01..2026-12-31", desk("条件：2026-12-01..2026-12-31", "for: 2026-12-01..2026-12-31")),
        ("list 2027-01-01..2027-01-02", desk("当てはまる切替はありません", "No cutover matches")),
        (desk("list むにゃ", "list blah"), desk("読み取れなかった条件：むにゃ", "Not understood: blah")),
    )
    for number, (words, piece) in enumerate(lists):
        await desk.answered(words, piece, f"list-{number}")
    found = await desk.answered("list", desk("（1件）", "(1)"))
    await desk.clicked(found, desk("メニュー", "Menu"), desk("状況を見る", "Show its status"), "menu")


@LANGS
async def test_the_day_is_moved(desk: Desk) -> None:
    await desk.start()
    await desk.answered(
        f"reschedule example.co.jp {desk('2月30日', '30 Feb')}",
        desk("その日付は存在しません", "There is no such date"),
    )
    await desk.answered("reschedule example.co.jp 2020-01-01", desk("もう過ぎています", "has passed"))
    await desk.answered(
        "reschedule example.co.jp", desk("新しい日時を教えてください", "To which date and time"), "reschedule"
    )
    new = desk("12月26日(土) 21:30", "Sat 26 Dec, 21:30")
    day = desk("12/26 21:30", "26 Dec 21:30")
    words = f"reschedule example.co.jp {day}"
    asked = await desk.answered(words, desk("に変更しますか", "Move the change"), "reschedule-asked")
    await asked.get_by_role("button", name=new).click()
    await expect(desk.answers.first).to_contain_text(new)
    await desk.open_thread()
    await sees(desk.page, new)
    await desk.shot("reschedule-done")


@LANGS
async def test_somebody_is_assigned(desk: Desk) -> None:
    await desk.start()
    asked = await desk.answered("assign example.co.jp", desk("どなたを担当", "Who is to answer"), "assign")
    await asked.get_by_role("combobox").select_option(label="佐藤 健")
    await desk.open_thread()
    await sees(desk.page, desk("担当に", "Assigned"))
    await expect(desk.answers.first).to_contain_text("佐藤 健")
    await desk.shot("assign-done")


@LANGS
async def test_it_is_cancelled(desk: Desk) -> None:
    await desk.start()
    asked = await desk.answered("cancel example.co.jp", desk("中止しますか", "Cancel"), "cancel")
    await asked.get_by_role("button", name=desk("中止する", "Cancel it")).click()
    await expect(desk.answers.first).to_contain_text(desk("中止", "cancelled"))
    await desk.open_thread()
    await sees(desk.page, desk("切替を中止しました", "cancelled"))
    await desk.shot("cancel-done")
    await desk.answered("status example.co.jp", desk("状態", "State"), "status-over")


@LANGS
async def test_it_is_rolled_back(desk: Desk) -> None:
    await desk.start()
    early = desk("何も変更していません", "nothing")
    await desk.answered("rollback example.co.jp", early, "rollback-early")
    await desk.house.go_to(DAY + timedelta(seconds=5))
    desk.house.sandbox.set_mx("example.co.jp", NEW)
    await desk.open_thread()
    await typed(desk.page, desk("完了", "done"), thread=True)
    await sees(
        desk.page,
        desk("すべての権威サーバーでMXが切り替わりました", "Every authoritative server gives the new MX"),
    )
    asked = await desk.answered("rollback example.co.jp", desk("切り戻しますか", "Roll back"), "rollback")
    await asked.get_by_role("button", name=desk("切り戻す", "Roll back")).click()
    await sees(desk.page, "IN MX 10 mail.old-provider.example.")
    await desk.shot("rollback-lines")
    desk.house.sandbox.set_mx("example.co.jp", OLD)
    await desk.house.go(minutes=2)
    await sees(desk.page, desk("MXが元の値に戻りました", "gives the old MX again"))
    await desk.shot("rollback-done")


@LANGS
async def test_settings_are_changed_and_kept_to(desk: Desk) -> None:
    shown = await desk.answered("settings", desk("いまの設定", "Allowed channels"), "settings")
    await shown.get_by_role("button", name=desk("設定を変える", "Change")).click()
    dialog = desk.page.get_by_role("dialog")
    person = desk.house.hanako if desk.lang == "ja" else desk.house.alice
    # The groups are named a moment after it opens; what is said to a field does not outlive that.
    await person.wait_for(person.modal, lambda view: view and "@dns-team" in str(view), seconds=30)
    freezes = dialog.get_by_label(desk("変更凍結期間", "Freezes"))
    await freezes.fill("2026-12-28..x")
    save = dialog.get_by_role("button", name=desk("保存", "Save"))
    await save.click()
    await expect(dialog).to_contain_text(desk("を読み取れません", "can't be read"))
    await desk.shot("settings-wrong")
    await freezes.fill("2026-12-26..2027-01-04")
    await save.click()
    await dialog.wait_for(state="hidden")
    await desk.answered("settings", "2026-12-26..2027-01-04", "settings-kept")
    await desk.start()
    day = desk("12/28 22:00", "28 Dec 22:00")
    frozen = desk("変更凍結期間です", "Nothing may be changed")
    await desk.answered(f"reschedule example.co.jp {day}", frozen, "reschedule-frozen")


@LANGS
async def test_the_home_of_none_of_one_and_of_two_hundred(desk: Desk) -> None:
    home, place = desk.page.locator("[data-home]"), desk.page.locator("[data-place=app]")
    back = desk.page.locator("[data-place=C0CUTOVER1]")
    await place.click()
    await expect(home).to_contain_text(desk("進行中の切替はありません", "No cutover is open"))
    await desk.shot("home-0")
    await back.click()
    await desk.start()
    await place.click()
    await expect(home).to_contain_text(desk("進行中 1件", "1 open"))
    await desk.shot("home-1")
    await fill(desk.house)
    await back.click()
    await place.click()
    await expect(home).to_contain_text(desk("1/11ページ", "page 1 of 11"))
    await desk.shot("home-200")
    await home.get_by_role("button", name=desk("次のページ", "Next page")).click()
    await expect(home).to_contain_text(desk("2/11ページ", "page 2 of 11"))
    await home.get_by_role("button", name=desk("前のページ", "Previous page")).click()
    await expect(home).to_contain_text(desk("1/11ページ", "page 1 of 11"))
