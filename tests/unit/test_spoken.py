"""A tree's question answered in words: by label, number, yes or no, "don't know"; corrections; "not this"."""

import pytest

from bot.content.faq_loader import load_tree
from bot.domain.faq import Ask
from bot.domain.spoken import Said, about, changed_mind, closely, exactly, number_in

TREE = load_tree()
ASKS = [node for node in TREE.nodes.values() if isinstance(node, Ask)]


def ask(name: str) -> Ask:
    node = TREE.nodes[name]
    assert isinstance(node, Ask)
    return node


@pytest.mark.parametrize("node", ASKS, ids=lambda node: node.id)
def test_each_label_names_its_own_option_and_each_number_too(node: Ask) -> None:
    for number, option in enumerate(node.options, 1):
        for label in option.label.values():
            assert exactly(node, label) is option
            assert exactly(node, f"やっぱり{label}です") is option
        assert exactly(node, f"{number}") is option
        assert exactly(node, f"{number}番です") is option
        assert exactly(node, f"{number}", numbers=False) is None


@pytest.mark.parametrize(
    ("node", "text", "value"),
    [
        ("spam-not-judged/ask_rule", "はい", "removed"),
        ("spam-not-judged/ask_rule", "yes", "removed"),
        ("spam-not-judged/ask_rule", "いいえ。", "left"),
        ("spam-not-judged/ask_rule", "No", "left"),
        ("spam-not-judged/ask_rule", "よく分かりません", "not_sure"),
        ("spam-not-judged/ask_rule", "わからないです", "not_sure"),
        ("spam-not-judged/ask_rule", "I don't know", "not_sure"),
        ("spam-not-judged/ask_rule", "②", "left"),
        ("spam-not-judged/ask_rule", "まだ残っている", "left"),
        ("no-mail-from-outside/ask_log", "No", "none"),
        ("no-mail-from-outside/ask_log", "yes", None),  # three of them begin with yes
        ("admin-menu-missing/ask", "no", None),  # no question of yes or no
        ("spam-not-judged/ask_rule", "9", None),
        ("spam-not-judged/ask_rule", "お昼は何を食べますか", None),
        ("spam-not-judged/ask_rule", "", None),
    ],
)
def test_what_plainly_names_an_option(node: str, text: str, value: str | None) -> None:
    option = exactly(ask(node), text)
    assert (option.value if option else None) == value


@pytest.mark.parametrize(
    ("node", "text", "value"),
    [
        ("spam-not-judged/ask_rule", "まだ残ってます", "left"),
        ("spam-not-judged/ask_rule", "削除しました", "removed"),
        ("spam-not-judged/ask_rule", "it's still there", "left"),
        ("log-missing/ask_source", "Gmailから送りました", "outside"),
        ("log-missing/ask_source", "社内から", "inside"),
        ("duplicate-mail/ask", "同じメールボックスに両方", "same_box"),
        ("duplicate-mail/ask", "the same mailbox", "same_box"),
        ("spam-not-judged/ask_rule", "TTLはいつ元に戻せばいいですか", None),
        ("spam-not-judged/ask_rule", "?", None),
    ],
)
def test_what_is_like_one_option_only(node: str, text: str, value: str | None) -> None:
    near = closely(ask(node), text)
    assert (near[0].value if near else None) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("違います", Said.NOT_THIS),
        ("これじゃない", Said.NOT_THIS),
        ("どれでもない", Said.NOT_THIS),
        ("どれも違います", Said.NOT_THIS),
        ("該当なし", Said.NOT_THIS),
        ("not this", Said.NOT_THIS),
        ("That's not it.", Said.NOT_THIS),
        ("None of these", Said.NOT_THIS),
        ("前の質問に戻って", Said.BACK),
        ("戻る", Said.BACK),
        ("go back", Said.BACK),
        ("元に戻したい", None),
        ("MXの値が通知書と違います", None),
        ("違うサーバーに届きます", None),
        ("どれを選べばいいですか", None),
        ("mail does not go to this server", None),
    ],
)
def test_what_is_about_the_conversation(text: str, said: Said | None) -> None:
    assert about(text) is said


def test_corrections_and_numbers() -> None:
    assert changed_mind("やっぱりまだ残っている") and changed_mind("Actually, it is still there")
    assert not changed_mind("まだ残っている")
    assert [number_in(text) for text in ("3", "③", "3番目", "(2)", "10", "3つあります")] == [
        3,
        3,
        3,
        2,
        None,
        None,
    ]
