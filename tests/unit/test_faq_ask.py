"""Questions to answers: decisions, clicks, what is kept between them, and how it reads."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bot.content.faq_loader import load_tree
from bot.content.faq_text import render
from bot.ports import Candidate, Match
from bot.usecases.ask import Asker, guess_lang
from tests.unit.faq_contexts import CONTEXTS
from tests.unit.test_mailtext import M365, VIA

NOTHING = CONTEXTS["nothing"]


class Says:
    """A matcher whose decision is given."""

    def __init__(self, decision: str, *entries: str) -> None:
        self._match = Match(decision, tuple(Candidate(e, 0.9 - n / 10) for n, e in enumerate(entries)))

    def match(self, text: str) -> Match:
        return self._match


def asker(decision: str, *entries: str) -> Asker:
    return Asker(load_tree(), Says(decision, *entries))


def kept(value: Mapping[str, Any] | None) -> dict[str, Any]:
    """As it comes back from the store."""
    assert value is not None
    return dict(json.loads(json.dumps(value)))


def test_an_answer_shows_what_was_seen_and_what_else_it_may_have_been() -> None:
    result = asker("answer", "still-on-old-service", "rollback").ask("旧に届く", CONTEXTS["not_changed"])
    assert (result.decision, result.entry, result.finished, result.sure) == (
        "answer",
        "still-on-old-service",
        True,
        True,
    )
    text = render(kept(result.view), "ja")
    assert text.evidence[0].startswith("✗ ns1.dns-host.example、")
    assert "12月5日(土) 22:00" in text.evidence[0]
    assert "example.co.jp. 300 IN MX 10 mgf.cybermail.jp." in text.body
    assert "example.co.jp. 3600 IN MX 10 mail.old-provider.example." in text.body
    assert [button.value for button in text.others] == ["entry=rollback"]


def test_a_question_is_asked_and_the_click_goes_on_after_a_restart() -> None:
    first = asker("answer", "spam-not-judged").ask("判定されない", NOTHING)
    assert not first.finished
    values = [option.value for option in render(first.view, "ja").options]
    assert values == [
        "spam-not-judged/ask_rule=removed",
        "spam-not-judged/ask_rule=left",
        "spam-not-judged/ask_rule=not_sure",
    ]
    second = asker("none").answer(kept(first.place), values[0], NOTHING)
    assert second.view["node"] == "spam-not-judged/ask_log"
    third = asker("none").answer(kept(second.place), "spam-not-judged/ask_log=logged", NOTHING)
    assert (third.view["node"], third.finished) == ("spam-not-judged/own_rules", True)


def test_a_click_on_a_question_that_is_gone_starts_the_entry_again() -> None:
    result = asker("none").answer(
        {"entry": "spam-not-judged", "answers": {"spam-not-judged/gone": "x"}},
        "spam-not-judged/gone=x",
        NOTHING,
    )
    assert result.view["node"] == "spam-not-judged/ask_rule"
    assert asker("none").answer(None, "no-such-entry/q=x", NOTHING).decision == "none"
    assert asker("none").answer(None, "rubbish", NOTHING).decision == "none"


def test_a_click_without_its_place_still_counts() -> None:
    result = asker("none").answer(None, "spam-not-judged/ask_rule=left", NOTHING)
    assert result.view["node"] == "spam-not-judged/rule_left"


def test_a_choice_of_three_and_none_of_these() -> None:
    result = asker("choose", "mail-loop", "rollback", "dns-host", "spf-record").ask("?", NOTHING)
    text = render(kept(result.view), "en")
    assert [option.value for option in text.options] == [
        "entry=mail-loop",
        "entry=rollback",
        "entry=dns-host",
        "entry=none",
    ]
    picked = asker("none").answer(None, "entry=rollback", NOTHING)
    assert (picked.decision, picked.entry) == ("answer", "rollback")
    assert asker("none").answer(None, "entry=none", NOTHING).decision == "none"


def test_nothing_fits() -> None:
    text = render(asker("none").ask("お昼は?", NOTHING).view, "ja")
    assert "外部からのメールを受信できない" in text.body
    assert len(text.options) == 6


def test_a_bare_complaint_gets_one_question() -> None:
    result = asker("clarify", "mail-loop").ask("届かない", NOTHING)
    assert (result.decision, result.sure) == ("clarify", False)
    text = render(result.view, "ja")
    assert text.title == "" and len(text.options) == 7
    assert [c.entry for c in result.candidates] == [
        "no-mail-from-outside",
        "still-on-old-service",
        "old-provider-senders-only",
    ]
    on = asker("none").answer(kept(result.place), "unclear/ask=late", CONTEXTS["watching"])
    assert on.view["node"] == "delivery-delay/turning"


def test_without_a_domain_the_bot_says_what_would_help() -> None:
    general = render(asker("answer", "still-on-old-service").ask("x", NOTHING).view, "ja")
    assert "ドメイン名を添えて" in general.hint
    known = render(asker("answer", "still-on-old-service").ask("x", CONTEXTS["typo"]).view, "ja")
    assert known.hint == ""


def test_a_pasted_bounce_is_understood_before_the_matcher() -> None:
    result = asker("none").ask(M365, NOTHING)
    assert result.entry == "tenant-rejects"
    text = render(kept(result.view), "en")
    assert "550 5.7.51" in "\n".join(text.evidence)
    assert "taro@" not in json.dumps(result.view) + json.dumps(result.place)


def test_a_bounce_of_no_known_kind_is_read_as_words_or_offers_what_bounces_are_about() -> None:
    full = (
        "This is the mail system at host mx.example.\n<a@example.co.jp>: host mx said: 552 5.2.2 Mailbox full"
    )
    offered = asker("none").ask(full, NOTHING)
    assert (offered.decision, offered.candidates[0].entry) == ("choose", "no-mail-from-outside")
    assert "552 5.2.2" in "\n".join(render(kept(offered.view), "ja").evidence)
    tale = "昨日MXを切り替えてから、取引先から「Undeliveredで返ってくる」と言われています。" * 6
    assert asker("answer", "rollback").ask(tale, NOTHING).entry == "rollback"


def test_pasted_headers_keep_what_they_showed_over_the_next_click() -> None:
    good = asker("none").ask(VIA, NOTHING)
    assert good.decision == "choose"
    assert "SPF pass" in "\n".join(render(good.view, "ja").evidence)
    on = asker("none").answer(kept(good.place), "entry=delivery-delay", NOTHING)
    assert on.view["node"] == "delivery-delay/after"


def test_values_are_escaped_and_texts_are_not() -> None:
    text = render(
        asker("answer", "spam-not-judged").answer(None, "spam-not-judged/ask_rule=left", NOTHING).view,
        "ja",
        lambda value: value.replace(">", "&gt;"),
    )
    assert "メールセキュリティ &gt; スパムフィルタポリシー" in text.body
    assert text.body.startswith("*考えられること*")


@pytest.mark.parametrize(
    ("text", "lang"), [("届かない", "ja"), ("ﾒｰﾙ", "ja"), ("MX? help", "en"), ("", "en")]
)
def test_the_language_is_the_texts_own(text: str, lang: str) -> None:
    assert guess_lang(text) == lang
