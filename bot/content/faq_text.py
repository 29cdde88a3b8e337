"""A FAQ view (usecases/ask.py) as a person reads it: Slack mrkdwn, and the buttons under it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Formatter
from typing import Any

from bot.content import Escape, as_waited_for, has, messages, say, show
from bot.content.faq_loader import load_tree
from bot.content.hosts import dot_note, host_name, ttl_note
from bot.domain.faq import Ask, Leaf, Text

_SYMPTOMS = (
    "no-mail-from-outside",
    "still-on-old-service",
    "spam-not-judged",
    "old-provider-senders-only",
    "carrier-not-receiving",
    "log-missing",
)
_BY_MAIL_SERVICE = frozenset({"connector", "lockdown", "trace"})
_NEED_A_DOMAIN = frozenset({"mx", "ttl", "spf", "dmarc", "mta_sts", "dns_host", "ttl_field"})


@dataclass(frozen=True, slots=True)
class Button:
    """One thing to click: its value goes to `Asker.answer`, its label is at most 75 characters."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class FaqText:
    """What is said. `evidence`: what the bot saw itself. `options`: the answers to the question in `body`,
    or the entries to choose from. `others`: other entries it might have been ("not this?").
    `hint`: what would let the bot see more for itself.
    """

    body: str
    title: str = ""
    evidence: tuple[str, ...] = ()
    options: tuple[Button, ...] = ()
    others: tuple[Button, ...] = ()
    hint: str = ""

    @property
    def plain(self) -> str:
        """Everything but the buttons, as one text."""
        parts = (f"*{self.title}*" if self.title else "", "\n".join(self.evidence), self.body, self.hint)
        return "\n\n".join(part for part in parts if part)


def render(view: Mapping[str, Any], lang: str, escape: Escape = str) -> FaqText:
    """The text of a view. Values are escaped, texts of content/ are not.

    A node that the content no longer has is said so, instead of failing.
    """
    decision = view.get("decision")
    if decision == "choose":
        return _choose(view, lang, escape)
    tree = load_tree()
    entry = tree.entries.get(str(view.get("entry")))
    node = tree.nodes.get(str(view.get("node")))
    if entry is None or not isinstance(node, Ask | Leaf):
        topics = "\n".join(f"• {tree.entries[name].title[lang]}" for name in _SYMPTOMS)
        buttons = tuple(_entry_button(name, lang) for name in _SYMPTOMS)
        return FaqText(say("faq.none", lang, topics=topics), options=buttons)
    args = {name: _value(value) for name, value in (view.get("args") or {}).items()}
    evidence = _pasted(view, lang, escape)
    hint = ""
    for visit in view.get("trail", ()):
        found = {name: _value(value) for name, value in visit["args"].items()}
        args.update(found)
        line = _seen(visit, {**args, **found}, lang, escape)
        if line and line not in evidence:  # two nodes may look at the same thing
            evidence.append(line)
        if visit["provider"] in _NEED_A_DOMAIN and "domain" not in args:
            hint = say("faq.name-the-domain", lang)
    if isinstance(node, Ask):
        clarify = decision == "clarify"
        question = fill(node.question, lang, args, escape)
        options = [Button(f"{node.id}={o.value}", o.label[lang]) for o in node.options]
        if view.get("again"):
            question = say("faq.again", lang) + "\n" + question
            options.append(Button("entry=none", say("faq.none-of-these", lang)))
        return FaqText(
            question,
            title="" if clarify else entry.title[lang],
            evidence=tuple(evidence),
            options=tuple(options),
            hint=hint,
        )
    others = tuple(_entry_button(name, lang) for name in view.get("others", ()) if name in tree.entries)
    return FaqText(
        _leaf(node, lang, args, escape),
        title=entry.title[lang],
        evidence=tuple(evidence),
        others=others,
        hint=hint,
    )


def _pasted(view: Mapping[str, Any], lang: str, escape: Escape) -> list[str]:
    """What a pasted mail itself showed."""
    mail = view.get("mail") or {}
    lines = []
    if mail.get("codes"):
        lines.append(say("faq.mail.codes", lang, codes=mail["codes"], escape=escape))
    if mail.get("results"):
        lines.append(say("faq.mail.auth", lang, results=mail["results"], escape=escape))
    return lines


def _choose(view: Mapping[str, Any], lang: str, escape: Escape) -> FaqText:
    tree = load_tree()
    options = [_entry_button(name, lang) for name in view.get("candidates", ()) if name in tree.entries]
    return FaqText(
        say("faq.choose", lang),
        evidence=tuple(_pasted(view, lang, escape)),
        options=(*options, Button("entry=none", say("faq.none-of-these", lang))),
    )


def _entry_button(entry: str, lang: str) -> Button:
    return Button(f"entry={entry}", load_tree().entries[entry].title[lang][:75])


def _leaf(leaf: Leaf, lang: str, args: Mapping[str, Any], escape: Escape) -> str:
    parts = []
    for heading, text in zip(("likely", "check", "do", "otherwise"), leaf.texts, strict=True):
        parts.append(f"*{say(f'faq.heading.{heading}', lang)}*\n{fill(text, lang, args, escape)}")
    return "\n\n".join(parts)


def _seen(visit: Mapping[str, Any], args: Mapping[str, Any], lang: str, escape: Escape) -> str | None:
    """The line that shows one piece of evidence; what was unknown is not shown unless a text says how."""
    provider = "step" if visit["provider"].startswith("step.") else visit["provider"]
    if provider == "step":
        args = {**args, "step": say(f"faq.step.{visit['provider'].removeprefix('step.')}", lang)}
    for name in (visit.get("seen"), visit["outcome"]):
        key = f"faq.seen.{provider}.{name}"
        if name and has(key):
            return fill(messages()[key], lang, args, escape)
    return None


def fill(text: Text, lang: str, args: Mapping[str, Any], escape: Escape) -> str:
    """A template with its placeholders: what is known, else the general words of content/messages."""

    def menu_paths(template: str) -> str:
        return template.replace(" > ", f" {escape('>')} ")

    template = menu_paths(text[lang])
    names = {name for _, name, _, _ in Formatter().parse(template) if name}
    shown = {
        name: escape(_show(name, args[name], lang))
        if name in args
        else menu_paths(say(f"faq.general.{name}", lang))
        for name in names
    }
    return Formatter().vformat(template, (), shown).strip()


def _show(name: str, value: Any, lang: str) -> str:
    if name in ("host", "dns_host"):
        return host_name(value, lang)
    if name == "host_ttl":
        return ttl_note(value, lang)
    if name == "dot_note":
        note = dot_note(value, lang)
        return note + say("faq.unverified", lang) if note else say("faq.general.dot_note", lang)
    if name in _BY_MAIL_SERVICE:
        return say(f"faq.{name}.{value}", lang)
    if name == "support_hours":
        if isinstance(value, datetime):
            return say("faq.support_hours.until", lang, opens_at=value)
        return say(f"faq.support_hours.{value}", lang)
    if name.endswith("_span"):
        return show(timedelta(seconds=value), lang)
    return show(as_waited_for(name, value), lang)


def _value(value: Any) -> Any:
    """Instants come back as such from their JSON form."""
    if isinstance(value, Mapping) and set(value) == {"at"}:
        return datetime.fromisoformat(value["at"])
    return value
