"""The READMEs say what is: every setting and command, in both languages alike, and nothing that is not."""

import re

import pytest
import typer

from bot.cli.app import app
from bot.domain.commands import Verb
from tests.docs.settings_table import READMES, ROOT, names, table, written

TEXTS = {lang: file.read_text(encoding="utf-8") for lang, file in READMES.items()}


@pytest.mark.parametrize("lang", sorted(READMES))
def test_the_table_of_settings_is_the_settings(lang: str) -> None:
    """Mend it with `python -m tests.docs.settings_table`."""
    assert written(lang) == table(lang)


@pytest.mark.parametrize("lang", sorted(READMES))
def test_no_setting_is_named_that_does_not_exist(lang: str) -> None:
    named = set(re.findall(r"\b(?:MXCUTOVER|SLACK)_[A-Z_]+\b", TEXTS[lang]))
    assert named <= set(names().values())


@pytest.mark.parametrize("lang", sorted(READMES))
def test_every_command_of_the_machine_is_documented(lang: str) -> None:
    commands = set(typer.main.get_group(app).commands)
    documented = set(re.findall(r"^\| `mxcutover (\w+)", TEXTS[lang], re.MULTILINE))
    assert documented == commands


@pytest.mark.parametrize("lang", sorted(READMES))
def test_every_verb_is_documented(lang: str) -> None:
    documented = set(re.findall(r"^\| `/mxcutover (\w+)", TEXTS[lang], re.MULTILINE))
    assert documented == {verb.value for verb in Verb}


@pytest.mark.parametrize("lang", sorted(READMES))
def test_every_file_linked_is_there(lang: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXTS[lang]):
        assert (ROOT / target).exists(), target


def test_both_languages_have_the_same_parts() -> None:
    shapes = {lang: re.findall(r"^(#+) ", text, re.MULTILINE) for lang, text in TEXTS.items()}
    assert shapes["ja"] == shapes["en"]
    codes = {lang: re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for lang, text in TEXTS.items()}
    assert codes["ja"] == codes["en"]
