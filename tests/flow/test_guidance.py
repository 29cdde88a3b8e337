"""What is told unasked, at its moment, from the opening to the end: nobody is left to know it by himself."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.workspace.person import CUTOVER, texts
from tests.flow.conftest import House
from tests.flow.test_whole_cutover import DAY, NEW, open_cutover, said, thread

SERVERS = ("01.dnsv.jp", "02.dnsv.jp")
PREPARATION = "切替日までに済ませておくと安心なこと"


async def count(house: House, root: dict[str, object], piece: str) -> int:
    return sum(piece in text for text in await thread(house, root))


async def tick(house: House, root: dict[str, object], *items: str) -> None:
    messages = await house.hanako.messages(CUTOVER, str(root["ts"]))
    shown = next(m for m in messages if PREPARATION in texts(m.get("blocks", [])))
    for item in items:
        await house.hanako.click(shown, f"tick.{item}")
    await house.bot.slack.worker.idle()


async def change(house: House, root: dict[str, object], domain: str = "example.co.jp") -> None:
    """The MX is changed when it is time, and seen so."""
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx(domain, NEW)
    await house.hanako.say("手順1 完了", CUTOVER, str(root["ts"]))
    await said(house, root, "すべての権威サーバーでMXが切り替わりました")


async def test_the_preparation_is_shown_at_the_start_and_a_week_ahead(house: House) -> None:
    root = await open_cutover(house)
    first = await said(house, root, PREPARATION)
    assert "アカウントの棚卸し" in first
    assert "自ドメイン許可設定" in (await thread(house, root))[1]  # F2: to be kept until step 3
    await house.go_to(datetime(2026, 12, 11, 1, 1, tzinfo=UTC))  # the 12th is a Saturday
    again = await said(house, root, "切替日が近づいてきました")
    assert "アカウントの棚卸し" in again


async def test_who_has_prepared_everything_is_not_reminded_of_it(house: House) -> None:
    root = await open_cutover(house)
    await said(house, root, PREPARATION)
    await tick(house, root, "inventory", "internal_dns", "announce", "dns_request", "old_service")
    await house.go_to(datetime(2026, 12, 12, 1, 1, tzinfo=UTC))
    assert await count(house, root, "切替日が近づいてきました") == 0


@pytest.mark.parametrize("ticked", [False, True])
async def test_when_the_time_has_come_it_says_what_is_not_ready(house: House, ticked: bool) -> None:
    root = await open_cutover(house)
    await said(house, root, PREPARATION)
    ts = str(root["ts"])
    await house.hanako.say("コネクタ 完了", CUTOVER, ts)
    await said(house, root, "を完了にしました")
    if ticked:
        await tick(house, root, "inventory")
    await house.go_to(DAY + timedelta(seconds=5))
    asked = await said(house, root, "手順1：MXを変更してください")
    assert ("次がまだ整っていません：アカウントの棚卸し" in asked) is not ticked
    eve = await said(house, root, "未完了の準備")
    assert ("アカウントの棚卸し" in eve) is not ticked
    assert "社内DNS" in eve


async def test_it_is_not_finished_while_mail_goes_unjudged(house: House) -> None:
    root = await open_cutover(house, "example.jp")
    await house.hanako.say("TTL 変更できない", CUTOVER, str(root["ts"]))
    await said(house, root, "TTLは変更せず")
    await change(house, root, "example.jp")
    await house.hanako.say("手順4 完了", CUTOVER, str(root["ts"]))
    await said(house, root, "手順4 メール配送先」を完了")
    await house.go(days=12)
    assert await count(house, root, "MX切替は完了です") == 0
    pressed = [text for text in await thread(house, root) if "MXの変更から" in text and "経ちました" in text]
    assert len(pressed) == 6
    assert all("許可条件リスト" in text and "手順4" not in text for text in pressed)
    await house.hanako.say("手順3 完了", CUTOVER, str(root["ts"]))
    await said(house, root, "自ドメイン許可設定」を完了")
    await house.go(days=1)
    end = await said(house, root, "MX切替は完了です")
    assert "手順5" in end  # nobody has said that mail from outside arrives


async def test_what_comes_together_after_a_weekend_is_said_once(house: House) -> None:
    root = await open_cutover(house, date="2026-12-17")  # a Thursday
    await house.go_to(datetime(2026, 12, 17, 13, 0, 5, tzinfo=UTC))
    house.sandbox.set_mx("example.co.jp", NEW)
    await house.hanako.say("手順1 完了", CUTOVER, str(root["ts"]))
    await said(house, root, "すべての権威サーバーでMXが切り替わりました")
    await house.go_to(datetime(2026, 12, 21, 0, 1, tzinfo=UTC))  # Monday, 9:01: after a day, and after three
    assert await count(house, root, "*3日10時間* が経ちました") == 1


async def test_the_proof_is_asked_for_again_the_next_working_day(house: House) -> None:
    root = await open_cutover(house)
    await change(house, root)
    await house.hanako.say("手順3と4 完了", CUTOVER, str(root["ts"]))
    await said(house, root, "手順4 メール配送先」を完了")
    await house.go_to(datetime(2026, 12, 21, 0, 1, tzinfo=UTC))  # Monday, 9:00
    asked = await said(house, root, "*手順5")
    assert "送受信ログ" in asked


async def test_step_4_needs_nothing_where_no_candidates_are_listed(house: House) -> None:
    root = await open_cutover(house)
    await change(house, root)
    ts = str(root["ts"])
    await house.hanako.say("手順4 できない", CUTOVER, ts)
    await said(house, root, "省略できない手順です")
    await house.hanako.say("手順4 不要", CUTOVER, ts)
    await said(house, root, "不要として記録しました")
    await house.hanako.say("手順3 完了", CUTOVER, ts)
    await said(house, root, "自ドメイン許可設定」を完了")
    assert "受信テスト" in "".join(await thread(house, root))
    await house.go(hours=13)
    assert await count(house, root, "経ちました。未完了") == 0


async def test_ten_days_are_not_said_to_have_passed_since_a_change_that_was_not_made(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(DAY + timedelta(days=14))
    assert await count(house, root, "切替から10日") == 0


async def test_a_day_that_is_moved_near_is_told_with_what_that_means(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(datetime(2026, 12, 9, 1, 1, tzinfo=UTC))
    await house.hanako.command("/mxcutover reschedule example.co.jp 12/9 10:31")
    asked = await house.hanako.wait_for(
        house.hanako.ephemerals, lambda found: any("変更しますか" in texts(m["blocks"]) for m in found)
    )
    shown = next(m for m in reversed(asked) if "変更しますか" in texts(m["blocks"]))
    await house.hanako.click(shown, "reschedule.0")
    moved = await said(house, root, "さんが予定を")
    assert "間に合いません" in moved


async def test_servers_that_could_not_be_asked_at_the_start_are_made_up_for(house: House) -> None:
    for server in SERVERS:
        house.sandbox.set_fault(server, "drop")
    root = await open_cutover(house, shows="確認できませんでした")
    await said(house, root, "確認できませんでした")
    for server in SERVERS:
        house.sandbox.set_fault(server, None)
    await house.go(days=1)
    found = await said(house, root, "切り戻し先として記録しました")
    assert "3600" in found
    assert "mail.old-provider.example" in (await thread(house, root))[0]


async def test_a_ttl_that_stays_high_is_skipped_whatever_it_is_called(house: House) -> None:
    root = await open_cutover(house, "example.jp")
    await house.hanako.say("TTL 不要", CUTOVER, str(root["ts"]))
    await said(house, root, "TTLは変更せず")
    await house.go_to(DAY + timedelta(seconds=5))
    asked = await said(house, root, "手順1：MXを変更してください")
    assert "example.jp. 3600 IN MX 10 mgf.cybermail.jp." in asked


async def test_the_lowest_ttl_that_is_offered_is_restored_later(house: House) -> None:
    root = await open_cutover(house)
    house.sandbox.set_ttl("example.co.jp", 600)
    await house.hanako.say("TTL 完了", CUTOVER, str(root["ts"]))
    await said(house, root, "まだ300秒になっていない")
    await house.hanako.say("TTL 変更できない", CUTOVER, str(root["ts"]))
    await said(house, root, "TTLは変更せず")
    await change(house, root)
    await house.hanako.say("手順3と4 完了", CUTOVER, str(root["ts"]))
    await house.go(days=11)
    assert "3600" in await said(house, root, "切替から10日が経ちました")
