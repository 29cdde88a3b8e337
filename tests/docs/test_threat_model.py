"""Each row of the threat model names the tests that show it; both languages name the same."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"en": ROOT / "docs" / "threat-model.md", "ja": ROOT / "docs" / "threat-model.ja.md"}
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows(lang: str) -> list[str]:
    lines = PAGES[lang].read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("|")][2:]


def named_in(row: str) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in TEST.finditer(row)]


def defined(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("lang", PAGES)
def test_each_row_has_its_five_parts_and_a_test_that_exists(lang: str) -> None:
    assert len(rows(lang)) >= 15
    for row in rows(lang):
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 5
        assert all(cells)
        named = named_in(row)
        assert named, row
        for file, name in named:
            assert (ROOT / file).is_file(), file
            assert name in defined(ROOT / file), f"{file}::{name}"


def test_both_languages_have_the_same_rows() -> None:
    assert [named_in(row) for row in rows("en")] == [named_in(row) for row in rows("ja")]
