"""The manifest and the code say the same, and Slack would take it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.manifest import load_manifest
from bot.slack import forms, handlers, intake
from bot.workspace.app import App

MANIFEST = load_manifest()
FEATURES = MANIFEST["features"]
SCOPES = set(MANIFEST["oauth_config"]["scopes"]["bot"])
SLACK = Path(handlers.__file__).parent

# Slack's methods that the code calls, and the scope each needs.
SCOPE_OF = {
    "chat_postMessage": "chat:write",
    "chat_postEphemeral": "chat:write",
    "chat_update": "chat:write",
    "conversations_open": "im:write",
    "conversations_replies": "channels:history",
    "conversations_history": "channels:history",
    "usergroups_list": "usergroups:read",
    "usergroups_users_list": "usergroups:read",
    "users_info": "users:read",
    "files_getUploadURLExternal": "files:write",
    "files_completeUploadExternal": "files:write",
    "assistant_threads_setSuggestedPrompts": "assistant:write",
}
NO_SCOPE = {"views_open", "views_update", "views_publish", "auth_test"}
SCOPE_OF_EVENT = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
}


def called_methods() -> Iterator[str]:
    for file in SLACK.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and re.fullmatch(
                r"(chat|conversations|users|usergroups|views|assistant|reactions|files)_\w+", node.attr
            ):
                yield node.attr


def test_every_method_called_has_its_scope_and_no_scope_is_there_for_nothing() -> None:
    methods = set(called_methods())
    assert methods - set(SCOPE_OF) - NO_SCOPE == set()
    needed = {SCOPE_OF[method] for method in methods if method in SCOPE_OF}
    needed |= {SCOPE_OF_EVENT[event] for event in events() if event in SCOPE_OF_EVENT}
    # Slack wants assistant:write of an app with an agent view, and commands of one with a slash command.
    assert needed | {"commands", "assistant:write"} == SCOPES
    assert "agent_view" in FEATURES


def events() -> set[str]:
    return set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])


def test_each_event_subscribed_is_handled_and_the_other_way_round() -> None:
    source = (SLACK / "handlers.py").read_text(encoding="utf-8")
    handled = set(re.findall(r'case "(app_\w+|message|tokens_\w+)"', source))
    handled |= set(re.findall(r'"(app_uninstalled|tokens_revoked|assistant_thread_started)"', source))
    assert {event.split(".")[0] for event in events()} == handled


def test_the_one_command_is_the_one_that_people_are_told_of() -> None:
    commands = [command["command"] for command in FEATURES["slash_commands"]]
    assert commands == ["/mxcutover"]
    messages = (SLACK.parent / "content" / "messages" / "slack.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"`(/\w+) ", messages)) - {"/invite"} == set(commands)


def test_shortcuts_are_of_the_two_kinds_that_the_handlers_tell_apart() -> None:
    assert {shortcut["type"] for shortcut in FEATURES["shortcuts"]} == {"global", "message"}


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (MANIFEST["display_information"]["name"], 35),
        (MANIFEST["display_information"]["description"], 140),
        (MANIFEST["display_information"]["long_description"], 4000),
        (FEATURES["bot_user"]["display_name"], 80),
        *[(command["command"], 32) for command in FEATURES["slash_commands"]],
        *[(command["description"], 2000) for command in FEATURES["slash_commands"]],
        *[(command["usage_hint"], 1000) for command in FEATURES["slash_commands"]],
        *[(shortcut["name"], 24) for shortcut in FEATURES["shortcuts"]],
        *[(shortcut["description"], 150) for shortcut in FEATURES["shortcuts"]],
        *[(shortcut["callback_id"], 255) for shortcut in FEATURES["shortcuts"]],
    ],
)
def test_lengths(text: str, limit: int) -> None:
    assert 0 < len(text) <= limit


def test_the_long_description_is_long_enough_for_slack() -> None:
    assert len(MANIFEST["display_information"]["long_description"]) >= 175


def test_the_form_that_is_opened_is_the_form_that_is_taken() -> None:
    assert forms.CALLBACK == "start"
    assert intake.SYNCHRONOUS == "view"


def test_the_local_workspace_reads_the_same_manifest() -> None:
    app = App.from_manifest(MANIFEST)
    assert app.commands[0].command == "/mxcutover"
    assert app.events == events()
    assert app.home_tab
