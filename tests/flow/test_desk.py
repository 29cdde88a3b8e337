"""The verbs of the desk on every surface, and what is kept of them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.teams import Team
from bot.ports import HistoryEntry
from bot.workspace.person import CUTOVER, GENERAL, Person, texts
from bot.workspace.state import TEAM_ID
from tests.flow.conftest import House
from tests.flow.test_opening import dms, private
from tests.flow.test_whole_cutover import DAY, NEW, open_cutover, said, thread

TEAM = Team("", TEAM_ID)


async def newest(person: Person, root: dict[str, Any], piece: str) -> dict[str, Any]:
    """The thread's newest message that says `piece`, as it can be clicked."""
    ts = str(root["ts"])
    found = await person.wait_for(
        lambda: person.messages(CUTOVER, ts),
        lambda all_: any(piece in texts(m.get("blocks", [])) for m in all_[1:]),
    )
    return next(m for m in reversed(found) if piece in texts(m.get("blocks", [])))


async def history(house: House) -> list[HistoryEntry]:
    def read(tx: Any) -> list[HistoryEntry]:
        return list(tx.history.of(TEAM, tx.cutovers.latest_for(TEAM, "example.co.jp").id))

    return await house.bot.store.transact(read)


async def changed(house: House, root: dict[str, Any]) -> None:
    """The MX is changed and seen."""
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.co.jp", NEW)
    await house.hanako.say("完了", CUTOVER, str(root["ts"]))
    await said(house, root, "すべての権威サーバーでMXが切り替わりました")


# --- replies --------------------------------------------------------------------------------------


async def test_each_part_of_a_reply_is_dealt_with(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say(
        "コネクタは完了しました。担当は <@U0KEN00001> です。次は？", CUTOVER, str(root["ts"])
    )
    await said(house, root, "連携設定」を完了")
    await said(house, root, "担当に")
    await said(house, root, "開始時のMX")  # what is next: the status


async def test_a_question_beside_a_done_is_answered_too(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say(
        "コネクタは完了しました。サポートの受付時間はいつですか？", CUTOVER, str(root["ts"])
    )
    await said(house, root, "連携設定」を完了")
    await said(house, root, "9:00")


async def test_a_date_alone_after_the_question_when_is_the_new_day(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("延期したいです", CUTOVER, ts)
    await said(house, root, "新しい日時を教えてください")
    await house.hanako.say("12/26 21:30", CUTOVER, ts)
    ask = await newest(house.hanako, root, "切替予定を *12月26日(土) 21:30* に変更しますか")
    await house.hanako.click(ask, "reschedule.0")
    await said(house, root, "予定を *12月26日(土) 21:30* に変更しました")


async def test_why_the_day_is_moved_is_shown_kept_and_may_be_mended_in_the_field(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("延期 12/26 21:30 理由: DNS会社が12/19は休み", CUTOVER, ts)
    ask = await newest(house.hanako, root, "切替予定を *12月26日(土) 21:30* に変更しますか")
    assert "理由：DNS会社が12/19は休み" in str(ask["text"])
    await house.hanako.click(ask, "reschedule.0")
    await said(house, root, "理由：DNS会社が12/19は休み")
    await house.hanako.say("延期 12/27 21:30", CUTOVER, ts)
    ask = await newest(house.hanako, root, "切替予定を *12月27日(日) 21:30* に変更しますか")
    await house.hanako.click(ask, "reason", "社内の <承認> 待ち", block_id="reason")
    await house.hanako.click(ask, "reschedule.0")
    await said(house, root, "理由：社内の &lt;承認&gt; 待ち")
    await house.hanako.command("/mxcutover history example.co.jp")
    await private(house.hanako, "日程を変更（理由：DNS会社が12/19は休み）")
    rows = await history(house)
    assert [row.data["reason"] for row in rows if row.kind == "rescheduled"] == [
        "DNS会社が12/19は休み",
        "社内の <承認> 待ち",
    ]


async def test_a_reason_given_before_the_day_is_kept_until_the_day_is_said(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("延期 理由: 12/19は停電", CUTOVER, ts)
    await said(house, root, "新しい日時を教えてください")
    await house.hanako.say("12/26 21:30", CUTOVER, ts)
    ask = await newest(house.hanako, root, "切替予定を *12月26日(土) 21:30* に変更しますか")
    assert "理由：12/19は停電" in str(ask["text"])


async def test_a_day_and_then_a_time_make_the_new_day(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("12/26に延期", CUTOVER, ts)
    await said(house, root, "何時にしますか")
    await house.hanako.say("21時半", CUTOVER, ts)
    await said(house, root, "切替予定を *12月26日(土) 21:30* に変更しますか")


async def test_a_date_alone_without_that_question_is_when_to_remind(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(datetime(2026, 12, 9, 1, 1, tzinfo=UTC))
    await said(house, root, "300秒に下げてください")
    await house.hanako.say("12/11 9:00", CUTOVER, str(root["ts"]))
    await said(house, root, "12月11日(金) 9:00* にもう一度お知らせします".replace(" 9:00", " 09:00"))


async def test_the_day_may_be_brought_forward(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say("1日前倒し", CUTOVER, str(root["ts"]))
    await said(house, root, "12月18日(金) 22:00")
    await house.hanako.command("/mxcutover reschedule example.co.jp 2日前倒し")
    await private(house.hanako, "12月17日(木) 22:00")


async def test_later_without_a_time_is_asked_for(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(datetime(2026, 12, 9, 1, 1, tzinfo=UTC))
    await said(house, root, "300秒に下げてください")
    await house.hanako.say("あとでやります", CUTOVER, str(root["ts"]))
    ask = await newest(house.hanako, root, "いつお知らせしましょうか")
    await house.hanako.click(ask, "step_later.1")
    await said(house, root, "12月9日(水) 13:01* にもう一度お知らせします")


async def test_a_time_that_has_passed_is_said_so(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(datetime(2026, 12, 9, 1, 1, tzinfo=UTC))
    await house.hanako.say("昨日の10時に知らせて", CUTOVER, str(root["ts"]))
    await said(house, root, "もう過ぎています")


async def test_a_mistyped_reply_is_offered_as_a_button(house: House) -> None:
    root = await open_cutover(house)
    await house.go_to(datetime(2026, 12, 4, 1, 1, tzinfo=UTC))
    await said(house, root, "受信ゲートウェイ")
    await house.hanako.say("finishd", CUTOVER, str(root["ts"]))
    ask = await newest(house.hanako, root, "のことでしょうか")
    buttons = [e for block in ask["blocks"] if block["type"] == "actions" for e in block["elements"]]
    assert buttons
    await house.hanako.click(ask, buttons[0]["action_id"])
    await said(house, root, "を完了にしました")


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "there", "away"),
    [
        ("", ["example.co.jp", "example.com"], []),
        ("準備中", ["example.co.jp", "example.com"], []),
        ("finished", [], ["example.co.jp"]),
        ("mine", ["example.co.jp"], []),
        ("<@U0KEN00001>", [], ["example.co.jp"]),
        ("2026-12-26", ["example.com"], ["example.co.jp"]),
        ("2026-12-18..2026-12-20", ["example.co.jp"], ["example.com"]),
        ("今週", [], ["example.co.jp", "example.com"]),
        ("遅れ", [], ["example.co.jp", "example.com"]),
    ],
)
async def test_a_list_is_narrowed_by_words(
    house: House, words: str, there: list[str], away: list[str]
) -> None:
    await open_cutover(house)
    await open_cutover(house, "example.com", date="2026-12-26")
    await house.hanako.wait_for(house.hanako.messages, lambda roots: len(roots) == 2)
    await house.hanako.command(f"/mxcutover list {words}")
    shown = await house.hanako.wait_for(house.hanako.ephemerals)
    text = texts(shown[-1]["blocks"])
    assert all(f"*{domain}*" in text for domain in there)
    assert not any(f"*{domain}*" in text for domain in away)


async def test_a_word_that_narrows_nothing_is_said(house: House) -> None:
    await open_cutover(house)
    await house.hanako.command("/mxcutover list ほげ")
    answer = await private(house.hanako, "読み取れなかった条件：ほげ")
    assert "条件：ほげ）" not in texts(answer["blocks"])  # it narrows nothing, so it is no heading


async def test_a_word_that_narrows_nothing_is_said_where_there_is_nothing_to_list(house: House) -> None:
    await house.hanako.command("/mxcutover list ほげ")
    text = texts((await private(house.hanako, "読み取れなかった条件：ほげ"))["blocks"])
    assert "進行中の切替はありません" in text
    assert "「」" not in text


async def test_from_the_list_to_the_menu_and_on(house: House) -> None:
    await open_cutover(house)
    await house.hanako.command("/mxcutover list")
    listed = await private(house.hanako, "進行中のMX切替")
    await house.hanako.click(listed, "menu.0")
    menu = await private(house.hanako, "状況を見る")
    for verb, piece in (
        ("prepare", "アカウントの棚卸し"),
        ("runbook", "NO-GO"),
        ("tests", "docomo"),
        ("plan", "の予定"),
        ("history", "切替を開始"),
        ("text", "利用者への案内文"),
        ("reschedule", "新しい日時"),
        ("assign", "example.co.jp は、どなたを担当"),
        ("cancel", "中止しますか"),
    ):
        await house.hanako.click(menu, f"do.{verb}")
        await private(house.hanako, piece)


async def test_the_message_shortcut_brings_the_menu(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.shortcut("about_message", root)
    await private(house.hanako, "予定 12月19日(土) 22:00")


# --- preparation, runbook, tests, lock-down ----------------------------------------------------------


async def test_what_is_ticked_is_kept_with_who_and_when(house: House) -> None:
    root = await open_cutover(house)
    shown = await newest(house.hanako, root, "アカウントの棚卸し")
    await house.ken.click(shown, "tick.inventory")
    again = await newest(house.hanako, root, "1/5 済み")
    assert again["ts"] == shown["ts"]  # edited in place
    assert "<@U0KEN00001>　12月1日(火) 10:00" in texts(again["blocks"]).replace("  ", "　")
    await house.hanako.click(again, "untick.inventory")
    await newest(house.hanako, root, "0/5 済み")
    kinds = [(e.kind, e.actor) for e in await history(house) if "ticked" in e.kind]
    assert kinds == [("ticked", "U0KEN00001"), ("unticked", "U0HANAKO01")]


async def test_a_private_list_of_things_to_tick_changes_in_place(house: House) -> None:
    await open_cutover(house)
    await house.hanako.command("/mxcutover prepare example.co.jp")
    shown = await private(house.hanako, "アカウントの棚卸し")
    count = len(await house.hanako.ephemerals())
    await house.hanako.click(shown, "tick.announce")
    await private(house.hanako, "1/5 済み")
    assert len(await house.hanako.ephemerals()) == count


async def test_go_or_no_go_is_asked_before_the_day(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.go_to(datetime(2026, 12, 18, 1, 1, tzinfo=UTC))
    no_go = await newest(house.hanako, root, "NO-GO")
    assert "メールサービス側の連携設定" in texts(no_go["blocks"])
    await house.hanako.say("コネクタは完了しました", CUTOVER, ts)
    await house.hanako.say("事前準備", CUTOVER, ts)
    shown = await newest(house.hanako, root, "0/5 済み")
    await house.hanako.click(shown, "tick.inventory")
    await newest(house.hanako, root, "1/5 済み")
    await house.hanako.say("当日", CUTOVER, ts)
    ready = await newest(house.hanako, root, "🟢 *GO*")
    await house.hanako.click(ready, "go")
    await newest(house.hanako, root, "GO と判断しました")
    assert [e.actor for e in await history(house) if e.kind == "go_decided"] == ["U0HANAKO01"]
    await house.go_to(DAY + timedelta(seconds=5))
    runbooks = [t for t in await thread(house, root) if "当日の進行" in t and "手順1" in t]
    assert len(runbooks) == 2  # decided, so it is not asked again


async def test_the_test_matrix_comes_when_it_is_time(house: House) -> None:
    root = await open_cutover(house)
    await changed(house, root)
    await house.hanako.say("手順2と3と4 完了", CUTOVER, str(root["ts"]))
    matrix = await newest(house.hanako, root, "ほかのMAILGATES利用企業")
    await house.alice.click(matrix, "tick.docomo")
    again = await newest(house.hanako, root, "1/7 確認済み")
    assert "U0ALICE001" in texts(again["blocks"])


async def test_lock_down_is_offered_only_after_t_safe(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("受信制限", CUTOVER, ts)
    early = await newest(house.hanako, root, "まだ行わないでください")
    assert "tick.lock_down" not in json.dumps(early["blocks"])
    await house.go_to(datetime(2026, 12, 9, 1, 1, tzinfo=UTC))
    house.sandbox.set_ttl("example.co.jp", 300)
    await house.hanako.say("TTL完了", CUTOVER, ts)
    await said(house, root, "TTLが300秒以下になりました")
    await changed(house, root)
    await house.go(days=3)
    offered = await newest(house.hanako, root, "ゲートウェイ IP 以外からのメールをすべて拒否する")
    await house.hanako.click(offered, "tick.lock_down")
    await house.hanako.wait_for(
        lambda: history(house), lambda found: any(e.data.get("item") == "lock_down" for e in found)
    )


# --- files ----------------------------------------------------------------------------------------


async def files_in(person: Person, channel: str) -> list[str]:
    messages = (await person.state())["messages"]
    return [f["title"] for m in messages if m["channel"] == channel for f in m.get("files") or ()]


async def test_files_go_into_the_thread_where_they_were_asked_for(house: House) -> None:
    root = await open_cutover(house)
    for word in ("報告書", "カレンダー", "export"):
        await house.hanako.say(word, CUTOVER, str(root["ts"]))
    await house.hanako.wait_for(
        lambda: files_in(house.hanako, CUTOVER),
        lambda found: (
            set(found)
            >= {
                "report-example.co.jp.md",
                "report-example.co.jp.html",
                "plan-example.co.jp.ics",
                "history-example.co.jp.json",
            }
        ),
    )


async def test_files_asked_for_by_command_come_by_dm(house: House) -> None:
    await open_cutover(house)
    await house.alice.command("/mxcutover export example.co.jp csv")
    await private(house.alice, "Sent to you by DM")
    dm = await house.alice.dm_channel()
    await house.alice.wait_for(
        lambda: files_in(house.alice, dm), lambda found: found == ["history-example.co.jp.csv"]
    )


async def test_without_the_scope_the_text_comes_instead(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.fault("refuse", method="files.getUploadURLExternal", error="missing_scope")
    await house.hanako.say("報告書", CUTOVER, str(root["ts"]))
    answer = await said(house, root, "files:write")
    assert "example.co.jp MX切替 報告書" in answer


async def test_texts_to_copy_in_either_language(house: House) -> None:
    await open_cutover(house)
    await house.hanako.command("/mxcutover text example.co.jp 依頼")
    request = await private(house.hanako, "DNS管理会社への依頼文")
    assert "example.co.jp. 300 IN MX 10 mgf.cybermail.jp." in texts(request["blocks"])
    await house.hanako.click(request, "text.lang")
    await private(house.hanako, "Please carry out the following")


# --- who may, where -------------------------------------------------------------------------------


async def set_up(house: House, **values: Any) -> None:
    await house.hanako.command("/mxcutover settings")
    shown = await private(house.hanako, "いまの設定")
    await house.hanako.click(shown, "settings_open")
    view = await house.hanako.wait_for(house.hanako.modal)
    assert view is not None
    answer = await house.hanako.submit(view, values)
    assert answer["ok"], answer
    await house.hanako.wait_for(lambda: dms(house.hanako), lambda all_: any("設定を保存" in t for t in all_))


async def test_operators_are_set_in_slack_and_refusals_say_who_could(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await set_up(house, operators=["U0HANAKO01"])
    for words, piece in (
        ("完了", "U0HANAKO01"),
        ("延期 12/26 21:30", "U0HANAKO01"),
        ("中止", "U0HANAKO01"),
        ("担当は <@U0KEN00001>", "U0HANAKO01"),
    ):
        before = len(await house.alice.ephemerals())
        await house.alice.say(words, CUTOVER, ts)
        await house.alice.wait_for(house.alice.ephemerals, lambda all_, n=before: len(all_) > n)  # type: ignore[misc]
        assert piece in texts((await house.alice.ephemerals())[-1]["blocks"])
    await house.alice.command("/mxcutover runbook example.co.jp")
    book = await private(house.alice, "NO-GO")
    await house.alice.click(book, "do.reschedule")
    await private(house.alice, "You can't do that")
    await house.alice.command("/mxcutover settings")
    settings = await private(house.alice, "Operators:")
    await house.alice.click(settings, "settings_open")
    await house.alice.wait_for(
        house.alice.ephemerals,
        lambda all_: sum("You can't do that" in texts(m.get("blocks", [])) for m in all_) >= 2,
    )
    await house.hanako.say("担当は <@U0ALICE001>", CUTOVER, ts)
    await said(house, root, "担当に")
    await house.alice.say("コネクタは完了", CUTOVER, ts)
    await said(house, root, "連携設定」を完了")


async def test_nobody_locks_themselves_out(house: House) -> None:
    await house.hanako.command("/mxcutover settings")
    await house.hanako.click(await private(house.hanako, "いまの設定"), "settings_open")
    view = await house.hanako.wait_for(house.hanako.modal)
    assert view is not None
    answer = await house.hanako.submit(view, {"operators": ["U0KEN00001"], "freezes": "2026-12-28..x"})
    assert set(answer["errors"]) == {"freezes"}
    answer = await house.hanako.submit(view, {"operators": ["U0KEN00001"], "freezes": ""})
    assert set(answer["errors"]) == {"operators"}


async def test_only_allowed_channels(house: House) -> None:
    await set_up(house, channels=[CUTOVER])
    await house.hanako.command("/mxcutover list", GENERAL)
    await private(house.hanako, f"<#{CUTOVER}>")
    await house.hanako.dm("list")
    await house.hanako.wait_for(
        lambda: dms(house.hanako), lambda all_: any("進行中の切替は" in t for t in all_)
    )


async def test_a_freeze_is_no_day_for_a_change(house: House) -> None:
    await set_up(house, freezes="2026-12-18..2026-12-20")
    await house.hanako.command("/mxcutover start example.co.jp")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    values = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp", "time": "22:00"}
    answer = await house.hanako.submit(view, {**values, "date": "2026-12-19"})
    assert "変更凍結期間" in answer["errors"]["date"]
    await house.hanako.close(everything=True)
    root = await open_cutover(house, date="2026-12-23")
    await house.hanako.say("延期 12/19 22:00", CUTOVER, str(root["ts"]))
    await said(house, root, "変更凍結期間です")


async def test_a_channel_speaks_its_own_language_and_a_person_theirs(house: House) -> None:
    await set_up(house, lang_en=[CUTOVER])
    await house.hanako.command("/mxcutover start example.co.jp")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    values = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp"}
    await house.hanako.submit(view, {**values, "date": "2026-12-19", "time": "22:00"})
    root = (await house.hanako.wait_for(house.hanako.messages))[-1]
    assert "MX cutover example.co.jp" in texts(root["blocks"])
    await house.hanako.say("当日", CUTOVER, str(root["ts"]))
    await newest(house.hanako, root, "Before you begin")
    await house.hanako.command("/mxcutover runbook example.co.jp")
    await private(house.hanako, "開始前の確認")


# --- words that are no verb -----------------------------------------------------------------------


async def test_the_nearest_verb_is_a_button_that_keeps_the_rest(house: House) -> None:
    await open_cutover(house)
    await house.hanako.command("/mxcutover statsu example.co.jp")
    answer = await private(house.hanako, "のことでしょうか")
    await house.hanako.click(answer, "do.nearest")
    await private(house.hanako, "開始時のMX")
