"""Every message is there in both languages, every key that the code names exists, and none is left over."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import bot
from bot.content import messages

CODE = Path(bot.__file__).parent
TEXTS = messages()


def python_keys() -> tuple[set[str], list[re.Pattern[str]]]:
    """The texts that the code writes out, and those that it puts together, as patterns."""
    literals: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for file in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literals.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [
                    re.escape(str(v.value)) if isinstance(v, ast.Constant) else "[^ ]+" for v in node.values
                ]
                if "." in "".join(parts) and len("".join(parts).replace("[^ ]+", "")) > 3:
                    patterns.append(re.compile("".join(parts)))
    return literals, patterns


def page_keys() -> set[str]:
    """The local workspace's page asks for its texts by their last part, and so does its server."""
    text = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (CODE / "workspace").rglob("*")
        if file.suffix in (".js", ".py", ".html")
    )
    return {f"workspace.{word}" for word in re.findall(r"[a-z][a-z0-9_]+", text)}


LITERALS, PATTERNS = python_keys()


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_say_the_same_with_the_same_values(key: str) -> None:
    texts = TEXTS[key]
    assert set(texts) == {"ja", "en"}
    assert all(text.strip() for text in texts.values())
    assert placeholders(texts["ja"]) == placeholders(texts["en"])


def test_no_message_is_left_over() -> None:
    by_page = page_keys()
    unused = [
        key
        for key in TEXTS
        if key not in LITERALS
        and key not in by_page
        and not any(pattern.fullmatch(key) for pattern in PATTERNS)
        and not key.startswith(("workspace.error_", "workspace.problem_", "setting."))
    ]
    assert unused == []


def test_every_key_that_the_slack_side_names_is_there() -> None:
    named = set()
    for file in (CODE / "slack").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        named |= set(re.findall(r'voice(?:\.raw)?\(\s*"([^"{}]+)"', text))
        named |= set(re.findall(r'_plainly\("([^"]+)"\)', text))
    assert sorted(named - set(TEXTS)) == []


def test_nothing_suggests_the_host_that_is_in_no_notice() -> None:
    """mg.cybermail.jp stands in the vendor's sample output only (procedure, the day)."""
    naming = [k for k, t in TEXTS.items() if any("mg.cybermail.jp" in text for text in t.values())]
    assert [key for key in naming if not key.startswith("notice.bad")] == []


def test_menu_names_stay_in_japanese_in_both_languages() -> None:
    for key, texts in TEXTS.items():
        for menu in (
            "管理者画面に切替",
            "自ドメイン許可設定",
            "送受信ログ",
            "暗号化ZIPメール",
            "許可条件リスト",
        ):
            if key.startswith("step.how.") and menu in texts["ja"]:
                assert menu in texts["en"], key
