"""The FAQ as a decision tree: what it is made of, how it is walked, and what makes it sound.

A node looks (a named evidence provider answers), asks (a person answers, from a closed set) or is a leaf.
Texts are `{language: template}`; the tree itself never builds prose. Procedure: symptoms afterwards.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

Text = Mapping[str, str]

UNKNOWN = "unknown"
LABEL_LIMIT = 75  # Slack's limit for the text of a button
_STEPS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers a person can give, and the node it leads to."""

    value: str
    label: Text
    next: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a person."""

    id: str
    question: Text
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """A question to an evidence provider: each of its outcomes leads somewhere."""

    id: str
    provider: str
    next: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Leaf:
    """An answer: what is likely, how to verify it, what to do, whom to ask when that does not help."""

    id: str
    likely: Text
    check: Text
    do: Text
    otherwise: Text

    @property
    def texts(self) -> tuple[Text, ...]:
        return (self.likely, self.check, self.do, self.otherwise)


Node = Ask | Look | Leaf


@dataclass(frozen=True, slots=True)
class Entry:
    """A symptom or question, as people bring it."""

    id: str
    title: Text
    start: str


@dataclass(frozen=True, slots=True)
class Tree:
    """All entries; nodes by their full id, `entry/node`."""

    entries: Mapping[str, Entry]
    nodes: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Provider:
    """What an evidence provider can say: its outcomes, and the arguments each of them always carries."""

    outcomes: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a provider said. `seen` names the text that shows it, where that is not the outcome's own."""

    outcome: str
    args: Mapping[str, Any] = field(default_factory=dict)
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One step of a walk: a provider's evidence, or (provider None) what the person answered."""

    node: str
    outcome: str
    provider: str | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk stands: at a question to be answered, or at a leaf; and how it came there."""

    entry: Entry
    node: Ask | Leaf
    trail: tuple[Visit, ...] = ()

    @property
    def args(self) -> Mapping[str, Any]:
        """All that the evidence on the way said; the later word counts."""
        found: dict[str, Any] = {}
        for visit in self.trail:
            if visit.evidence is not None:
                found.update(visit.evidence.args)
        return found


def walk(tree: Tree, entry: str, answers: Mapping[str, str], evidence: Callable[[str], Evidence]) -> Position:
    """Follow the tree from `entry` as far as the evidence and the person's `answers` (by node) lead.

    Raises KeyError for an unknown entry. An outcome or answer that the tree does not know is as none.
    """
    start = tree.entries[entry]
    node = tree.nodes[start.start]
    trail: list[Visit] = []
    for _ in range(_STEPS_LIMIT):
        if isinstance(node, Leaf):
            return Position(start, node, tuple(trail))
        if isinstance(node, Look):
            said = evidence(node.provider)
            outcome = said.outcome if said.outcome in node.next else UNKNOWN
            trail.append(Visit(node.id, outcome, node.provider, said))
            node = tree.nodes[node.next[outcome]]
            continue
        answer = answers.get(node.id)
        chosen = next((option for option in node.options if option.value == answer), None)
        if chosen is None:
            return Position(start, node, tuple(trail))
        trail.append(Visit(node.id, chosen.value))
        node = tree.nodes[chosen.next]
    raise ValueError(f"the tree has a cycle at {entry}")


def edges(node: Node) -> tuple[tuple[str, str], ...]:
    """(outcome or answer, next node) of a node; none for a leaf."""
    if isinstance(node, Look):
        return tuple(node.next.items())
    if isinstance(node, Ask):
        return tuple((option.value, option.next) for option in node.options)
    return ()


def placeholders(template: str) -> frozenset[str]:
    """The names in braces. Raises ValueError for an unbalanced brace."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def lint(tree: Tree, providers: Mapping[str, Provider], general: frozenset[str]) -> list[str]:
    """What is wrong with a tree, as sentences; empty when it is sound.

    `general`: the placeholders that always have a value. Every other one must have been gathered by a
    look on every way that leads to its text.
    """
    problems = [*_broken_edges(tree, providers), *_bad_texts(tree)]
    if problems:
        return problems
    cyclic = _cycles(tree)
    if cyclic:
        return cyclic
    return [*_unreached(tree), *_not_gathered(tree, providers, general)]


def _broken_edges(tree: Tree, providers: Mapping[str, Provider]) -> Iterator[str]:
    for entry in tree.entries.values():
        if entry.start not in tree.nodes:
            yield f"{entry.id}: it starts at {entry.start}, which is not there"
    for node in tree.nodes.values():
        for outcome, target in edges(node):
            if target not in tree.nodes:
                yield f"{node.id}: {outcome} leads to {target}, which is not there"
        if isinstance(node, Look):
            known = providers.get(node.provider)
            if known is None:
                yield f"{node.id}: there is no evidence provider {node.provider}"
            elif set(node.next) != set(known.outcomes):
                differing = ", ".join(sorted(set(node.next) ^ set(known.outcomes)))
                yield f"{node.id}: its outcomes are not those of {node.provider} ({differing})"
        if isinstance(node, Ask):
            values = [option.value for option in node.options]
            if len(values) < 2:
                yield f"{node.id}: a question needs two answers or more"
            if len(set(values)) != len(values):
                yield f"{node.id}: an answer is there twice"


def _bad_texts(tree: Tree) -> Iterator[str]:
    for where, text in _texts(tree):
        if set(text) != {"ja", "en"}:
            yield f"{where}: it needs exactly ja and en"
            continue
        if not all(words.strip() for words in text.values()):
            yield f"{where}: a text is empty"
        try:
            names = [placeholders(words) for words in text.values()]
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        if names[0] != names[1]:
            yield f"{where}: ja and en have different placeholders"
    for node in tree.nodes.values():
        if isinstance(node, Ask):
            for option in node.options:
                if any(len(words) > LABEL_LIMIT for words in option.label.values()):
                    yield f"{node.id}: the label of {option.value} is longer than {LABEL_LIMIT}"


def _texts(tree: Tree) -> Iterator[tuple[str, Text]]:
    for entry in tree.entries.values():
        yield f"{entry.id}: title", entry.title
    for node in tree.nodes.values():
        if isinstance(node, Ask):
            yield f"{node.id}: question", node.question
            for option in node.options:
                yield f"{node.id}: label of {option.value}", option.label
        elif isinstance(node, Leaf):
            for part, text in zip(("likely", "check", "do", "otherwise"), node.texts, strict=True):
                yield f"{node.id}: {part}", text


def _cycles(tree: Tree) -> list[str]:
    done: set[str] = set()
    found: list[str] = []

    def visit(node: str, path: tuple[str, ...]) -> None:
        if node in path:
            found.append(f"{node}: a cycle, {' > '.join((*path[path.index(node) :], node))}")
            return
        if node in done:
            return
        for _, target in edges(tree.nodes[node]):
            visit(target, (*path, node))
        done.add(node)

    for node in tree.nodes:
        visit(node, ())
    return found


def _unreached(tree: Tree) -> Iterator[str]:
    reached: set[str] = set()
    waiting = [entry.start for entry in tree.entries.values()]
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting.extend(target for _, target in edges(tree.nodes[node]))
    for node in tree.nodes:
        if node not in reached:
            yield f"{node}: nothing leads to it"


def _not_gathered(tree: Tree, providers: Mapping[str, Provider], general: frozenset[str]) -> Iterator[str]:
    """Texts that use an argument which some way to them has not gathered."""
    gathered: dict[str, frozenset[str]] = {}
    for entry in tree.entries.values():
        gathered[entry.start] = frozenset()
    changed = True
    while changed:  # the greatest fixed point of "on every way", small trees
        changed = False
        for node in tree.nodes.values():
            have = gathered.get(node.id)
            if have is None:
                continue
            for outcome, target in edges(node):
                gives = providers[node.provider].outcomes[outcome] if isinstance(node, Look) else frozenset()
                arriving = have | gives
                new = arriving if target not in gathered else gathered[target] & arriving
                if gathered.get(target) != new:
                    gathered[target] = new
                    changed = True
    for node in tree.nodes.values():
        texts: tuple[Text, ...] = ()
        if isinstance(node, Leaf):
            texts = node.texts
        elif isinstance(node, Ask):
            texts = (node.question,)
        used = frozenset(name for text in texts for words in text.values() for name in placeholders(words))
        missing = used - general - gathered.get(node.id, frozenset())
        if missing:
            yield f"{node.id}: {', '.join(sorted(missing))} is used before any look gathered it"


def paths(tree: Tree, entry: str) -> Iterator[tuple[tuple[tuple[str, str], ...], Leaf]]:
    """Every way from an entry: ((node, outcome or answer), …) and the leaf at its end."""

    def follow(
        node: Node, so_far: tuple[tuple[str, str], ...]
    ) -> Iterator[tuple[tuple[tuple[str, str], ...], Leaf]]:
        if isinstance(node, Leaf):
            yield so_far, node
            return
        for outcome, target in edges(node):
            yield from follow(tree.nodes[target], (*so_far, (node.id, outcome)))

    yield from follow(tree.nodes[tree.entries[entry].start], ())
