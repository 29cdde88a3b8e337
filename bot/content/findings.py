"""A finding in words: what was seen and what it means, and what to do about it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.content import Escape, has, say
from bot.content.names_text import shown_name
from bot.domain.findings import Finding, Status

SEPARATOR = {"ja": "、", "en": ", "}
COLON = {"ja": "：", "en": ": "}
# Arguments that are a name or names; lines and raw records (`lines`, `mx`, …) stay as DNS has them.
NAMES = frozenset({"domain", "name", "host", "hosts", "cname", "exchange"})


def finding_text(finding: Finding, lang: str, escape: Escape = str) -> tuple[str, str]:
    """(text, remedy) in `lang` ("ja" or "en"); the remedy is "" where there is nothing to do.

    `escape` is applied to every value that comes from outside, not to the text around it.
    Raises KeyError for a finding that content/messages/findings.yml has no text for.
    """
    args = {name: _shown(name, value, lang) for name, value in _readable(finding.args).items()}
    for name, value in finding.args.items():
        if value == [] or value is None:
            args[f"{name}_or_none"] = say("finding.none", lang)
        else:
            args[f"{name}_or_none"] = args[name]
    stem = f"finding.{finding.id}"
    if finding.status is not Status.WRONG:
        stem = f"{stem}.{finding.status.value}"
    elif finding.args.get("late") is True:
        stem = f"{stem}.late"
    text = say(f"{stem}.text", lang, escape=escape, **args)
    remedy = say(f"{stem}.remedy", lang, escape=escape, **args) if has(f"{stem}.remedy") else ""
    return text, remedy


def _readable(args: Mapping[str, Any]) -> Mapping[str, Any]:
    """Names in both forms, and the domain as DNS takes it beside that."""
    found = dict(args)
    for name in NAMES & set(args):
        value = args[name]
        if name == "exchange" and "readable" in args:
            continue  # shown with its readable form already
        if isinstance(value, str):
            found[name] = shown_name(value)
        elif isinstance(value, (list, tuple)):
            found[name] = [shown_name(item) for item in value]
    if "domain" in args:
        found["domain_ascii"] = args["domain"]
    return found


def _shown(name: str, value: Any, lang: str) -> Any:
    """An argument as its placeholder shows it: the name says what it is."""
    if value is None:
        return "-"
    if name.endswith("_at") and isinstance(value, str):
        return datetime.fromisoformat(value)
    if name.endswith("_span") and isinstance(value, int):
        return timedelta(seconds=value)
    if name == "policy_outcome":
        return _word("policy", str(value), lang)
    if name == "outcome":
        return _word("outcome", str(value), lang)
    if isinstance(value, (list, tuple)):
        return SEPARATOR[lang].join(_item(item, lang) for item in value)
    return value


def _item(item: Any, lang: str) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    if "outcome" in item:
        return f"{item['server']}{COLON[lang]}{_word('outcome', str(item['outcome']), lang)}"
    names = SEPARATOR[lang].join(str(name) for name in item.get("servers", []))
    return f"{names}{COLON[lang]}{SEPARATOR[lang].join(str(mx) for mx in item.get('mx', []))}"


def _word(kind: str, value: str, lang: str) -> str:
    key = f"finding.{kind}.{value}"
    return say(key, lang) if has(key) else value
