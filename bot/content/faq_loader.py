"""The FAQ tree from its YAML files.

One file an entry in content/faq; its name is the entry's id. A node looks, asks or answers:

    title: {ja: …, en: …}
    start: rule
    nodes:
      rule:                       # the provider's answer decides (usecases/evidence.py)
        look: step.allow_rule
        go: {open: rule_on, done: rule_off, unknown: ask_rule}
      ask_rule:                   # a person answers
        ask: {ja: …, en: …}
        options:
          "left": {ja: …, en: …, go: rule_on}
      rule_on:                    # a leaf
        likely: …  check: …  do: …  otherwise: support

`go` names a node of the same file, `other-entry` (where that starts) or `other-entry/node`.
A text may also be a name from content/faq/_texts.yml (`otherwise: support`).
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from bot.content import ContentError, content_text, load_yaml
from bot.domain.faq import Ask, Entry, Leaf, Look, Node, Option, Text, Tree

_LEAF_KEYS = {"likely", "check", "do", "otherwise"}


@lru_cache(maxsize=1)
def load_tree() -> Tree:
    """The tree of content/faq. Raises ContentError with the file and the node that is not as it must be."""
    texts = {name: _text(text, name, {}) for name, text in _yaml("_texts.yml").items()}
    raw = {name.removesuffix(".yml"): _yaml(name) for name in _files() if not name.startswith("_")}
    starts = {entry: f"{entry}/{data.get('start')}" for entry, data in raw.items()}
    entries: dict[str, Entry] = {}
    nodes: dict[str, Node] = {}
    for entry, data in raw.items():
        if set(data) != {"title", "start", "nodes"}:
            raise ContentError(f"{entry}.yml needs exactly title, start and nodes")
        entries[entry] = Entry(entry, _text(data["title"], entry, texts), starts[entry])
        for name, node in data["nodes"].items():
            full = f"{entry}/{name}"
            nodes[full] = _node(full, node, entry, starts, texts)
    return Tree(entries, nodes)


def entry_ids() -> tuple[str, ...]:
    """The ids of all entries, without reading their files."""
    return tuple(name.removesuffix(".yml") for name in _files() if not name.startswith("_"))


def _files() -> list[str]:
    folder = files("bot.content").joinpath("faq")
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".yml"))


def _yaml(name: str) -> Mapping[str, Any]:
    data = load_yaml(content_text("faq", name), f"faq/{name}")
    if not isinstance(data, Mapping):
        raise ContentError(f"faq/{name} is not a mapping")
    return data


def _text(text: Any, where: str, named: Mapping[str, Text]) -> Text:
    if isinstance(text, str):
        if text not in named:
            raise ContentError(f"{where}: there is no text named {text} in _texts.yml")
        return named[text]
    if not isinstance(text, Mapping) or not all(isinstance(words, str) for words in text.values()):
        raise ContentError(f"{where}: a text is {{ja: …, en: …}}")
    return {lang: words.strip() for lang, words in text.items()}


def _node(full: str, data: Any, entry: str, starts: Mapping[str, str], texts: Mapping[str, Text]) -> Node:
    if not isinstance(data, Mapping):
        raise ContentError(f"{full}: a node is a mapping")

    def target(name: Any) -> str:
        text = str(name)
        return text if "/" in text else starts.get(text, f"{entry}/{text}")

    keys = set(data)
    if keys == {"look", "go"}:
        return Look(full, data["look"], {outcome: target(name) for outcome, name in data["go"].items()})
    if keys == {"ask", "options"}:
        options = []
        for value, option in data["options"].items():
            label = {key: words for key, words in option.items() if key != "go"}
            if "go" not in option:
                raise ContentError(f"{full}: {value} leads nowhere (no go)")
            options.append(Option(value, _text(label, full, texts), target(option["go"])))
        return Ask(full, _text(data["ask"], full, texts), tuple(options))
    if keys == _LEAF_KEYS:
        return Leaf(full, *(_text(data[key], full, texts) for key in ("likely", "check", "do", "otherwise")))
    raise ContentError(f"{full}: a node has look+go, ask+options, or likely+check+do+otherwise")
