"""The tree's linter, the walk, and the shipped tree: every leaf by a real way, every text in bounds."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.content.faq_loader import entry_ids, load_tree
from bot.content.faq_text import render
from bot.domain.faq import Ask, Entry, Evidence, Leaf, Look, Node, Option, Provider, Tree, lint, walk
from bot.ports import Match
from bot.usecases.ask import Asker
from bot.usecases.evidence import GENERAL, PROVIDERS
from bot.usecases.evidence_context import SupportNow
from tests.unit.dns_facts import NOW
from tests.unit.faq_contexts import CONTEXTS

GOLDEN = Path(__file__).parents[1] / "data" / "faq-golden.tsv"
SHIPPED = load_tree()
LEAVES = sorted(node.id for node in SHIPPED.nodes.values() if isinstance(node, Leaf))

T = {"ja": "文", "en": "text"}
SEES = {"eye": Provider({"open": frozenset({"what"}), "shut": frozenset(), "unknown": frozenset()})}


def leaf(name: str, text: Mapping[str, str] = T) -> Leaf:
    return Leaf(name, text, T, T, T)


def ask(name: str, *to: str) -> Ask:
    return Ask(name, T, tuple(Option(f"v{i}", T, target) for i, target in enumerate(to)))


def tree(*nodes: Node, start: str = "e/a") -> Tree:
    return Tree({"e": Entry("e", T, start)}, {node.id: node for node in nodes})


def look(**to: str) -> Look:
    return Look("e/a", "eye", to)


GOOD = tree(look(open="e/x", shut="e/q", unknown="e/q"), leaf("e/x"), ask("e/q", "e/x", "e/y"), leaf("e/y"))


def test_a_sound_tree_has_no_problems() -> None:
    assert lint(GOOD, SEES, frozenset()) == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (tree(ask("e/a", "e/x", "e/gone"), leaf("e/x")), "e/gone"),
        (tree(leaf("e/x")), "starts at e/a"),
        (tree(look(open="e/x", shut="e/x"), leaf("e/x")), "unknown"),
        (tree(look(open="e/x", shut="e/x", unknown="e/x", ajar="e/x"), leaf("e/x")), "ajar"),
        (tree(Look("e/a", "nose", {"unknown": "e/x"}), leaf("e/x")), "nose"),
        (tree(ask("e/a", "e/x", "e/b"), ask("e/b", "e/a", "e/x"), leaf("e/x")), "cycle"),
        (tree(leaf("e/a"), leaf("e/lost")), "e/lost: nothing leads to it"),
        (tree(leaf("e/a", {"ja": "文"})), "ja and en"),
        (tree(leaf("e/a", {"ja": "文", "en": " "})), "empty"),
        (tree(leaf("e/a", {"ja": "{x}", "en": "x"})), "different placeholders"),
        (tree(leaf("e/a", {"ja": "{x", "en": "x"})), "e/a: likely"),
        (tree(ask("e/a", "e/x"), leaf("e/x")), "two answers"),
        (
            tree(
                Ask("e/a", T, (Option("v", T, "e/x"), Option("v", T, "e/x"))),
                leaf("e/x"),
            ),
            "twice",
        ),
        (
            tree(
                Ask("e/a", T, (Option("v", {"ja": "あ" * 76, "en": "x"}, "e/x"), Option("w", T, "e/x"))),
                leaf("e/x"),
            ),
            "longer than 75",
        ),
        (
            tree(look(open="e/x", shut="e/x", unknown="e/x"), leaf("e/x", {"ja": "{what}", "en": "{what}"})),
            "what is used before any look gathered it",
        ),
    ],
)
def test_each_fault_is_named(broken: Tree, said: str) -> None:
    problems = lint(broken, SEES, frozenset())
    assert any(said in problem for problem in problems), problems


def test_what_a_look_gathered_may_be_used_behind_it() -> None:
    uses = {"ja": "{what} {domain}", "en": "{what} {domain}"}
    sound = tree(look(open="e/x", shut="e/y", unknown="e/y"), leaf("e/x", uses), leaf("e/y"))
    assert lint(sound, SEES, frozenset({"domain"})) == []


def test_walk_takes_the_branch_of_the_evidence_and_shows_it() -> None:
    at = walk(GOOD, "e", {}, lambda _: Evidence("open", {"what": "x"}))
    assert at.node.id == "e/x"
    assert [(visit.node, visit.outcome, visit.provider) for visit in at.trail] == [("e/a", "open", "eye")]
    assert at.args == {"what": "x"}


def test_walk_asks_where_the_evidence_is_unknown_or_strange() -> None:
    for outcome in ("unknown", "never heard of"):
        at = walk(GOOD, "e", {}, lambda _, o=outcome: Evidence(o))  # type: ignore[misc]
        assert isinstance(at.node, Ask)
    answered = walk(GOOD, "e", {"e/q": "v1"}, lambda _: Evidence("unknown"))
    assert answered.node.id == "e/y"
    strange = walk(GOOD, "e", {"e/q": "v9"}, lambda _: Evidence("unknown"))
    assert strange.node.id == "e/q"


# --- what is shipped -------------------------------------------------------------------------------


def test_the_shipped_tree_is_sound() -> None:
    assert lint(SHIPPED, PROVIDERS, GENERAL) == []


def test_every_entry_of_the_procedure_is_there() -> None:
    assert set(entry_ids()) == {
        "spam-not-judged",
        "no-mail-from-outside",
        "still-on-old-service",
        "old-provider-senders-only",
        "carrier-not-receiving",
        "log-missing",
        "spam-before-cutover",
        "is-cutover-needed",
        "when-to-cut",
        "support-hours",
        "why-lower-ttl",
        "how-to-check-ttl",
        "cannot-change-ttl",
        "restore-ttl",
        "dns-host",
        "which-mx-host",
        "admin-menu-missing",
        "delivery-server-not-listed",
        "zip-virus-check",
        "spf-record",
        "mail-loop",
        "delivery-delay",
        "duplicate-mail",
        "partly-on-old-service",
        "false-positive",
        "some-recipients-unknown",
        "tenant-rejects",
        "rollback",
        "unclear",
    }


class Never:
    def match(self, text: str) -> Match:
        return Match("none")


ASKER = Asker(SHIPPED, Never())


def reached() -> dict[str, tuple[str, str, str]]:
    """The first way found to each leaf, from its own entry where there is one, by really clicking."""
    found: dict[str, tuple[str, str, str]] = {}
    own: dict[str, tuple[str, str, str]] = {}
    for entry in SHIPPED.entries:
        for name in CONTEXTS:
            waiting: deque[tuple[str, ...]] = deque([()])
            while waiting:
                clicks = waiting.popleft()
                node = click(entry, name, clicks)
                if isinstance(node, Leaf):
                    way = (entry, name, " ".join(clicks))
                    found.setdefault(node.id, way)
                    if node.id.startswith(entry + "/"):
                        own.setdefault(node.id, way)
                else:
                    waiting.extend((*clicks, f"{node.id}={option.value}") for option in node.options)
    return {**found, **own}


def click(entry: str, name: str, clicks: tuple[str, ...]) -> Ask | Leaf:
    result = ASKER.open(entry, CONTEXTS[name])
    for value in clicks:
        result = ASKER.answer(result.place, value, CONTEXTS[name])
    node = SHIPPED.nodes[str(result.view["node"])]
    assert isinstance(node, Ask | Leaf)
    assert result.finished == isinstance(node, Leaf)
    return node


def golden() -> list[tuple[str, str, str, tuple[str, ...]]]:
    rows = []
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            node, entry, name, *clicks = line.split("\t")
            rows.append((node, entry, name, tuple(clicks[0].split()) if clicks else ()))
    return rows


@pytest.mark.parametrize(("node", "entry", "name", "clicks"), golden())
def test_each_leaf_has_its_golden_path(node: str, entry: str, name: str, clicks: tuple[str, ...]) -> None:
    assert click(entry, name, clicks).id == node


def test_every_question_can_be_answered_by_somebody_who_does_not_know() -> None:
    asks = [node for node in SHIPPED.nodes.values() if isinstance(node, Ask)]
    assert [node.id for node in asks if "not_sure" not in {o.value for o in node.options}] == []


@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_names_the_log_by_its_whole_path_and_a_check_by_its_command(name: str) -> None:
    leaf = SHIPPED.nodes[name]
    assert isinstance(leaf, Leaf)
    for lang in ("ja", "en"):
        words = "\n".join(text[lang] for text in leaf.texts)
        assert words.count("送受信ログ") == words.count("ログ閲覧 > 送受信ログ")
        assert "`check`" not in words


def test_before_the_cutover_nobody_is_told_to_remove_the_allow_rule() -> None:
    """F2: it protects mail between customers of the system until the MX is changed."""
    result = ASKER.open("spam-not-judged", CONTEXTS["before"])
    assert result.view["node"] == "spam-not-judged/not_yet"
    assert "残して" in render(result.view, "ja").body
    early = ASKER.open("spam-not-judged", CONTEXTS["not_changed"])  # the day has come
    assert early.view["node"] == "spam-not-judged/rule_left"


def test_an_mx_that_was_seen_right_is_not_suspected() -> None:
    for name, leaf in (("safe", "not_reached"), ("watching", "wait")):
        result = ASKER.open("no-mail-from-outside", CONTEXTS[name])
        result = ASKER.answer(result.place, "no-mail-from-outside/ask_log=none", CONTEXTS[name])
        assert str(result.view["node"]).endswith("/" + leaf)
        shown = render(result.view, "ja").evidence
        assert len(shown) == len(set(shown))


def test_a_leaf_is_filled_with_the_cutovers_own_names() -> None:
    result = ASKER.open("tenant-rejects", CONTEXTS["watching"])
    body = render(result.view, "ja", lambda value: value.replace(">", "&gt;")).body
    assert "Exchange 管理センター &gt; メール フロー &gt; コネクタ" in body
    assert "Google" not in body  # this cutover's mail service is Microsoft 365
    closed = ASKER.open("mail-loop", replace(CONTEXTS["watching"], support=SupportNow(False, NOW)))
    assert "いまは受付時間外で、次は12月5日(土)" in render(closed.view, "ja").body


def test_no_leaf_is_without_a_golden_path() -> None:
    assert sorted({row[0] for row in golden()}) == LEAVES


def test_every_text_fits_a_message_and_leaves_no_placeholder() -> None:
    for entry in SHIPPED.entries:
        for name in CONTEXTS:
            for clicks in _all_clicks(entry, name):
                result = ASKER.open(entry, CONTEXTS[name])
                for value in clicks:
                    result = ASKER.answer(result.place, value, CONTEXTS[name])
                for lang in ("ja", "en"):
                    text = render(result.view, lang, lambda value: value.replace("<", "&lt;"))
                    assert len(text.plain) < 2000, (entry, name, clicks)
                    assert "{" not in text.plain and "}" not in text.plain
                    assert "mg.cybermail.jp" not in text.plain
                    assert all(len(option.label) <= 75 for option in text.options)
                    assert all(len(option.value) <= 150 for option in text.options)


def _all_clicks(entry: str, name: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    waiting: deque[tuple[str, ...]] = deque([()])
    while waiting:
        clicks = waiting.popleft()
        found.append(clicks)
        node = click(entry, name, clicks)
        if isinstance(node, Ask):
            waiting.extend((*clicks, f"{node.id}={option.value}") for option in node.options)
    return found
