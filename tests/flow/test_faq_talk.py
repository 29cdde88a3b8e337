"""A conversation over a FAQ tree: answers in words, corrections, "not this", another question in between."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.workspace.person import CUTOVER, texts
from tests.flow.conftest import House
from tests.flow.test_faq_leaves import MENTION, actions
from tests.flow.test_whole_cutover import open_cutover, said, thread

UNFLAGGED = "nothing gets flagged as spam after the switch"
LEFT = "「自ドメイン許可設定」を削除または無効化します"
NOT_JUDGED = "外部からのメールが一通もスパム判定されません"


class Talk:
    """Hanako's DM with the bot."""

    def __init__(self, house: House) -> None:
        self._person = house.hanako

    async def say(self, words: str, wanted: str) -> Mapping[str, Any]:
        """The bot's next message after these words; it has to show `wanted`."""
        before = await self._heard()
        await self._person.dm(words)
        return await self._next(before, wanted)

    async def click(self, message: Mapping[str, Any], value: str, wanted: str) -> Mapping[str, Any]:
        before = await self._heard()
        await self._person.click(message, actions(message)[value])
        return await self._next(before, wanted)

    async def _heard(self) -> dict[str, Mapping[str, Any]]:
        channel = await self._person.dm_channel()
        found = (await self._person.state())["messages"]
        mine = (m for m in found if m["channel"] == channel and m["user"] != self._person.user)
        return {f"{m['ts']} {texts(m['blocks'])}": m for m in mine}

    async def _next(self, before: Mapping[str, Any], wanted: str) -> Mapping[str, Any]:
        found = await self._person.wait_for(self._heard, lambda now: bool(now.keys() - before.keys()))
        message = [m for key, m in found.items() if key not in before][-1]
        assert wanted in texts(message["blocks"]), texts(message["blocks"])
        return message


@pytest.mark.parametrize(
    ("question", "asked", "answer", "then"),
    [
        (NOT_JUDGED, "もう削除または無効化しましたか", "まだ残ってます", LEFT),
        (NOT_JUDGED, "もう削除または無効化しましたか", "はい", "記録がありますか"),
        (NOT_JUDGED, "もう削除または無効化しましたか", "2", LEFT),
        (NOT_JUDGED, "もう削除または無効化しましたか", "ちょっと分かりません", "必須の作業です"),
        (UNFLAGGED, "deleted or disabled", "no", "is probably still there"),
        (UNFLAGGED, "deleted or disabled", "not sure", "is probably still there"),
        ("同じメールが2通届きます", "どこに届いていますか", "新旧に1通ずつです", "転送やコピー配送"),
    ],
)  # fmt: skip
async def test_a_question_is_answered_in_words(
    house: House, question: str, asked: str, answer: str, then: str
) -> None:
    talk = Talk(house)
    await talk.say(question, asked)
    await talk.say(answer, then)


async def test_a_mind_is_changed_in_words_and_by_an_older_button(house: House) -> None:
    talk = Talk(house)
    first = await talk.say(NOT_JUDGED, "もう削除または無効化しましたか")
    await talk.say("削除しました", "記録がありますか")
    await talk.say("やっぱり、まだ残っている", LEFT)
    second = await talk.click(first, "spam-not-judged/ask_rule=removed", "記録がありますか")
    await talk.say("前の質問に戻って", "もう削除または無効化しましたか")
    await talk.click(second, "spam-not-judged/ask_log=logged", "ほかに広すぎる許可条件")


async def test_a_second_question_in_the_midst_and_back_to_the_first(house: House) -> None:
    talk = Talk(house)
    first = await talk.say(NOT_JUDGED, "もう削除または無効化しましたか")
    second = await talk.say("同じメールが2通届きます", "どこに届いていますか")
    # The older question's button answers the older question.
    await talk.click(first, "spam-not-judged/ask_rule=left", LEFT)
    await talk.click(second, "duplicate-mail/ask=same_box", "新旧両方のアカウントを受信")


async def test_words_that_are_no_answer_get_the_question_once_more_with_a_way_out(house: House) -> None:
    talk = Talk(house)
    await talk.say(NOT_JUDGED, "もう削除または無効化しましたか")
    again = await talk.say("お昼は何を食べますか", "うまく読み取れませんでした")
    assert "もう削除または無効化しましたか" in texts(again["blocks"])
    await talk.click(again, "entry=none", "症状を一文で教えてください")
    await talk.say("はい", "症状を一文で教えてください")  # nothing is asked any more


async def test_not_this_in_words_offers_the_rest_and_is_reported(house: House) -> None:
    talk = Talk(house)
    since = house.clock.now() - timedelta(days=1)
    question = "TTLを下げる目的は何ですか"
    answer = await talk.say(question, "DNSキャッシュは")
    kept = await house.bot.store.transact(lambda tx: tx.questions.unanswered(since=since, limit=10))
    assert kept == []
    others = [value for value in actions(answer) if value.startswith("entry=")]
    assert ("違う場合はこちら" in texts(answer["blocks"])) == bool(others)
    offered = await talk.say("違います", "どれに当てはまりますか" if others else "症状を一文で教えてください")
    kept = await house.bot.store.transact(lambda tx: tx.questions.unanswered(since=since, limit=10))
    assert [(row.text, row.helped) for row in kept] == [(question, False)]
    if others:
        assert [value for value in actions(offered) if value != "entry=none"] == others
        await talk.say("どれでもない", "症状を一文で教えてください")


async def test_yesterdays_question_is_not_answered_by_todays_yes(house: House) -> None:
    talk = Talk(house)
    await talk.say(NOT_JUDGED, "もう削除または無効化しましたか")
    await house.go(hours=13)
    await talk.say("はい", "症状を一文で教えてください")


async def test_in_a_mentions_thread_too(house: House) -> None:
    await house.hanako.say(MENTION + NOT_JUDGED, CUTOVER)
    root = (await house.hanako.wait_for(house.hanako.messages))[0]
    await said(house, root, "もう削除または無効化しましたか")
    await house.hanako.say(MENTION + "まだ残っている", CUTOVER, str(root["ts"]))
    await said(house, root, "必須の作業です")


async def test_in_a_cutovers_thread_words_answer_the_tree_and_done_stays_done(house: House) -> None:
    root = await open_cutover(house)
    ts = str(root["ts"])
    await house.hanako.say("同じメールが2通届きます。なぜですか？", CUTOVER, ts)
    await said(house, root, "どこに届いていますか")
    await house.hanako.say("同じメールボックスに2通", CUTOVER, ts)
    await said(house, root, "新旧両方のアカウントを受信")
    before = len(await thread(house, root))
    await house.hanako.say("違います", CUTOVER, ts)  # to a colleague, perhaps: nobody was asked anything
    await house.bot.slack.worker.idle()
    assert len(await thread(house, root)) == before + 1
