"""The change as it arrives, and what is said before it is made."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.report import to_png
from bot.report.raster import japanese_font
from bot.workspace.person import CUTOVER, texts
from tests.flow.conftest import House
from tests.flow.test_whole_cutover import DAY, NEW, open_cutover, said, thread


async def progress(house: House, root: dict[str, object]) -> list[str]:
    return [t for t in await thread(house, root) if "反映の状況" in t or "切り戻しの状況" in t]


async def test_one_message_shows_the_change_arriving_and_is_edited_in_place(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(DAY + timedelta(seconds=5))
    assert await progress(house, root) == []
    house.sandbox.set_mx("example.co.jp", NEW, servers=["01.dnsv.jp"])
    await house.go(minutes=1)
    await said(house, root, "反映の状況")
    (shown,) = await progress(house, root)
    assert "✅ 01.dnsv.jp" in shown
    assert "⬜ 02.dnsv.jp" in shown
    house.sandbox.catch_up("example.co.jp")
    await house.go(minutes=1)
    await house.hanako.wait_for(
        lambda: progress(house, root), lambda all_: len(all_) == 1 and "✅ 02.dnsv.jp" in all_[0]
    )
    await house.go(hours=2)
    (shown,) = await progress(house, root)
    assert "古いMXはありません" in shown


async def test_a_secondary_that_does_not_take_the_change_is_told_of_when_its_refresh_is_over(
    house: House,
) -> None:
    """Once, and not from the planned moment but from the change on."""
    root = await open_cutover(house)
    await house.go_to(DAY + timedelta(hours=5))
    house.sandbox.set_mx("example.co.jp", NEW, servers=["01.dnsv.jp"])
    await house.go(minutes=20)
    await said(house, root, "一部のサーバーで確認しました")
    assert not any("リフレッシュ間隔（" in text for text in await thread(house, root))
    await house.go(hours=3)
    await said(house, root, "リフレッシュ間隔（")
    await house.go(hours=3)
    assert sum("リフレッシュ間隔（" in text for text in await thread(house, root)) == 1


async def test_a_lowered_ttl_that_has_not_run_out_holds_the_change_back(house: House) -> None:
    """3600 s, lowered half an hour before the day: the old copies live until half an hour after it."""
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.go_to(DAY - timedelta(minutes=31))
    house.sandbox.set_ttl("example.co.jp", 300)
    await house.hanako.say("TTL 完了", CUTOVER, ts)
    await said(house, root, "すべての権威サーバーでTTLが300秒以下")
    await house.go_to(DAY + timedelta(seconds=5))
    held = await said(house, root, "いまはMXを変更しないでください")
    assert "22:29" in held
    assert not any("手順1：MXを変更してください" in text for text in await thread(house, root))
    await house.go_to(DAY + timedelta(minutes=31))
    await said(house, root, "手順1：MXを変更してください")


async def test_a_target_without_an_address_can_be_overridden_with_a_reason_that_is_kept(house: House) -> None:
    root = await open_cutover(house, "example.com", mx="10 mx-nowhere.example")
    ts = str(root["ts"])
    await house.go_to(DAY + timedelta(seconds=5))
    await said(house, root, "いまはMXを変更しないでください")
    held = (await house.hanako.messages(CUTOVER, ts))[-1]
    await house.hanako.click(held, "override_open")
    form = await house.hanako.wait_for(house.hanako.modal)
    assert form is not None
    refused = await house.hanako.submit(form, {"reason": ""})
    assert not refused["ok"]
    await house.hanako.submit(form, {"reason": "保守会社の指示による"})
    await said(house, root, "保守会社の指示による")
    await said(house, root, "手順1：MXを変更してください")
    await house.hanako.command("/mxcutover history example.com")
    await house.hanako.wait_for(
        house.hanako.ephemerals,
        lambda all_: any("警告を承知で続行" in texts(m.get("blocks", [])) for m in all_),
    )


async def test_ready_to_change_is_asked_by_a_button(house: House) -> None:
    root = await open_cutover(house, "example.com")
    await house.go_to(DAY + timedelta(seconds=5))
    await said(house, root, "手順1：MXを変更してください")
    message = (await house.hanako.messages())[0]
    count = len(await thread(house, root))
    await house.hanako.click(message, "flip")
    await house.hanako.wait_for(lambda: thread(house, root), lambda all_: len(all_) > count)
    assert "手順1：MXを変更してください" in (await thread(house, root))[-1]
    assert house.clock.now() > datetime(2026, 12, 19, tzinfo=UTC)


async def pictures(house: House) -> list[dict[str, Any]]:
    messages = (await house.hanako.state())["messages"]
    found = [file for m in messages if m["channel"] == CUTOVER for file in m.get("files") or ()]
    return [file for file in found if file["title"].startswith("timeline-")]


async def arrived(house: House) -> None:
    """The MX is changed on every server, and the last old copy is gone."""
    root = await open_cutover(house)
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.co.jp", NEW, servers=["01.dnsv.jp"])
    await house.go(minutes=1)
    house.sandbox.catch_up("example.co.jp")
    await house.go(hours=2)
    await said(house, root, "を過ぎました")


@pytest.mark.skipif(japanese_font() is None, reason="no Japanese font here (apt install fonts-noto-cjk)")
async def test_when_it_is_safe_the_picture_is_shown_as_an_image_and_once(house: House) -> None:
    """Also where the answer to the upload was lost: it is found again by its name."""
    await house.hanako.fault("drop_answer", method="files.completeUploadExternal", times=1)
    await arrived(house)
    (shown,) = await house.hanako.wait_for(lambda: pictures(house), bool)
    assert shown["mimetype"] == "image/png"
    await house.go(minutes=10)
    assert len(await pictures(house)) == 1
    async with ClientSession() as http, http.get(house.workspace.url + shown["url_private"]) as answer:
        assert answer.content_type == "image/png"
        assert answer.headers["Content-Disposition"] == "inline"
        assert (await answer.read()).startswith(b"\x89PNG")


async def test_without_a_japanese_font_the_picture_is_shown_as_svg(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(to_png, "__defaults__", ((tmp_path,),))
    await arrived(house)
    (shown,) = await house.hanako.wait_for(lambda: pictures(house), bool)
    assert shown["mimetype"] == "image/svg+xml"
    async with ClientSession() as http, http.get(house.workspace.url + shown["url_private"]) as answer:
        assert answer.content_type == "image/svg+xml"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "MXの反映の推移" in await answer.text()
