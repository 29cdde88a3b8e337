"""The app as it is registered with this Slack: what its manifest says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

APP_ID = "A0LOCAL001"
BOT_ID = "B0LOCAL001"
BOT_USER = "U0LOCALBOT"

DEFAULT_EVENTS = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
        "app_uninstalled",
        "tokens_revoked",
    }
)


@dataclass(frozen=True, slots=True)
class SlashCommand:
    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True, slots=True)
class Shortcut:
    """`kind` is "global" or "message"."""

    kind: str
    callback_id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class App:
    name: str = "mxcutover"
    commands: tuple[SlashCommand, ...] = (SlashCommand("/mxcutover", usage_hint="start example.co.jp"),)
    shortcuts: tuple[Shortcut, ...] = ()
    events: frozenset[str] = DEFAULT_EVENTS
    prompts: tuple[tuple[str, str], ...] = ()  # (title, message): what the DM offers to begin with
    home_tab: bool = True

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> "App":
        """Read Slack's manifest (v1 or v2). What it does not mention is off, as in Slack."""
        features: Mapping[str, Any] = manifest.get("features") or {}
        settings: Mapping[str, Any] = manifest.get("settings") or {}
        subscriptions: Mapping[str, Any] = settings.get("event_subscriptions") or {}
        agent: Mapping[str, Any] = features.get("agent_view") or features.get("assistant_view") or {}
        name = (features.get("bot_user") or {}).get("display_name") or manifest["display_information"]["name"]
        return cls(
            name=str(name),
            commands=tuple(
                SlashCommand(
                    command=str(entry["command"]),
                    description=str(entry.get("description", "")),
                    usage_hint=str(entry.get("usage_hint", "")),
                    should_escape=bool(entry.get("should_escape", False)),
                )
                for entry in features.get("slash_commands") or ()
            ),
            shortcuts=tuple(
                Shortcut(
                    kind=str(entry["type"]),
                    callback_id=str(entry["callback_id"]),
                    name=str(entry["name"]),
                    description=str(entry.get("description", "")),
                )
                for entry in features.get("shortcuts") or ()
            ),
            events=frozenset(str(name) for name in subscriptions.get("bot_events") or ()),
            prompts=tuple(
                (str(entry["title"]), str(entry["message"])) for entry in agent.get("suggested_prompts") or ()
            ),
            home_tab=bool((features.get("app_home") or {}).get("home_tab_enabled", False)),
        )
