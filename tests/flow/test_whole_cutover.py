"""A calm cutover from the form to the restored TTL, as one administrator lives it."""

from datetime import UTC, datetime, timedelta

from bot.workspace.person import CUTOVER, texts
from tests.flow.conftest import House

NEW = [(10, "mgf.cybermail.jp")]
DAY = datetime(2026, 12, 19, 13, 0, tzinfo=UTC)  # Saturday 22:00 JST


async def open_cutover(
    house: House, domain: str = "example.co.jp", *, shows: str = "TTL", **changes: str
) -> dict[str, object]:
    """Fill in the form, once it `shows` what DNS said; the root message."""
    hanako = house.hanako
    await hanako.command(f"/mxcutover start {domain}")
    view = await hanako.wait_for(hanako.modal, lambda v: v and shows in texts(v))
    assert view is not None
    values = {
        "plan": "standard",
        "service": "google",
        "mx": "10 mgf.cybermail.jp",
        "date": "2026-12-19",
        "time": "22:00",
        **changes,
    }
    answer = await hanako.submit(view, values)
    assert answer["ok"], answer
    roots = await hanako.wait_for(hanako.messages)
    root = roots[-1]
    await hanako.wait_for(lambda: hanako.messages(CUTOVER, root["ts"]), lambda m: len(m) >= 3)
    return root


async def thread(house: House, root: dict[str, object]) -> list[str]:
    return [texts(m.get("blocks", [])) for m in await house.hanako.messages(CUTOVER, str(root["ts"]))]


async def said(house: House, root: dict[str, object], piece: str) -> str:
    """Wait until the thread's newest messages say `piece`; that message."""
    found = await house.hanako.wait_for(
        lambda: thread(house, root), lambda texts_: any(piece in text for text in texts_[1:])
    )
    return next(text for text in reversed(found) if piece in text)


async def test_from_the_form_to_the_restored_ttl(house: House) -> None:
    hanako = house.hanako
    root = await open_cutover(house)
    ts = str(root["ts"])
    first = await thread(house, root)
    assert "example.co.jp" in first[0]
    assert "mail.old-provider.example" in first[0]
    assert "3600" in first[1]

    # Ten days before falls on a Wednesday; the connector fourteen days before on a Saturday: Friday.
    await house.go_to(datetime(2026, 12, 4, 1, 1, tzinfo=UTC))
    await said(house, root, "受信ゲートウェイ")
    await hanako.say("完了しました", CUTOVER, ts)
    await said(
        house, root, "どの手順のことでしょうか"
    )  # the connector and the support were asked for at once
    await hanako.say("コネクタは完了しました", CUTOVER, ts)
    await said(house, root, "連携設定」を完了")

    await house.go_to(datetime(2026, 12, 9, 1, 1, tzinfo=UTC))
    await said(house, root, "MXのTTLを300秒に下げてください")
    await hanako.say("done", CUTOVER, ts)
    await said(house, root, "まだ300秒になっていない")
    house.sandbox.set_ttl("example.co.jp", 300)
    await hanako.say("完了", CUTOVER, ts)
    await said(house, root, "すべての権威サーバーでTTLが300秒以下になりました")

    await house.go_to(DAY + timedelta(seconds=5))
    ask = await said(house, root, "手順1：MXを変更してください")
    assert "example.co.jp. 300 IN MX 10 mgf.cybermail.jp." in ask
    assert "example.co.jp. 300 IN MX 10 mail.old-provider.example." in ask
    house.sandbox.set_mx("example.co.jp", NEW)
    await hanako.say("変更しました", CUTOVER, ts)
    seen = await said(house, root, "すべての権威サーバーでMXが切り替わりました")
    assert "自ドメイン許可設定" in seen

    await hanako.say("手順3と4 完了", CUTOVER, ts)
    await said(house, root, "手順4 メール配送先」を完了")
    await house.go(minutes=6)
    await said(house, root, "を過ぎました")

    await house.go(days=11)
    await said(house, root, "切替から10日が経ちました")
    house.sandbox.set_ttl("example.co.jp", 3600)
    await hanako.say("戻しました", CUTOVER, ts)
    await said(house, root, "MX切替は完了です")
    final = (await thread(house, root))[0]
    assert "完了" in final


async def test_what_dns_does_not_show_is_not_believed(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(DAY + timedelta(seconds=5))
    await said(house, root, "手順1")
    await house.hanako.say("終わりました", CUTOVER, str(root["ts"]))
    await said(house, root, "まだ切替後のMXになっていない")


async def test_a_ttl_that_cannot_be_changed_is_left_and_safe_is_reckoned_from_it(house: House) -> None:
    root = await open_cutover(house, "example.jp")
    await house.go_to(datetime(2026, 12, 9, 1, 1, tzinfo=UTC))
    await said(house, root, "300秒に下げてください")
    await house.hanako.say("変更できない", CUTOVER, str(root["ts"]))
    answer = await said(house, root, "承知しました。TTLは変更せず")
    assert "1時間" in answer
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.jp", NEW)
    await house.hanako.say("done", CUTOVER, str(root["ts"]))
    seen = await said(house, root, "すべての権威サーバー")
    assert "23:01" in seen  # five seconds past 23:00, so at 23:00 it would be too early


async def test_tomorrow_brings_the_reminder_again(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(datetime(2026, 12, 9, 1, 1, tzinfo=UTC))
    await said(house, root, "300秒に下げてください")
    await house.hanako.say("明日", CUTOVER, str(root["ts"]))
    answer = await said(house, root, "もう一度お知らせします")
    assert "12月10日(木)" in answer
    before = len([t for t in await thread(house, root) if "300秒に下げてください" in t])
    await house.go_to(datetime(2026, 12, 10, 2, 0, tzinfo=UTC))
    after = len([t for t in await thread(house, root) if "300秒に下げてください" in t])
    assert after == before + 1


async def test_the_lines_of_step_1_are_shown_before_the_day_without_telling_to_change(house: House) -> None:
    """The runbook has them; "change it now" is said when it is time."""
    root = await open_cutover(house, "example.jp")
    await house.hanako.say("TTL 変更できない", CUTOVER, str(root["ts"]))
    await said(house, root, "TTLは変更せず")
    await house.go_to(DAY - timedelta(minutes=29))
    shown = [text for text in await thread(house, root) if "IN MX 10 mgf.cybermail.jp." in text]
    assert shown
    assert all("example.jp. 3600 IN MX" in text for text in shown)  # the TTL that this DNS service keeps
    assert not any("MXを変更してください" in text for text in shown)
    await house.go_to(DAY + timedelta(seconds=5))
    await said(house, root, "手順1：MXを変更してください")
