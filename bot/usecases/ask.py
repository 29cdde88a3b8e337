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


class Asker:
    """Answers questions from one tree with one matcher; holds no state of its own."""

    def __init__(self, tree: Tree, matcher: Matcher) -> None:
        self._tree = tree
        self._matcher = matcher

    @property
    def tree(self) -> Tree:
        return self._tree

    def ask(self, question: str, context: EvidenceContext) -> AskResult:
        """Answer a question as somebody typed it, or a pasted bounce or header. Never raises on text."""
        mail = read_mail(question[:READ_AT_MOST], _old_exchanges(context))
        if mail is not None and (mail.entry or not mail.bounce):
            return self._pasted(mail, replace(context, mail=mail))
        match = self._matcher.match(question[:READ_AT_MOST])
        if mail is not None:
            # A bounce of no known kind, or a long tale about one: its words decide, as a question's do.
            context = replace(context, mail=mail)
            if match.decision in (NONE, CLARIFY):
                return self._offered(mail, _OF_A_BOUNCE)
        if match.decision == ANSWER and match.candidates:
            return self._at(match.candidates[0].entry, {}, context, match)
        if match.decision == CLARIFY:
            return self._at(CLARIFY_ENTRY, {}, context, self._clarified(match), decision=CLARIFY)
        if match.decision == CHOOSE and match.candidates:
            entries = [c.entry for c in match.candidates if c.entry in self._tree.entries][:_CANDIDATES]
            return AskResult(
                CHOOSE,
                {"decision": CHOOSE, "candidates": entries},
                candidates=match.candidates,
                finished=False,
            )
        return AskResult(NONE, {"decision": NONE}, candidates=match.candidates)

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

    def answer(self, place: Mapping[str, Any] | None, value: str, context: EvidenceContext) -> AskResult:
        """Go on from a click: `value` is that of the option clicked.

        A click on a question that the tree no longer has starts its entry again, or gives NONE.
        """
        if place and place.get("mail") and context.mail is None:
            context = replace(context, mail=from_json(place["mail"]))
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
            _view(position, context, decision, others[: _CANDIDATES - 1] if match else []),
            entry=entry,
            # The mail itself is not kept: "not this?" needs what was read in it.
            place=_place(entry, answers, context) if asks or (context.mail and others) else None,
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


def _place(entry: str, answers: Mapping[str, str], context: EvidenceContext) -> dict[str, Any]:
    place: dict[str, Any] = {"entry": entry, "answers": dict(answers)}
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


def _view(position: Position, context: EvidenceContext, decision: str, others: list[str]) -> dict[str, Any]:
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
        "trail": trail,
        "args": _jsonable(general_args(context)),
        "others": others,
    }


def _jsonable(args: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"at": value.isoformat()} if isinstance(value, datetime) else value
        for name, value in args.items()
    }
