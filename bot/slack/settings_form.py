"""The form in which an operator changes what the workspace has set."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.authority import Actor
from bot.domain.policy import BadPolicy, Policy, freezes, groups_in
from bot.slack import elements as el
from bot.slack.rendered import Block
from bot.slack.voice import Voice

CALLBACK = "settings"

Fields = Mapping[str, Any]


def view(voice: Voice, policy: Policy, groups: Mapping[str, str]) -> Block:
    """The modal, filled in with what is set now. `groups`: those to choose from, id to handle."""

    def people(ids: frozenset[str]) -> list[str]:
        return sorted(ids - frozenset(groups_in(ids)))

    english = sorted(channel for channel, lang in policy.langs.items() if lang == "en")
    japanese = sorted(channel for channel, lang in policy.langs.items() if lang == "ja")
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "title": el.plain(voice("settings.title"), 24),
        "submit": el.plain(voice("settings.save"), 24),
        "close": el.plain(voice("form.close"), 24),
        "blocks": [
            _input(voice, "operators", _people(people(policy.operators)), "settings.operators.hint"),
            *_by_group(voice, "operator_groups", groups, policy.operators),
            _input(voice, "viewers", _people(people(policy.viewers)), "settings.viewers.hint"),
            *_by_group(voice, "viewer_groups", groups, policy.viewers),
            _input(voice, "channels", _channels(sorted(policy.channels)), "settings.channels.hint"),
            _input(voice, "lang_ja", _channels(japanese), "settings.lang.hint"),
            _input(voice, "lang_en", _channels(english), None),
            _input(
                voice,
                "freezes",
                {
                    "type": "plain_text_input",
                    "multiline": True,
                    "max_length": 2000,
                    **_initial("initial_value", "\n".join(str(freeze) for freeze in policy.freezes)),
                },
                "settings.freezes.hint",
            ),
        ],
    }


def _initial(name: str, value: Any) -> Block:
    """Slack refuses an empty initial value."""
    return {name: value} if value else {}


def _people(users: list[str]) -> Block:
    return {"type": "multi_users_select", **_initial("initial_users", users)}


def _groups(groups: Mapping[str, str], chosen: Sequence[str]) -> Block:
    options = {group: el.option(handle, group) for group, handle in groups.items()}
    initial = [options[group] for group in chosen if group in options]
    return {
        "type": "multi_static_select",
        "options": list(options.values()),
        **_initial("initial_options", initial),
    }


def _by_group(voice: Voice, name: str, groups: Mapping[str, str], ids: frozenset[str]) -> list[Block]:
    return [_input(voice, name, _groups(groups, groups_in(ids)), None)] if groups else []


def _channels(channels: list[str]) -> Block:
    return {
        "type": "multi_conversations_select",
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        **_initial("initial_conversations", channels),
    }


def _input(voice: Voice, name: str, element: Block, hint: str | None) -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "optional": True,
        "label": el.plain(voice(f"settings.{name}"), 2000),
        "element": {**element, "action_id": name},
    }
    if hint:
        block["hint"] = el.plain(voice(hint), 2000)
    return block


def is_settings(submission: Fields) -> bool:
    """Whether a view_submission is this form's."""
    return (submission.get("view") or {}).get("callback_id") == CALLBACK


def policy_of(submission: Fields) -> Policy | None:
    """What was filled in; None where it is another form, or (judged before) cannot be."""
    if not is_settings(submission):
        return None
    try:
        return _read(submission)
    except BadPolicy:
        return None


def _read(submission: Fields) -> Policy:
    values = ((submission.get("view") or {}).get("state") or {}).get("values") or {}

    def of(name: str) -> Fields:
        found = (values.get(name) or {}).get(name) or {}
        return found if isinstance(found, Mapping) else {}

    def ids(people: str, groups: str) -> frozenset[str]:
        chosen = (str(option["value"]) for option in of(groups).get("selected_options") or ())
        return frozenset((*(of(people).get("selected_users") or ()), *chosen))

    english = of("lang_en").get("selected_conversations") or ()
    japanese = of("lang_ja").get("selected_conversations") or ()
    if set(english) & set(japanese):
        raise BadPolicy("both", "")
    return Policy(
        operators=ids("operators", "operator_groups"),
        viewers=ids("viewers", "viewer_groups"),
        channels=frozenset(of("channels").get("selected_conversations") or ()),
        langs={**dict.fromkeys(japanese, "ja"), **dict.fromkeys(english, "en")},
        freezes=freezes(str(of("freezes").get("value") or "").replace("〜", "..").split()),
    )


def errors(
    voice: Voice, actor: Actor, submission: Fields, operators: frozenset[str], viewers: frozenset[str]
) -> dict[str, str]:
    """What is wrong, by field; empty: it may be kept. `operators`, `viewers`: with the groups' members."""
    try:
        policy = _read(submission)
    except BadPolicy as bad:
        if bad.what == "both":
            return {"lang_en": voice("settings.error.both")}
        return {"freezes": voice.raw("settings.error.freeze", word=bad.word)}
    if policy.operators and actor.user not in operators:
        return {"operators": voice("settings.error.yourself")}
    if policy.viewers and not policy.operators and actor.user not in viewers:
        return {"viewers": voice("settings.error.yourself")}
    return {}
