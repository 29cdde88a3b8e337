"""The local workspace's page in a real browser: what a visitor sees, types and clicks."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.dns.sandbox import Sandbox
from bot.domain.mx import Mx
from bot.workspace.faults import Fault, Kind
from bot.workspace.person import ALICE, CUTOVER, GENERAL, HANAKO
from bot.workspace.server import LocalWorkspace
from tests.browser.conftest import page_of, shoot
from tests.browser.gallery import FORM, Gallery, gallery, mrkdwn

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class World:
    slack: LocalWorkspace
    app: Gallery
    sandbox: Sandbox
    browser: Browser

    @property
    def client(self) -> AsyncWebClient:
        return AsyncWebClient(token=self.slack.bot_token, base_url=self.slack.api_url)


@pytest_asyncio.fixture(loop_scope="session")
async def world(shared_browser: Browser) -> AsyncIterator[World]:
    async with gallery() as (slack, app, sandbox):
        yield World(slack, app, sandbox, shared_browser)


@pytest_asyncio.fixture(loop_scope="session")
async def page(world: World) -> AsyncIterator[Page]:
    async with page_of(world.browser, world.slack.url) as page:
        yield page


async def typed(page: Page, text: str, *, thread: bool = False) -> None:
    box = page.locator(f"[data-composer={'thread' if thread else 'main'}]")
    await box.fill(text)
    await box.press("Enter")


async def test_every_block_is_shown(page: Page) -> None:
    await typed(page, "/gallery")
    await page.locator(".thread-summary").wait_for()
    message = page.locator(".message").first
    for kind in (
        "header",
        "section",
        "alert",
        "table",
        "actions",
        "container",
        "rich_text",
        "markdown",
        "image",
    ):
        assert await message.locator(f".block-{kind}").count() >= 1, kind
    assert await page.locator(".unsupported").count() == 0
    section = message.locator(".block-section").first
    await expect(section.locator("strong").first).to_have_text("太字")
    assert "*太字*です" in await section.inner_text()
    assert ":unknown_name:" in await section.inner_text()
    await expect(section.locator(".mention").first).to_have_text("@田中 花子")
    await expect(section.locator("time")).to_have_text("2026年12月5日土曜日 22:00")
    await shoot(page, "blocks")


async def test_text_from_the_server_is_never_markup(world: World, page: Page) -> None:
    evil = "<img src=x onerror=document.title='hit'> <javascript:alert(1)|click> &lt;b&gt;"
    await world.client.chat_postMessage(channel=CUTOVER, text=evil)
    message = page.locator(".message-text")
    await expect(message).to_contain_text("<b>")
    assert await message.locator("img, b, script, a").count() == 0
    await typed(page, "<b onclick=1>x</b> & y")
    await expect(page.locator(".message-text").last).to_have_text("<b onclick=1>x</b> & y")
    assert await page.title() == "#mail-cutover - mxcutover"


async def test_a_form_with_its_errors_and_its_values(world: World, page: Page) -> None:
    await typed(page, "/mxcutover start example.co.jp")
    dialog = page.get_by_role("dialog", name="MX切替を始める")
    await dialog.wait_for()
    await expect(dialog.get_by_label("ドメイン")).to_be_focused()
    await dialog.get_by_role("button", name="始める").click()
    await expect(dialog.locator(".input-error:visible")).to_have_text(["この項目は必須です。"] * 2)
    assert world.app.submitted == []

    await dialog.get_by_label("ドメイン").fill("co")
    await dialog.get_by_label("製品").select_option("premium")
    await dialog.get_by_label("確認").get_by_label("Lite").check()
    await dialog.get_by_label("メモ").fill("一行目\n二行目")
    await dialog.locator("details.multi summary").click()
    await dialog.locator("details.multi").get_by_label("Standard").check()
    await dialog.get_by_role("button", name="始める").click()
    await expect(dialog.locator(".input-error:visible")).to_have_text(["ドメイン名ではないようです。"])
    await shoot(page, "form")

    await dialog.get_by_label("ドメイン").fill("example.co.jp")
    await dialog.get_by_label("ドメイン").press("Enter")
    await dialog.wait_for(state="hidden")
    (values,) = world.app.submitted
    assert values["domain"]["value"]["value"] == "example.co.jp"
    assert values["product"]["value"]["selected_option"]["value"] == "premium"
    assert values["day"]["value"]["selected_date"] == "2026-12-05"
    assert values["time"]["value"]["selected_time"] == "22:00"
    assert values["at"]["value"]["selected_date_time"] == 1796475600
    assert values["owner"]["value"]["selected_user"] == HANAKO
    assert [o["value"] for o in values["steps"]["value"]["selected_options"]] == ["lite"]
    assert [o["value"] for o in values["hosts"]["value"]["selected_options"]] == ["standard"]
    assert values["note"]["value"]["value"] == "一行目\n二行目"
    assert values["service"]["value"]["selected_option"] is None


async def test_a_form_that_is_updated_keeps_what_was_typed(world: World, page: Page) -> None:
    await typed(page, "/mxcutover start")
    domain = page.get_by_role("dialog").get_by_label("ドメイン")
    await domain.fill("example.co.jp")
    (view,) = world.slack.surfaces.stack(HANAKO)
    blocks = [{"type": "section", "text": mrkdwn("DNSの確認が終わりました")}, *FORM["blocks"][1:]]
    await world.client.views_update(view_id=view["id"], view={**FORM, "blocks": blocks})
    await expect(page.get_by_role("dialog")).to_contain_text("DNSの確認が終わりました")
    await expect(domain).to_have_value("example.co.jp")
    await expect(domain).to_be_focused()


async def test_escape_closes_a_form(world: World, page: Page) -> None:
    await typed(page, "/mxcutover start")
    await page.get_by_role("dialog").wait_for()
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog").wait_for(state="hidden")
    assert world.slack.surfaces.stack(HANAKO) == []


async def test_a_submission_that_nobody_answers_is_told_of(world: World, page: Page) -> None:
    await typed(page, "/mxcutover start")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("ドメイン").fill("example.co.jp")
    await dialog.get_by_label("製品").select_option("premium")
    world.slack.faults.add(Fault(Kind.NEVER, "interactive"))
    await dialog.get_by_role("button", name="始める").click()
    await expect(dialog.locator(".modal-problem")).to_contain_text("operation_timeout")
    await expect(dialog.get_by_label("ドメイン")).to_have_value("example.co.jp")


async def test_buttons_selects_and_a_confirmation(world: World, page: Page) -> None:
    await typed(page, "/gallery")
    await page.locator(".thread-summary").wait_for()
    await page.get_by_role("button", name="完了", exact=True).click()
    await expect(page.locator(".ephemeral").last).to_contain_text("完了を確認しました")
    await expect(page.locator(".ephemeral").last).to_contain_text("あなただけに表示されています")

    await page.get_by_role("button", name="中止", exact=True).click()
    question = page.get_by_role("dialog", name="切替を中止しますか")
    await question.get_by_role("button", name="戻る").click()
    await page.get_by_role("button", name="中止", exact=True).click()
    await question.get_by_role("button", name="中止する").click()
    await question.wait_for(state="hidden")

    await page.get_by_label("プランを選ぶ").select_option("lite")
    await page.locator("[data-action-id=day]").fill("2026-12-12")
    await page.locator("[data-action-id=more]").click()
    await page.get_by_role("menuitem", name="担当を変更").click()
    for _ in range(50):
        if len(world.app.actions) == 5:
            break
        await page.wait_for_timeout(100)
    assert [a["action_id"] for a in world.app.actions] == ["done", "stop", "plan", "day", "more"]
    assert world.app.actions[2]["selected_option"]["value"] == "lite"
    assert world.app.actions[3]["selected_date"] == "2026-12-12"
    assert world.app.actions[4]["selected_option"]["value"] == "assign"


async def test_a_thread(world: World, page: Page) -> None:
    await typed(page, "/gallery")
    await page.locator(".thread-summary").click()
    thread = page.locator("#thread")
    await expect(thread.locator(".message")).to_have_count(3)
    await typed(page, "完了", thread=True)
    await expect(thread.locator(".message").last).to_contain_text("完了")
    await expect(page.locator(".thread-summary")).to_contain_text("3件の返信")
    await typed(page, "/mxcutover status", thread=True)
    await expect(page.locator(".toast")).to_contain_text("スレッドの中ではスラッシュコマンドは使えません")
    await expect(page.locator("[data-composer=thread]")).to_have_value("/mxcutover status")
    await shoot(page, "thread")
    await thread.get_by_role("button", name="スレッドを閉じる").click()
    await expect(thread).to_be_hidden()


async def test_a_new_reply_is_seen_on_its_thread_and_followed(world: World, page: Page) -> None:
    await typed(page, "/gallery")
    root = page.locator(".message", has=page.locator(".thread-summary"))
    ts = await root.get_attribute("data-ts")
    await expect(root.locator(".news")).to_have_text("新しい返信")
    await page.locator(".thread-summary").click()
    await expect(root.locator(".news")).to_have_count(0)
    for number in range(30):
        given = {"channel": CUTOVER, "thread_ts": ts, "text": f"返信{number}"}
        assert world.slack.api.call("chat.postMessage", world.slack.bot_token, given)["ok"]
    await expect(page.locator("#thread .message").last).to_be_in_viewport()
    await expect(page.locator("#thread .message").last).to_have_text(re.compile("返信29"))
    await page.locator("#thread .scroll").evaluate("node => { node.scrollTop = 0; }")
    await page.wait_for_function("() => document.querySelector('#thread .scroll').atEnd === false")
    await world.client.chat_postMessage(channel=CUTOVER, thread_ts=ts, text="読み返し中の返信")
    await expect(page.locator("#thread .message").last).to_have_text(re.compile("読み返し中の返信"))
    assert await page.locator("#thread .scroll").evaluate("node => node.scrollTop") == 0


async def test_a_long_channel_shows_its_end_first(world: World, page: Page) -> None:
    for number in range(160):
        given = {"channel": CUTOVER, "text": f"第{number}通"}
        assert world.slack.api.call("chat.postMessage", world.slack.bot_token, given)["ok"]
    messages = page.locator("#main .message")
    await expect(messages).to_have_count(150)
    await expect(messages.last).to_be_in_viewport()
    await page.get_by_role("button", name="以前のメッセージを表示").click()
    await expect(messages).to_have_count(160)
    await expect(messages.first).to_contain_text("第0通")


async def test_enter_that_ends_a_composition_does_not_send(page: Page) -> None:
    box = page.locator("[data-composer=main]")
    await box.fill("かんりょう")
    await box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    await expect(box).to_have_value("かんりょう")
    await box.press("Shift+Enter")
    await box.press_sequentially("x")
    await expect(box).to_have_value("かんりょう\nx")
    await box.press("Enter")
    await expect(box).to_have_value("")
    await expect(page.locator(".message-text")).to_have_text("かんりょうx")


async def test_suggestions_by_keyboard(page: Page) -> None:
    box = page.locator("[data-composer=main]")
    await box.fill("/mx")
    options = page.locator(".suggestions").get_by_role("option")
    await expect(options.first).to_contain_text("/mxcutover")
    await box.press("ArrowDown")
    await box.press("Enter")
    await expect(box).to_have_value("/mxcutover start example.co.jp")
    await expect(options).to_have_count(0)
    await box.fill("@al")
    await box.press("Enter")
    await expect(box).to_have_value("@alice ")


async def test_what_others_say_comes_by_itself(world: World, page: Page) -> None:
    await page.locator(f"[data-place={GENERAL}]").click()
    post = await world.client.chat_postMessage(channel=CUTOVER, text="新しいお知らせ")
    await expect(page.locator(f"[data-place={CUTOVER}].unread")).to_be_visible()
    await page.locator(f"[data-place={CUTOVER}]").click()
    message = page.locator(".message-text")
    await expect(message).to_have_text("新しいお知らせ")
    await expect(page.locator(f"[data-place={CUTOVER}].unread")).to_have_count(0)
    await world.client.chat_update(channel=CUTOVER, ts=post["ts"], text="直しました")
    await expect(message).to_have_text("直しました")
    await expect(page.locator(".edited")).to_have_text("（編集済み）")
    await world.client.chat_delete(channel=CUTOVER, ts=post["ts"])
    await expect(message).to_have_count(0)


async def test_home_messages_and_prompts(page: Page) -> None:
    await page.locator("[data-place=app]").click()
    await expect(page.locator("[data-home]")).to_contain_text("進行中の切替")
    await page.get_by_role("tab", name="メッセージ").click()
    await page.get_by_role("button", name="メールが届かない").click()
    await expect(page.locator(".message-text").last).to_have_text(
        "受け取りました：外部からのメールが届きません"
    )
    await shoot(page, "dm")


async def test_shortcuts(world: World, page: Page) -> None:
    await typed(page, "届きません")
    await page.locator(".message").hover()
    await page.get_by_role("button", name="その他").click()
    await page.get_by_role("menuitem", name="この件を質問する").click()
    await expect(page.locator(".thread-summary")).to_contain_text("1件の返信")
    await page.get_by_role("button", name="ショートカット").click()
    await page.get_by_role("menuitem", name="フォームを開く").click()
    await page.get_by_role("dialog", name="MX切替を始める").wait_for()


async def test_dns_is_edited_and_lags_and_fails(world: World, page: Page) -> None:
    tools = page.locator("#tools")
    await tools.get_by_label("ドメイン").select_option("example.co.jp")
    await tools.get_by_label("TTL（秒）").fill("300")
    await tools.get_by_label("02.dnsv.jp", exact=True).uncheck()
    await tools.get_by_role("button", name="保存").click()
    await expect(tools.locator("[data-server='02.dnsv.jp']")).to_contain_text("遅れています")
    first, second = world.sandbox.zone("example.co.jp").servers
    assert (first.ttl, second.ttl) == (300, 3600)
    await tools.get_by_role("button", name="追いつかせる").click()
    await expect(tools.locator(".server.lagging")).to_have_count(0)
    assert world.sandbox.zone("example.co.jp").servers[1].ttl == 300

    await tools.get_by_role("button", name="行を追加").click()
    line = tools.locator(".mx-line").last
    await line.get_by_label("優先度").fill("20")
    await line.get_by_label("メールサーバー").fill("bad name")
    await tools.get_by_role("button", name="保存").click()
    await expect(page.locator(".toast").last).to_contain_text("bad name はサーバー名として使えません")
    await line.get_by_label("メールサーバー").fill("mgp.cybermail.jp")
    await tools.get_by_role("button", name="保存").click()
    await expect(tools.locator(".record", has_text="mgp.cybermail.jp")).to_have_count(2)
    assert Mx(20, "mgp.cybermail.jp.") in world.sandbox.zone("example.co.jp").mx

    await tools.get_by_role("button", name="MXをmgf.cybermail.jpに").click()
    await expect(tools.locator(".record", has_text="mgp.cybermail.jp")).to_have_count(0)
    assert world.sandbox.zone("example.co.jp").mx == {Mx(10, "mgf.cybermail.jp.")}

    await tools.get_by_label("障害: 01.dnsv.jp").select_option("servfail")
    await expect(tools.get_by_label("障害: 01.dnsv.jp")).to_have_value("servfail")
    for _ in range(50):
        if world.sandbox.zone("example.co.jp").servers[0].fault is not None:
            break
        await page.wait_for_timeout(50)
    assert world.sandbox.zone("example.co.jp").servers[0].fault == "servfail"
    await tools.get_by_label("ドメイン").select_option("example.jp")
    await expect(tools.get_by_label("TTL（秒）")).to_be_disabled()
    await shoot(page, "dns")


async def test_the_clock_is_moved(world: World, page: Page) -> None:
    tools = page.locator("#tools")
    before = world.slack.clock.now()
    await tools.get_by_role("button", name="+10日").click()
    await expect(tools.locator("[data-ahead]")).to_have_text("実際より 10日 先")
    assert (world.slack.clock.now() - before).days == 10
    await tools.get_by_role("button", name="+1時間").click()
    await expect(tools.locator("[data-ahead]")).to_have_text("実際より 10日1時間 先")
    await tools.get_by_label("進める先の日時（東京）").fill("2020-01-01T00:00")
    await tools.get_by_role("button", name="進める", exact=True).click()
    await expect(page.locator(".toast")).to_contain_text("時計は先にしか進められません")
    await expect(tools.get_by_role("button", name="次のリマインダーへ")).to_be_disabled()


async def test_a_visitor_who_reads_english(world: World) -> None:
    async with page_of(world.browser, world.slack.url, locale="en-GB") as page:
        welcome = page.locator(".welcome")
        await expect(welcome).to_contain_text("Three things to try")
        await expect(welcome.locator("li")).to_have_count(3)
        await expect(page.locator("[data-who]")).to_have_value(ALICE)
        await shoot(page, "english")
        await welcome.get_by_role("button", name="Dismiss").click()
        await expect(welcome).to_have_count(0)
        await page.reload()
        await page.wait_for_selector(".main-head")
        await expect(page.locator(".welcome")).to_have_count(0)


async def test_another_person_and_another_language(world: World, page: Page) -> None:
    await world.client.chat_postEphemeral(channel=CUTOVER, user=HANAKO, text="花子さんだけ")
    await expect(page.locator(".ephemeral")).to_have_count(1)
    await page.locator("[data-who]").select_option(ALICE)
    await expect(page.locator(".ephemeral")).to_have_count(0)
    await expect(page.locator("#sidebar")).to_contain_text("Channels")
    await page.locator("[data-language]").select_option("ja-JP")
    await expect(page.locator("#sidebar")).to_contain_text("チャンネル")
    assert world.slack.state.users[ALICE].locale == "ja-JP"


async def test_a_bot_that_does_not_answer(world: World, page: Page) -> None:
    await expect(page.locator(".connection")).to_have_text("ボット接続中")
    await page.request.post(
        f"{world.slack.url}/ui/fault", data={"kind": "never", "method": "slash_commands", "times": 1}
    )
    await typed(page, "/gallery")
    await expect(page.locator(".toast")).to_contain_text("operation_timeout")
    await typed(page, "/nothing")
    await expect(page.locator(".toast").last).to_contain_text("/nothing というコマンドはありません")


async def test_a_channel_without_the_bot_and_an_archived_one(world: World, page: Page) -> None:
    await page.locator(f"[data-place={GENERAL}]").click()
    await page.get_by_role("button", name="追加する").click()
    await expect(page.locator(".notice")).to_have_count(0)
    await world.client.chat_postMessage(channel=GENERAL, text="参加しました")
    await expect(page.locator(".message-text")).to_have_text("参加しました")
    await page.locator("[data-place=C0ARCHIVE1]").click()
    await expect(page.locator(".notice")).to_contain_text("アーカイブ")
    await expect(page.locator("[data-composer=main]")).to_have_count(0)


async def test_a_narrow_screen(world: World) -> None:
    async with page_of(world.browser, world.slack.url, width=390, height=780) as page:
        await expect(page.locator("#sidebar")).to_be_hidden()
        await typed(page, "/gallery")
        await page.locator(".thread-summary").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await shoot(page, "narrow")
        await page.get_by_role("button", name="メニュー").click()
        await page.locator(f"[data-place={GENERAL}]").click()
        await expect(page.locator("#sidebar")).to_be_hidden()
        await expect(page.locator("h1")).to_contain_text("general")


NAMELESS = """() => [...document.querySelectorAll('button, input, select, textarea')]
  .filter((n) => n.offsetParent && !(n.innerText || '').trim() && !n.getAttribute('aria-label')
    && !(n.labels && n.labels.length)).map((n) => n.outerHTML)"""


async def test_everything_that_can_be_operated_has_a_name(page: Page) -> None:
    await typed(page, "/gallery")
    await page.locator(".thread-summary").click()
    assert await page.evaluate(NAMELESS) == []
    await typed(page, "/mxcutover start")
    await page.get_by_role("dialog").wait_for()
    assert await page.evaluate(NAMELESS) == []


async def test_the_page_comes_with_a_strict_policy(world: World, page: Page) -> None:
    answer = await page.request.get(world.slack.url)
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    texts: Any = await page.evaluate(
        "[...document.querySelectorAll('script, link')].map((n) => n.src || n.href)"
    )
    assert all(str(address).startswith(world.slack.url) for address in texts)
