"""The page and its texts: every text that a script names is there, every text is named by one."""

import re
from pathlib import Path

from bot.content import messages
from bot.workspace.inputs import problem

PAGE = Path(__file__).parents[2] / "bot" / "workspace" / "page"
BY_CODE = ("workspace.error_", "workspace.problem_")


def named() -> set[str]:
    source = "\n".join(script.read_text(encoding="utf-8") for script in PAGE.glob("*.js"))
    return {key for key in re.findall(r"\"(workspace\.[a-z_0-9]+)\"", source) if not key.endswith("_")}


def kept() -> set[str]:
    return {key for key in messages() if key.startswith("workspace.")}


def test_every_text_that_a_script_names_is_there() -> None:
    assert named() - kept() == set()


def test_every_text_is_named_by_a_script() -> None:
    spare = {key for key in kept() - named() if not key.startswith(BY_CODE)}
    assert spare == set()


def test_every_problem_of_an_input_has_its_text() -> None:
    wrong = [
        problem({"type": kind, "is_decimal_allowed": True, **limits}, value, optional=False)
        for kind, limits, value in (
            ("plain_text_input", {}, ""),
            ("plain_text_input", {"min_length": 2}, "x"),
            ("plain_text_input", {"max_length": 2}, "xxx"),
            ("number_input", {}, "x"),
            ("number_input", {"min_value": "2"}, "1"),
            ("number_input", {"max_value": "2"}, "3"),
            ("email_text_input", {}, "x"),
            ("url_text_input", {}, "x"),
            ("multi_users_select", {"max_selected_items": 1}, ["a", "b"]),
        )
    ]
    codes = {found[0] for found in wrong if found is not None}
    assert {f"workspace.problem_{code}" for code in codes} == {
        key for key in kept() if key.startswith("workspace.problem_")
    }


def test_every_script_that_is_imported_is_there() -> None:
    for script in PAGE.glob("*.js"):
        for name in re.findall(r"from \"/page/([\w.]+)\"", script.read_text(encoding="utf-8")):
            assert (PAGE / name).exists(), f"{script.name} imports {name}"


def test_the_page_takes_nothing_from_elsewhere() -> None:
    for file in PAGE.iterdir():
        text = file.read_text(encoding="utf-8")
        found = re.findall(r"https?://(?!www\.w3\.org/2000/svg)[\w.]+", text)
        assert found == [], f"{file.name} names {found}"
        assert "innerHTML" not in text
