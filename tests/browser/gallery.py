"""A small app that shows every block and input there is, for looking at the page and for its tests."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SystemClock
from bot.dns.sandbox import Sandbox
from bot.workspace.app import App, Shortcut, SlashCommand
from bot.workspace.clock import MovableClock
from bot.workspace.dns_panel import DnsPanel
from bot.workspace.person import HANAKO
from bot.workspace.server import LocalWorkspace

Json = dict[str, Any]
PICTURE = "https://picture.invalid/"  # put in the place of the workspace's own picture when it is shown

APP = App(
    commands=(
        SlashCommand("/mxcutover", "MXレコード切替を案内します", "start example.co.jp"),
        SlashCommand("/gallery", "すべてのブロックを表示します"),
    ),
    shortcuts=(
        Shortcut("global", "form", "フォームを開く", "すべての入力欄"),
        Shortcut("message", "ask_about", "この件を質問する", "FAQを探します"),
    ),
    prompts=(("メールが届かない", "外部からのメールが届きません"), ("TTLとは", "TTLはなぜ下げるのですか")),
)


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str, value: str, note: str | None = None) -> Json:
    made: Json = {"text": plain(text), "value": value}
    if note:
        made["description"] = plain(note)
    return made


OPTIONS = [option("Standard", "standard"), option("Premium", "premium"), option("Lite", "lite", "切替は不要")]


def button(text: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": action_id, **more}


CONFIRM = {
    "title": plain("切替を中止しますか"),
    "text": mrkdwn("*example.co.jp* の切替を中止します。DNSの設定はそのまま残ります。"),
    "confirm": plain("中止する"),
    "deny": plain("戻る"),
    "style": "danger",
}

TEXTS = """*太字* _斜体_ ~取り消し~ `code` と <https://example.com|リンク>、<@U0HANAKO01>、<#C0GENERAL1>、<!here>
&gt; 引用の行です。&lt;script&gt;は文字のままです
• 箇条書き :white_check_mark: :warning: :unknown_name:
*太字*です（続けて書くと太字になりません） <!date^1796475600^{date_long} {time}|日時>
```example.co.jp. 300 IN MX 10 mgf.cybermail.jp.
example.co.jp. 300 IN MX 20 mgp.cybermail.jp.```"""

BLOCKS: list[Json] = [
    {"type": "header", "text": plain(":email: example.co.jp のMX切替")},
    {"type": "section", "text": mrkdwn(TEXTS)},
    {
        "type": "section",
        "fields": [
            mrkdwn("*切替日*\n12月5日(土) 22:00"),
            mrkdwn("*TTL*\n3600秒 → 300秒"),
            mrkdwn("*担当*\n田中 花子"),
        ],
        "accessory": {
            "type": "overflow",
            "action_id": "more",
            "options": [
                option("日程を変更", "move"),
                option("担当を変更", "assign"),
                option("中止", "cancel"),
            ],
        },
    },
    {"type": "alert", "level": "warning", "text": mrkdwn("TTLが *3600秒* のままです。")},
    {"type": "alert", "level": "success", "text": plain("切替を確認しました。")},
    {
        "type": "table",
        "rows": [
            [{"type": "raw_text", "text": t} for t in ("サーバー", "MX", "TTL")],
            [{"type": "raw_text", "text": t} for t in ("01.dnsv.jp", "10 mgf.cybermail.jp.", "300")],
            [
                {"type": "raw_text", "text": t}
                for t in ("02.dnsv.jp", "10 mail.old-provider.example.", "3600")
            ],
        ],
        "column_settings": [{}, {"is_wrapped": True}, {"align": "right"}],
    },
    {"type": "divider"},
    {
        "type": "actions",
        "block_id": "buttons",
        "elements": [
            button("完了", "done", style="primary"),
            button("変更できない", "cannot"),
            button("中止", "stop", style="danger", confirm=CONFIRM),
            button("手順を開く", "open", url="https://example.com/"),
            {
                "type": "static_select",
                "action_id": "plan",
                "placeholder": plain("プランを選ぶ"),
                "options": OPTIONS,
            },
            {"type": "datepicker", "action_id": "day", "initial_date": "2026-12-05"},
            {"type": "timepicker", "action_id": "time", "initial_time": "22:00"},
            {"type": "users_select", "action_id": "who", "initial_user": HANAKO},
        ],
    },
    {
        "type": "container",
        "title": plain("あとでする作業"),
        "subtitle": plain("B7"),
        "is_collapsible": True,
        "child_blocks": [{"type": "section", "text": mrkdwn("TTLを *3600秒* に戻す")}],
    },
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [{"type": "text", "text": "ひとつめ", "style": {"bold": True}}],
                    },
                    {
                        "type": "rich_text_section",
                        "elements": [{"type": "link", "url": "https://example.com"}],
                    },
                ],
            }
        ],
    },
    {
        "type": "markdown",
        "text": "### Markdown\n**太字** と `code`\n\n- 一\n- 二\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    },
    {"type": "image", "image_url": PICTURE, "alt_text": "封筒の図", "title": plain("図")},
    {"type": "context", "elements": [mrkdwn(":clock3: 最終確認 12:00"), mrkdwn("`gallery`")]},
]


def field(block_id: str, label: str, element: Json, **more: Any) -> Json:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {"action_id": "value", **element},
        **more,
    }


FORM: Json = {
    "type": "modal",
    "callback_id": "form",
    "title": plain("MX切替を始める"),
    "submit": plain("始める"),
    "close": plain("やめる"),
    "notify_on_close": True,
    "blocks": [
        {"type": "section", "text": mrkdwn("*example.co.jp* のDNSを確認しました。")},
        field(
            "domain",
            "ドメイン",
            {"type": "plain_text_input", "placeholder": plain("example.co.jp"), "max_length": 30},
            hint=plain("「@」より後ろの部分です"),
        ),
        field("product", "製品", {"type": "static_select", "options": OPTIONS, "placeholder": plain("選択")}),
        field("day", "切替日", {"type": "datepicker", "initial_date": "2026-12-05"}),
        field("time", "時刻", {"type": "timepicker", "initial_time": "22:00"}),
        field("at", "日時", {"type": "datetimepicker", "initial_date_time": 1796475600}),
        field("owner", "担当者", {"type": "users_select", "initial_user": HANAKO}),
        field("service", "メールサービス", {"type": "radio_buttons", "options": OPTIONS}, optional=True),
        field("steps", "確認", {"type": "checkboxes", "options": OPTIONS}, optional=True),
        field(
            "hosts",
            "サーバー",
            {"type": "multi_static_select", "options": OPTIONS, "placeholder": plain("選択")},
            optional=True,
        ),
        field(
            "ttl",
            "TTL",
            {"type": "number_input", "is_decimal_allowed": False, "max_value": "86400"},
            optional=True,
        ),
        field("mail", "連絡先", {"type": "email_text_input"}, optional=True),
        field("note", "メモ", {"type": "plain_text_input", "multiline": True}, optional=True),
    ],
}


class Gallery:
    """Keeps what it was told."""

    def __init__(self, app: AsyncApp) -> None:
        self.actions: list[Json] = []
        self.submitted: list[Json] = []
        app.command("/gallery")(self._show)
        app.command("/mxcutover")(self._form)
        app.shortcut("form")(self._form)
        app.shortcut("ask_about")(self._ask)
        app.action(re.compile(".*"))(self._acted)
        app.view("form")(self._submit)
        app.view_closed("form")(self._nothing)
        app.event("message")(self._message)
        app.event("app_mention")(self._nothing_event)
        app.event("app_home_opened")(self._home)

    async def _show(self, ack: Any, command: Json, client: AsyncWebClient) -> None:
        await ack()
        picture = client.base_url.replace("/api/", "/page/icon.svg")
        blocks = [{**b, "image_url": picture} if b["type"] == "image" else b for b in BLOCKS]
        post = await client.chat_postMessage(channel=command["channel_id"], text="gallery", blocks=blocks)
        for text in (
            "スレッドの返信です",
            "*TTL* を300秒に下げてください。\n変更したら「完了」と返信してください。",
        ):
            await client.chat_postMessage(channel=command["channel_id"], thread_ts=post["ts"], text=text)
        await client.chat_postEphemeral(
            channel=command["channel_id"], user=command["user_id"], text="これはあなただけに見えます :eyes:"
        )

    async def _form(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    async def _ask(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.chat_postMessage(
            channel=body["channel"]["id"], thread_ts=body["message"]["ts"], text="ご質問ですね"
        )

    async def _acted(self, ack: Any, body: Json, respond: Any) -> None:
        await ack()
        action = body["actions"][0]
        self.actions.append(action)
        if action["action_id"] == "done" and "message" in body:
            await respond(text="完了を確認しました")

    async def _submit(self, ack: Any, view: Json) -> None:
        values = view["state"]["values"]
        if "." not in values["domain"]["value"]["value"]:
            await ack(response_action="errors", errors={"domain": "ドメイン名ではないようです。"})
            return
        self.submitted.append(values)
        await ack()

    async def _nothing(self, ack: Any) -> None:
        await ack()

    async def _nothing_event(self) -> None:
        """Just acknowledged."""

    async def _message(self, event: Json, say: Any) -> None:
        if "bot_id" not in event and event.get("channel_type") == "im":
            await say(f"受け取りました：{event['text']}")

    async def _home(self, event: Json, client: AsyncWebClient) -> None:
        blocks = [
            {"type": "header", "text": plain("進行中の切替")},
            {
                "type": "section",
                "text": mrkdwn("*example.co.jp*\n準備中・12月5日(土) 22:00"),
                "accessory": button("開く", "open_home"),
            },
            {"type": "divider"},
            {"type": "context", "elements": [mrkdwn("`/mxcutover help`")]},
        ]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})


@asynccontextmanager
async def gallery() -> AsyncIterator[tuple[LocalWorkspace, Gallery, Sandbox]]:
    """The workspace with this app connected over Socket Mode, and the DNS sandbox."""
    clock = MovableClock(SystemClock())
    sandbox = Sandbox(clock)
    await sandbox.start()
    try:
        async with LocalWorkspace(clock, app=APP, dns=DnsPanel(sandbox)) as workspace:
            client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
            app = AsyncApp(client=client)
            shown = Gallery(app)
            handler = AsyncSocketModeHandler(app, workspace.app_token)
            await handler.connect_async()  # type: ignore[no-untyped-call]
            try:
                await workspace.wait_connected()
                yield workspace, shown, sandbox
            finally:
                await handler.close_async()  # type: ignore[no-untyped-call]
    finally:
        await sandbox.stop()
