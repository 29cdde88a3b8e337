"""What people say to the bot besides "done": verbs, questions, changes of mind; and what it answers."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.workspace.person import CUTOVER, GENERAL, texts
from tests.flow.conftest import House
from tests.flow.test_opening import dms, private
from tests.flow.test_whole_cutover import DAY, NEW, open_cutover, said, thread


async def test_help_and_unknown_words(house: House) -> None:
    hanako = house.hanako
    await hanako.command("/mxcutover")
    await private(hanako, "MX切替ボットの使い方")
    await hanako.command("/mxcutover strat example.co.jp")
    await private(hanako, "/mxcutover start")
    await house.alice.command("/mxcutover help")
    await private(house.alice, "How to use the MX cutover bot")


async def test_status_list_plan_history(house: House) -> None:
    hanako = house.hanako
    await open_cutover(house)
    await hanako.command("/mxcutover status example.co.jp")
    await private(hanako, "開始時のMX")
    await hanako.command("/mxcutover list")
    await private(hanako, "進行中のMX切替")
    await hanako.command("/mxcutover plan example.co.jp")
    await private(hanako, "の予定")
    await hanako.command("/mxcutover history example.co.jp")
    await private(hanako, "切替を開始")
    await hanako.command("/mxcutover status example.com")
    await private(hanako, "example.com の進行中の切替はありません")


async def test_check_shows_what_dns_gives_and_what_to_mend(house: House) -> None:
    await house.hanako.command("/mxcutover check example.co.jp")
    answer = texts((await private(house.hanako, "DNSの確認結果"))["blocks"])
    assert "10 mail.old-provider.example." in answer
    assert "3600" in answer


async def test_check_says_what_it_could_not_see(house: House) -> None:
    house.sandbox.set_fault("01.dnsv.jp", "drop")
    await house.hanako.command("/mxcutover check example.co.jp")
    answer = texts((await private(house.hanako, "DNSの確認結果"))["blocks"])
    assert "01.dnsv.jp" in answer
    assert "応答" in answer


async def test_cancel_asks_first_and_then_says_so_to_all(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say("中止", CUTOVER, str(root["ts"]))
    await said(house, root, "中止しますか")
    ask = (await house.hanako.messages(CUTOVER, str(root["ts"])))[-1]
    await house.hanako.click(ask, "cancel")
    await said(house, root, "切替を中止しました")
    assert "中止" in (await thread(house, root))[0]
    await house.go(days=30)
    assert "切替を中止しました" in (await thread(house, root))[-1]
    await open_cutover(house, date="2027-01-16")  # the domain is free again


async def test_a_change_of_the_day_is_shown_before_it_is_made(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("延期 12/26 21:30", CUTOVER, ts)
    await said(house, root, "12月26日(土) 21:30")
    assert "12月19日(土) 22:00" in (await thread(house, root))[0]
    ask = (await house.hanako.messages(CUTOVER, ts))[-1]
    await house.hanako.click(ask, "reschedule.0")
    await said(house, root, "予定を *12月26日(土) 21:30* に変更しました")
    await house.hanako.wait_for(lambda: thread(house, root), lambda t: "12月26日(土) 21:30" in t[0])
    await house.go_to(datetime(2026, 12, 9, 2, 0, tzinfo=UTC))
    assert not any("300秒に下げてください" in t for t in (await thread(house, root))[1:])
    await house.go_to(datetime(2026, 12, 16, 2, 0, tzinfo=UTC))
    await said(house, root, "300秒に下げてください")


async def test_roll_back_prints_the_old_lines_and_watches_the_way_back(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.co.jp", NEW)
    await house.hanako.say("完了", CUTOVER, ts)
    await said(house, root, "すべての権威サーバーでMXが切り替わりました")
    await house.hanako.say("切り戻します", CUTOVER, ts)
    await said(house, root, "切り戻しますか")
    ask = (await house.hanako.messages(CUTOVER, ts))[-1]
    await house.hanako.click(ask, "rollback")
    lines = await said(house, root, "切り戻しを始めます")
    assert "IN MX 10 mail.old-provider.example." in lines
    assert "IN MX 10 mgf.cybermail.jp." in lines
    house.sandbox.set_mx("example.co.jp", [(10, "mail.old-provider.example")])
    await house.go(minutes=2)
    await said(house, root, "MXが元の値に戻りました")


async def test_a_lagging_secondary_holds_back_the_verdict(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.co.jp", NEW, servers=["01.dnsv.jp"])
    await house.hanako.say("変更しました", CUTOVER, str(root["ts"]))
    answer = await said(house, root, "まだ切替後のMXになっていない")
    assert "02.dnsv.jp" in answer
    house.sandbox.catch_up("example.co.jp")
    await house.go(minutes=2)
    await said(house, root, "すべての権威サーバーでMXが切り替わりました")


@pytest.mark.parametrize(
    ("records", "relative", "piece"),
    [
        ([(10, "mgf.cybermail.jp")], True, "ドット"),
        ([(10, "mgf.cybermail.jp"), (20, "mail.old-provider.example")], False, "mail.old-provider.example"),
        ([(10, "mgf.cybermai1.jp")], False, "mgf.cybermai1.jp"),
    ],
)
async def test_a_wrong_edit_is_told_unasked(
    house: House, records: list[tuple[int, str]], relative: bool, piece: str
) -> None:
    root = await open_cutover(house)
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.co.jp", records, relative=relative)
    await house.go(minutes=1)
    alarm = await said(house, root, "MXの設定に問題があります")
    assert piece in alarm


async def test_drift_after_the_change_is_told_at_once(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.co.jp", NEW)
    await house.hanako.say("完了", CUTOVER, str(root["ts"]))
    await said(house, root, "すべての権威サーバー")
    await house.go(days=2)
    house.sandbox.set_mx("example.co.jp", [(10, "mail.old-provider.example")], servers=["02.dnsv.jp"])
    await house.go(days=1)
    alarm = await said(house, root, "切替後の値ではなくなりました")
    assert "02.dnsv.jp" in alarm


async def test_steps_3_and_4_are_pressed_for_while_mail_goes_unjudged(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.co.jp", NEW)
    await house.hanako.say("完了", CUTOVER, str(root["ts"]))
    await said(house, root, "すべての権威サーバー")
    await house.go(minutes=31)
    pressing = await said(house, root, "MXの変更から")
    assert "手順3" in pressing
    assert "手順4" in pressing
    await house.hanako.say("3と4終わりました", CUTOVER, str(root["ts"]))
    await said(house, root, "手順4 メール配送先」を完了")
    await house.go(hours=13)
    assert sum("MXの変更から" in text for text in (await thread(house, root))[1:]) == 1


SYMPTOMS = [
    ("外部からのメールが全部スパム判定されません", "自ドメイン許可設定"),
    ("外部から受信できない", "MX"),
    ("外部からのメールが全部旧サービスに届きます", "旧"),
    ("前のプロバイダの人からのメールだけ届かない", "旧"),
    ("MAILGATES経由で送ると携帯だけ届かない", "携帯"),
    ("配送テストがログに表示されない", "ログ"),
    ("why can't I receive mail from outside?", "MX"),
]


@pytest.mark.parametrize(("question", "piece"), SYMPTOMS)
async def test_the_six_symptoms_by_dm(house: House, question: str, piece: str) -> None:
    hanako = house.hanako
    await hanako.dm(question)
    channel = await hanako.dm_channel()
    found = await hanako.wait_for(
        lambda: hanako.messages(channel), lambda all_: len(all_) >= 2 and piece in texts(all_[-1]["blocks"])
    )
    assert found


async def test_a_question_in_the_thread_is_answered_from_the_cutover_itself(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.co.jp", NEW)
    await house.hanako.say("完了", CUTOVER, ts)
    await said(house, root, "すべての権威サーバー")
    await house.hanako.say("外部からのメールがまったくスパム判定されません。なぜですか？", CUTOVER, ts)
    answer = await said(house, root, "許可条件リスト")
    assert "手順3" in answer


async def test_a_mention_anywhere_is_answered_in_its_thread(house: House) -> None:
    await house.hanako.say("<@U0LOCALBOT> 外部から受信できない", CUTOVER)
    messages = await house.hanako.wait_for(house.hanako.messages)
    ts = str(messages[0]["ts"])
    await house.hanako.wait_for(lambda: house.hanako.messages(CUTOVER, ts), lambda all_: len(all_) >= 2)
    await house.bot.slack.worker.idle()
    assert len(await house.hanako.messages(CUTOVER, ts)) == 2  # it came as a message too; answered once


async def test_a_channel_that_did_not_ask_hears_nothing(house: House) -> None:
    await house.hanako.say("外部から受信できない", CUTOVER)
    await house.hanako.say("お昼は何を食べますか", GENERAL)
    await house.go(minutes=1)
    assert len(await house.hanako.messages(CUTOVER)) == 1


async def test_thanks_in_the_thread_are_left_alone(house: House) -> None:
    root = await open_cutover(house)
    before = len(await thread(house, root))
    await house.hanako.say("ありがとうございます！", CUTOVER, str(root["ts"]))
    await house.go(minutes=1)
    assert len(await thread(house, root)) == before + 1


async def test_foreign_questions_get_a_kind_sentence_by_dm(house: House) -> None:
    await house.hanako.dm("お昼は何を食べますか")
    found = await house.hanako.wait_for(lambda: dms(house.hanako), lambda all_: len(all_) >= 2)
    assert found[-1]


async def test_home_shows_what_is_there(house: House) -> None:
    hanako = house.hanako
    await hanako.open_home()
    home = await hanako.wait_for(hanako.home)
    assert "進行中の切替はありません" in texts(home)
    await open_cutover(house)
    await hanako.open_home()
    await hanako.wait_for(hanako.home, lambda view: view and "example.co.jp" in texts(view))


async def test_somebody_else_may_be_assigned(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say("担当は <@U0KEN00001>", CUTOVER, str(root["ts"]))
    await said(house, root, "担当に")
    await house.hanako.wait_for(lambda: thread(house, root), lambda t: "U0KEN00001" in t[0])


async def test_markup_in_what_people_type_pings_nobody(house: House) -> None:
    await house.hanako.command("/mxcutover <!channel> *x*")
    answer = await private(house.hanako, "という操作はありません")
    assert "<!channel>" not in texts(answer["blocks"])


async def test_what_was_not_answered_is_kept_for_the_report(house: House) -> None:
    hanako = house.hanako
    since = house.clock.now() - timedelta(days=1)
    await hanako.dm("お昼は何を食べますか")
    await hanako.wait_for(lambda: dms(hanako), lambda all_: len(all_) >= 2)
    await hanako.dm("TTLを下げる目的は何ですか")
    channel = await hanako.dm_channel()

    def answered(messages: list[dict[str, object]]) -> bool:
        return len(messages) >= 4 and "解決しない" in texts(messages[-1].get("blocks"))

    found = await hanako.wait_for(lambda: hanako.messages(channel), answered)
    await hanako.click(found[-1], "faq_not_helped")
    await private(hanako, "お役に立てず")
    kept = await house.bot.store.transact(lambda tx: tx.questions.unanswered(since=since, limit=10))
    assert {question.text for question in kept} == {"お昼は何を食べますか", "TTLを下げる目的は何ですか"}


async def test_nothing_of_a_pasted_mail_is_kept_among_the_questions(house: House) -> None:
    since = house.clock.now() - timedelta(days=1)
    bounce = "550 5.7.51 TenantInboundAttribution; Rejecting. Recipient has a partner connector\n"
    await house.hanako.dm(bounce * 9)
    await house.hanako.wait_for(lambda: dms(house.hanako), lambda all_: len(all_) >= 2)
    assert not await house.bot.store.transact(lambda tx: tx.questions.unanswered(since=since, limit=10))
