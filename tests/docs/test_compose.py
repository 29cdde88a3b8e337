"""The compose files and the Dockerfile name settings that exist, and what they need."""

import re

import pytest
from ruamel.yaml import YAML

from bot.cli.run import REQUESTS_END_WITHIN
from bot.main import STOP_SECONDS
from tests.docs.settings_table import ROOT, names

FILES = ("compose.yml", "compose.replicas.yml")


@pytest.mark.parametrize("file", FILES)
def test_every_variable_that_the_bot_is_given_is_a_setting(file: str) -> None:
    bot = YAML(typ="safe", pure=True).load((ROOT / file).read_text(encoding="utf-8"))["services"]["bot"]
    given = bot.get("environment", {})
    assert set(given) <= set(names().values())


@pytest.mark.parametrize("file", FILES)
def test_a_stop_has_the_time_that_the_bot_may_take_for_it(file: str) -> None:
    bot = YAML(typ="safe", pure=True).load((ROOT / file).read_text(encoding="utf-8"))["services"]["bot"]
    grace = float(bot["stop_grace_period"].removesuffix("s"))
    assert grace > REQUESTS_END_WITHIN + STOP_SECONDS


@pytest.mark.parametrize("file", [*FILES, "Dockerfile"])
def test_no_setting_is_named_that_does_not_exist(file: str) -> None:
    named = set(re.findall(r"\b(?:MXCUTOVER|SLACK|DATABASE)_[A-Z_]+\b", (ROOT / file).read_text("utf-8")))
    assert named <= set(names().values())


def test_replicas_share_a_database_and_publish_no_port() -> None:
    """Without a port Slack reaches them over Socket Mode alone, as the file says."""
    text = (ROOT / "compose.replicas.yml").read_text(encoding="utf-8")
    services = YAML(typ="safe", pure=True).load(text)["services"]
    assert services["bot"]["environment"]["DATABASE_URL"].startswith("postgresql://")
    assert "Socket Mode only" in text
    assert not any("ports" in service for service in services.values())
