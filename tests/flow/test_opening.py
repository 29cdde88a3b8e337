"""From `/mxcutover start` to an open cutover, and every way in which it is none."""

from datetime import UTC, datetime

import pytest

from bot.workspace.person import ARCHIVED, CUTOVER, GENERAL, Person, texts
from tests.flow.conftest import House
from tests.flow.test_whole_cutover import open_cutover, said, thread


async def private(person: Person, piece: str, channel: str | None = None) -> dict[str, object]:
    """Wait for an answer that only this person sees and that says `piece`."""
    found = await person.wait_for(
        lambda: person.ephemerals(channel),
        lambda all_: any(piece in texts(m.get("blocks", [])) for m in all_),
    )
    return next(m for m in reversed(found) if piece in texts(m.get("blocks", [])))


async def dms(person: Person) -> list[str]:
    return [texts(m.get("blocks", [])) for m in await person.messages(await person.dm_channel())]


async def test_start_opens_the_form_at_once_and_fills_in_what_dns_says(house: House) -> None:
    await house.hanako.command("/mxcutover start example.co.jp")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "mail.old-provider" in texts(v))
    assert view is not None
    assert "3600" in texts(view)
    assert "お名前.com" in texts(view)


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("ｅｘａｍｐｌｅ．ｃｏ．ｊｐ", "example.co.jp"),
        ("example。co。jp", "example.co.jp"),
        ("EXAMPLE.co.jp.", "example.co.jp"),
        ("日本語.jp", "xn--wgv71a119e.jp"),
    ],
)
async def test_a_name_is_taken_as_people_type_it(house: House, typed: str, understood: str) -> None:
    await house.hanako.command(f"/mxcutover start {typed}")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "TTL" in texts(v))
    assert understood in texts(view)


@pytest.mark.parametrize(
    ("typed", "piece", "suggestion"),
    [
        ("https://example.co.jp/mail", "example.co.jp", True),
        ("info@example.co.jp", "example.co.jp", True),
        ("co.jp", "co.jp", False),
        ("localhost", "localhost", False),
        ("192.0.2.1", "192.0.2.1", False),
    ],
)
async def test_a_wrong_name_is_refused_with_a_way_on(
    house: House, typed: str, piece: str, suggestion: bool
) -> None:
    await house.hanako.command(f"/mxcutover start {typed}")
    answer = await private(house.hanako, piece)
    if suggestion:
        await house.hanako.click(answer, "open_form")
        view = await house.hanako.wait_for(house.hanako.modal)
        assert "example.co.jp" in texts(view)


async def test_start_without_a_domain_asks_for_it_in_the_form(house: House) -> None:
    hanako = house.hanako
    await hanako.command("/mxcutover start")
    view = await hanako.wait_for(hanako.modal)
    assert view is not None
    values = {"domain": "example.com", "plan": "sigma", "service": "microsoft", "mx": "10 mgp.cybermail.jp"}
    answer = await hanako.submit(view, {**values, "domain": "co.jp", "date": "2026-12-19", "time": "22:00"})
    assert not answer["ok"]
    assert set(answer["errors"]) == {"domain"}
    answer = await hanako.submit(view, {**values, "date": "2026-12-19", "time": "22:00"})
    assert answer["ok"]
    roots = await hanako.wait_for(hanako.messages)
    assert "example.com" in texts(roots[-1]["blocks"])
    assert "Microsoft 365 の「受信コネクタ」" in texts(roots[-1]["blocks"])


async def test_a_second_start_shows_the_open_one(house: House) -> None:
    await open_cutover(house)
    await house.alice.command("/mxcutover start example.co.jp")
    answer = await private(house.alice, "A cutover of example.co.jp is open already")
    await house.alice.click(answer, "status")
    await private(house.alice, "MX cutover example.co.jp")


async def test_two_forms_for_one_domain_open_one_cutover(house: House) -> None:
    """Both were opened before either was sent."""
    await house.alice.command("/mxcutover start example.co.jp")
    view = await house.alice.wait_for(house.alice.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    await open_cutover(house)
    values = {"plan": "premium", "service": "other", "mx": "10 mgp.cybermail.jp"}
    answer = await house.alice.submit(view, {**values, "date": "2026-12-20", "time": "21:00"})
    assert answer["ok"]
    await private(house.alice, "is open already")
    assert len(await house.hanako.messages()) == 1


@pytest.mark.parametrize(
    ("changes", "field", "piece"),
    [
        ({"date": "2026-11-01"}, "date", "過去の日時"),
        ({"date": "2028-12-01"}, "date", "400日"),
        ({"mx": "mgf.cybermail.jp"}, "mx", "優先度"),
        ({"mx": "10 mg.cybermail.jp"}, "mx", "mg.cybermail.jp"),
    ],
)
async def test_a_field_that_cannot_be_is_marked_in_the_form(
    house: House, changes: dict[str, str], field: str, piece: str
) -> None:
    hanako = house.hanako
    await hanako.command("/mxcutover start example.co.jp")
    view = await hanako.wait_for(hanako.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    values = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp"}
    answer = await hanako.submit(view, {**values, "date": "2026-12-19", "time": "22:00", **changes})
    assert not answer["ok"]
    assert piece in answer["errors"][field]
    assert await hanako.messages() == []


@pytest.mark.parametrize("plan", ["lite", "compact", "basic", "business", "sending", "archive"])
async def test_a_plan_that_needs_no_cutover_gets_that_answer_and_none_is_opened(
    house: House, plan: str
) -> None:
    hanako = house.hanako
    await hanako.command("/mxcutover start example.co.jp")
    view = await hanako.wait_for(hanako.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    values = {"plan": plan, "service": "google", "mx": "10 mgf.cybermail.jp"}
    await hanako.submit(view, {**values, "date": "2026-12-19", "time": "22:00"})
    shown = await hanako.wait_for(hanako.modal, lambda v: v and "不要" in texts(v))
    assert shown is not None
    await house.bot.slack.worker.idle()
    assert await hanako.messages() == []
    await hanako.command("/mxcutover list")
    await private(hanako, "進行中の切替はありません")


async def test_a_guest_is_refused_at_every_door(house: House) -> None:
    root = await open_cutover(house)
    await house.guest.command("/mxcutover start example.com")
    await private(house.guest, "ゲスト")
    message = (await house.guest.messages())[0]
    await house.guest.click(message, "step_done")
    await house.guest.wait_for(house.guest.ephemerals, lambda all_: len(all_) == 2)
    await house.guest.say("完了", CUTOVER, str(root["ts"]))
    await house.guest.wait_for(house.guest.ephemerals, lambda all_: len(all_) == 3)
    assert "✅" not in (await thread(house, root))[0].split("事前準備")[1].split("切替当日")[0].replace(
        "➖", ""
    )


async def test_a_form_that_could_not_be_opened_in_time_is_offered_by_a_button(house: House) -> None:
    await house.hanako.fault("refuse", method="views.open", error="expired_trigger_id")
    await house.hanako.command("/mxcutover start example.co.jp")
    answer = await private(house.hanako, "フォームを開けませんでした")
    await house.hanako.click(answer, "open_form")
    view = await house.hanako.wait_for(house.hanako.modal)
    assert "example.co.jp" in texts(view)


async def test_where_the_bot_is_no_member_the_owner_is_told_how_to_let_it_in(house: House) -> None:
    hanako = house.hanako
    await hanako.command("/mxcutover start example.co.jp", GENERAL)
    view = await hanako.wait_for(hanako.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    values = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp"}
    await hanako.submit(view, {**values, "date": "2026-12-19", "time": "22:00"})
    await hanako.wait_for(lambda: dms(hanako), lambda all_: any("/invite" in text for text in all_))
    # What the thread would have said is not lost.
    await hanako.wait_for(lambda: dms(hanako), lambda all_: any("お知らせの予定" in text for text in all_))
    await hanako.invite(GENERAL)
    channel = await hanako.dm_channel()
    ask = next(m for m in await hanako.messages(channel) if "/invite" in texts(m.get("blocks", [])))
    await hanako.click(ask, "retry_root")
    roots = await hanako.wait_for(lambda: hanako.messages(GENERAL))
    assert "example.co.jp" in texts(roots[0]["blocks"])


async def test_in_an_archived_channel_nothing_is_lost_either(house: House) -> None:
    hanako = house.hanako
    answer = await hanako.command("/mxcutover help", ARCHIVED)
    assert answer is not None


async def test_a_domain_that_dns_does_not_know_is_said_so_in_the_form(house: House) -> None:
    await house.hanako.command("/mxcutover start nowhere-at-all.co.jp")
    view = await house.hanako.wait_for(
        house.hanako.modal, lambda v: v and ("見つかりません" in texts(v) or "確認できません" in texts(v))
    )
    assert view is not None


async def test_a_day_nearer_than_ten_days_is_told_what_that_means(house: House) -> None:
    root = await open_cutover(house, date="2026-12-03", time="22:00")
    first = (await thread(house, root))[1]
    assert "すぐに300秒へ下げてください" in first
    await house.go(minutes=1)
    await said(house, root, "MXのTTLを300秒に下げてください")
    assert house.clock.now() < datetime(2026, 12, 2, tzinfo=UTC)
