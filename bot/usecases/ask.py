"""Questions: which FAQ entry is meant, what the evidence says, and what is to be asked or answered next.

Pure but for the matcher. A `view` is JSON-able: it is kept in an outbox row and rendered when it is sent
(`bot.content.faq_text.render`). A `place` is JSON-able too: a row of ports.Places.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.domain.faq import Ask, Evidence, Position, Tree, walk
from bot.domain.mailtext import Reading, from_json, read_mail
from bot.domain.spoken import Said, about, changed_mind, closely, exactly, number_in
from bot.ports import Candidate, Match, Matcher
from bot.usecases.evidence import general_args, look
from bot.usecases.evidence_context import EvidenceContext

ANSWER = "answer"
CHOOSE = "choose"
NONE = "none"
CLARIFY = "clarify"

CLARIFY_ENTRY = "unclear"  # the entry that asks the one question about a bare 届かない
_ENTRY = "entry="
_NOTHING_FITS = "entry=none"
_CANDIDATES = 3
_VERY_CLOSE = 0.6  # so like an option that it is no other question
_DELAY = "delivery-delay"
_OF_A_GOOD_MAIL = (_DELAY, "false-positive", "duplicate-mail")  # what headers may be pasted for
_OF_A_BOUNCE = ("no-mail-from-outside", "some-recipients-unknown", "tenant-rejects")
READ_AT_MOST = 20_000  # characters of a question or a paste

_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")


def guess_lang(text: str) -> str:
    """ja where there is any Japanese letter, else en."""
    return "ja" if _JAPANESE.search(text) else "en"


@dataclass(frozen=True, slots=True)
class AskResult:
    """What is to be said. `view` is what to render, `place` what to keep for the next click (None: drop it).

    `sure`: said with enough confidence to speak unasked in one of the bot's own threads.
    """

    decision: str
    view: Mapping[str, Any]
    entry: str | None = None
    place: Mapping[str, Any] | None = None
    candidates: tuple[Candidate, ...] = ()
    finished: bool = True  # False: a question is open, its options are in the rendered text
    sure: bool = field(default=False)
    in_words: bool = field(default=False)  # it answered the tree's own question, or spoke of the answer
    unfit: bool = field(default=False)  # the person said that what was answered does not fit


class Asker:
    """Answers questions from one tree with one matcher; holds no state of its own."""

    def __init__(self, tree: Tree, matcher: Matcher) -> None:
        self._tree = tree
        self._matcher = matcher

    @property
    def tree(self) -> Tree:
        return self._tree

    def ask(
        self, question: str, context: EvidenceContext, place: Mapping[str, Any] | None = None
    ) -> AskResult:
        """Answer a question as somebody typed it, or a pasted bounce or header. Never raises on text.

        `place`: where this person's conversation stands, for words that answer or correct what was said.
        """
        mail = read_mail(question[:READ_AT_MOST], _old_exchanges(context))
        if place is not None and mail is None and (said := self.in_words(place, question, context)):
            return said
        if mail is not None and (mail.entry or not mail.bounce):
            return self._pasted(mail, replace(context, mail=mail))
        match = self._matcher.match(question[:READ_AT_MOST])
        if mail is not None:
            # A bounce of no known kind, or a long tale about one: its words decide, as a question's do.
            context = replace(context, mail=mail)
            if match.decision in (NONE, CLARIFY):
                return self._offered(mail, _OF_A_BOUNCE)
        if place is not None and mail is None and (said := self._roughly(place, question, context, match)):
            return said
        if match.decision == ANSWER and match.candidates:
            return self._at(match.candidates[0].entry, {}, context, match)
        if match.decision == CLARIFY:
            return self._at(CLARIFY_ENTRY, {}, context, self._clarified(match), decision=CLARIFY)
        if match.decision == CHOOSE and match.candidates:
            entries = [c.entry for c in match.candidates if c.entry in self._tree.entries][:_CANDIDATES]
            return AskResult(
                CHOOSE,
                {"decision": CHOOSE, "candidates": entries},
                place={"entry": "", "answers": {}, "choices": entries},
                candidates=match.candidates,
                finished=False,
            )
        return AskResult(NONE, {"decision": NONE}, candidates=match.candidates)

    def in_words(
        self, place: Mapping[str, Any], text: str, context: EvidenceContext, *, numbers: bool = True
    ) -> AskResult | None:
        """Words that plainly belong to the conversation: an option by its name, "none of these", "back"."""
        context, entry, answers = _standing(place, context)
        asked = self._asked(place)
        said = about(text)
        if said is Said.NOT_THIS and not asked.open_options(text, numbers=False):
            return self._unfit(place)
        if said is Said.BACK and answers:
            answers.popitem()
            return replace(self._at(entry, answers, context), in_words=True, sure=True)
        choices = [name for name in place.get("choices", ()) if name in self._tree.entries]
        if numbers and choices and (number := number_in(text)) and number <= len(choices):
            return replace(self._at(choices[number - 1], {}, context), in_words=True, sure=True)
        for ask in asked.nodes(everything=changed_mind(text)):
            option = exactly(ask, text, numbers=numbers)
            if option is not None:
                return self._chosen(entry, answers, ask, option.value, context)
        return None

    def _roughly(
        self, place: Mapping[str, Any], text: str, context: EvidenceContext, match: Match
    ) -> AskResult | None:
        """Words like an option's, unless they are plainly another question; else the question once more."""
        asked = self._asked(place)
        context, entry, answers = _standing(place, context)
        another = match.decision == ANSWER and bool(match.candidates) and match.candidates[0].entry != entry
        for ask in asked.nodes(everything=changed_mind(text)):
            near = closely(ask, text)
            if near is not None and (not another or near[1] >= _VERY_CLOSE):
                return self._chosen(entry, answers, ask, near[0].value, context)
        if asked.open is None or match.decision != NONE:
            return None
        again = self._at(entry, answers, context)
        return replace(again, view={**again.view, "again": True}, in_words=True, sure=False)

    def _chosen(
        self, entry: str, answers: Mapping[str, str], ask: Ask, choice: str, context: EvidenceContext
    ) -> AskResult:
        kept = dict(answers)
        if ask.id in kept:  # what was answered after it is asked again, where it still matters
            ids = list(kept)
            kept = {node: kept[node] for node in ids[: ids.index(ask.id)]}
        return replace(self._at(entry, {**kept, ask.id: choice}, context), in_words=True, sure=True)

    def _unfit(self, place: Mapping[str, Any]) -> AskResult:
        """What was answered does not fit: the other candidates, or the list."""
        others = [name for name in place.get("others", ()) if name in self._tree.entries]
        if not others:
            return AskResult(NONE, {"decision": NONE}, in_words=True, unfit=True, sure=True)
        candidates = tuple(Candidate(name, 0.0) for name in others)
        return AskResult(
            CHOOSE,
            {"decision": CHOOSE, "candidates": others},
            place={"entry": "", "answers": {}, "choices": others},
            candidates=candidates,
            finished=False,
            in_words=True,
            unfit=True,
            sure=True,
        )

    def is_open(self, place: Mapping[str, Any]) -> bool:
        """Whether a question, or a choice, waits for its answer."""
        return self._asked(place).open is not None or bool(place.get("choices"))

    def _asked(self, place: Mapping[str, Any]) -> "_Asked":
        nodes = self._tree.nodes
        current = nodes.get(str(place.get("node")))
        before = [node for name in place.get("answers", {}) if isinstance(node := nodes.get(name), Ask)]
        return _Asked(current if isinstance(current, Ask) else None, tuple(reversed(before)))

    def _pasted(self, mail: Reading, context: EvidenceContext) -> AskResult:
        if mail.entry is not None:
            others = (_DELAY,) if mail.slowest is not None and mail.entry != _DELAY else ()
            match = Match(ANSWER, (Candidate(mail.entry, 1.0), *(Candidate(entry, 0.0) for entry in others)))
            return self._at(mail.entry, {}, context, match)
        return self._offered(mail, _OF_A_GOOD_MAIL)

    def _offered(self, mail: Reading, entries: tuple[str, ...]) -> AskResult:
        """What a mail may have been pasted for, to choose from."""
        found = tuple(Candidate(entry, 0.0) for entry in entries if entry in self._tree.entries)
        view = {"decision": CHOOSE, "candidates": [c.entry for c in found], "mail": _mail_view(mail)}
        place = {"entry": "", "answers": {}, "mail": mail.as_json()}
        return AskResult(CHOOSE, view, place=place, candidates=found, finished=False)

    def _clarified(self, match: Match) -> Match:
        """The candidates of a clarifying question are the entries that it offers."""
        start = self._tree.nodes.get(self._tree.entries[CLARIFY_ENTRY].start)
        scores = {c.entry: c.score for c in match.candidates}
        offered = (
            [option.next.partition("/")[0] for option in start.options] if isinstance(start, Ask) else []
        )
        found = [Candidate(entry, scores.get(entry, 0.0)) for entry in offered[:_CANDIDATES]]
        return Match(CLARIFY, tuple(found))

    def open(self, entry: str, context: EvidenceContext) -> AskResult:
        """Start at an entry that somebody picked. An unknown one gives NONE."""
        return self._at(entry, {}, context)

    def answer(
        self,
        place: Mapping[str, Any] | None,
        value: str,
        context: EvidenceContext,
        told: Mapping[str, Any] | None = None,
    ) -> AskResult:
        """Go on from a click: `value` is that of the option clicked.

        `told`: the entry and the answers that the question itself was asked with. They count more than the
        place, for it may be an older question that is answered, or answered anew. A click on a question
        that the tree no longer has starts its entry again, or gives NONE.
        """
        same = told is None or (place or {}).get("entry") in ("", told.get("entry"))
        if place and place.get("mail") and context.mail is None and same:
            context = replace(context, mail=from_json(place["mail"]))
        if told is not None and told.get("entry"):
            place = told
        if value.startswith(_ENTRY):
            return self._at(value.removeprefix(_ENTRY), {}, context)
        node, _, choice = value.rpartition("=")
        entry = str((place or {}).get("entry", node.partition("/")[0]))
        answers = dict((place or {}).get("answers", {}))
        if isinstance(self._tree.nodes.get(node), Ask):
            answers[node] = choice
        return self._at(entry, answers, context)

    def _at(
        self,
        entry: str,
        answers: Mapping[str, str],
        context: EvidenceContext,
        match: Match | None = None,
        decision: str = ANSWER,
    ) -> AskResult:
        candidates = match.candidates if match else ()
        if entry not in self._tree.entries:
            return AskResult(NONE, {"decision": NONE}, candidates=candidates)
        position = walk(self._tree, entry, answers, _remembering(context))
        others = [c.entry for c in candidates if c.entry != entry and c.entry in self._tree.entries]
        asks = isinstance(position.node, Ask)
        return AskResult(
            decision,
            _view(position, context, decision, others[: _CANDIDATES - 1] if match else [], answers),
            entry=entry,
            # The mail itself is not kept: "not this?" needs what was read in it.
            place=_place(entry, answers, context, position.node.id, others),
            candidates=candidates,
            finished=not asks,
            sure=decision == ANSWER,
        )


def _remembering(context: EvidenceContext) -> Callable[[str], Evidence]:
    """A provider is asked once a walk, so that two nodes cannot see different things."""
    seen: dict[str, Evidence] = {}

    def ask(provider: str) -> Evidence:
        if provider not in seen:
            seen[provider] = look(provider, context)
        return seen[provider]

    return ask


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a conversation asked: the open question, and those answered before, the latest first."""

    open: Ask | None
    answered: tuple[Ask, ...]

    def nodes(self, *, everything: bool) -> tuple[Ask, ...]:
        """The questions that words may answer."""
        now = (self.open,) if self.open is not None else ()
        return (*now, *self.answered) if everything else now

    def open_options(self, text: str, *, numbers: bool) -> bool:
        return self.open is not None and exactly(self.open, text, numbers=numbers) is not None


def _standing(
    place: Mapping[str, Any], context: EvidenceContext
) -> tuple[EvidenceContext, str, dict[str, str]]:
    """The context with what a pasted mail showed, the entry, and the answers so far."""
    if place.get("mail") and context.mail is None:
        context = replace(context, mail=from_json(place["mail"]))
    return context, str(place.get("entry", "")), dict(place.get("answers", {}))


def _place(
    entry: str, answers: Mapping[str, str], context: EvidenceContext, node: str, others: list[str]
) -> dict[str, Any]:
    place: dict[str, Any] = {"entry": entry, "answers": dict(answers), "node": node}
    if others:
        place["others"] = others[: _CANDIDATES - 1]
    if context.mail is not None:
        place["mail"] = context.mail.as_json()
    return place


def _old_exchanges(context: EvidenceContext) -> tuple[str, ...]:
    snapshot = context.cutover.snapshot if context.cutover else None
    return tuple(sorted(mx.exchange for mx in snapshot.mx)) if snapshot else ()


def _mail_view(mail: Reading) -> dict[str, Any]:
    results = {"SPF": mail.spf, "DKIM": mail.dkim, "DMARC": mail.dmarc}
    return {
        "codes": list(mail.codes[:5]),
        "results": [f"{method} {result}" for method, result in results.items() if result],
    }


def option_value(node: str, choice: str) -> str:
    """The value of a button that gives `choice` at `node`."""
    return f"{node}={choice}"


def entry_value(entry: str | None) -> str:
    """The value of a button that picks an entry; None: none of these."""
    return _NOTHING_FITS if entry is None else _ENTRY + entry


def _view(
    position: Position,
    context: EvidenceContext,
    decision: str,
    others: list[str],
    answers: Mapping[str, str],
) -> dict[str, Any]:
    trail = [
        {
            "provider": visit.provider,
            "outcome": visit.outcome,
            "seen": visit.evidence.seen,
            "args": _jsonable(visit.evidence.args),
        }
        for visit in position.trail
        if visit.provider is not None and visit.evidence is not None
    ]
    pasted = {"mail": _mail_view(context.mail)} if context.mail is not None else {}
    return {
        **pasted,
        "decision": decision,
        "entry": position.entry.id,
        "node": position.node.id,
        "answers": dict(answers),
        "trail": trail,
        "args": _jsonable(general_args(context)),
        "others": others,
    }


def _jsonable(args: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"at": value.isoformat()} if isinstance(value, datetime) else value
        for name, value in args.items()
    }
