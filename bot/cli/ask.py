"""`mxcutover ask`: the FAQ without Slack, one question or a file of them."""

import asyncio
import codecs
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.content import LANGUAGES, say
from bot.content.faq_loader import load_tree
from bot.content.faq_text import FaqText, render
from bot.matching import default_matcher
from bot.settings import Settings
from bot.usecases.ask import ANSWER, CHOOSE, NONE, Asker, AskResult, guess_lang
from bot.usecases.evidence_context import EvidenceContext

OK, BAD_USAGE = 0, 2
LOOK_WITHIN = 12.0  # seconds; after that the answer is a general one


@dataclass(frozen=True, slots=True)
class AskCommand:
    """What was typed. `batch`: a file of questions, one a line; "-" is standard input."""

    text: str | None = None
    batch: str | None = None
    lang: str | None = None
    domain: str | None = None
    as_json: bool = False


def run(command: AskCommand) -> int:
    """Print the answers; the exit code: 0, or 2 for bad usage, which is explained on standard error."""
    lang = command.lang or guess_lang(command.text or "")
    if command.lang is not None and command.lang not in LANGUAGES:
        return _refuse(say("faq.cli.lang", "en", given=command.lang))
    if (command.text is None) == (command.batch is None):
        return _refuse(say("faq.cli.one-of", lang))
    try:
        questions = [command.text] if command.text is not None else _lines(str(command.batch))
    except OSError as error:
        return _refuse(say("faq.cli.unreadable", lang, file=str(command.batch), reason=str(error)))
    context = EvidenceContext(now=SystemClock().now())
    if command.domain is not None:
        looked = _look(command.domain, lang)
        if isinstance(looked, str):
            return _refuse(looked)
        context = looked
    asker = Asker(load_tree(), default_matcher())
    for question in questions:
        spoken = command.lang or guess_lang(question)
        result = asker.ask(question, context)
        text = render(result.view, spoken)
        if command.as_json:
            print(json.dumps(as_json(result, text), ensure_ascii=False))
        else:
            print(_plain(text))
    return OK


def as_json(result: AskResult, text: FaqText) -> dict[str, Any]:
    """The contract's line. A clarifying question is "none": no entry is claimed, the question is the text."""
    decision = result.decision if result.decision in (ANSWER, CHOOSE) else NONE
    return {
        "decision": decision,
        "entry": result.entry if decision == ANSWER else None,
        "candidates": [{"entry": c.entry, "score": c.score} for c in result.candidates],
        "text": _plain(text),
    }


def _lines(file: str) -> list[str]:
    """One question a line, blank ones too: the answers stand in the same order.

    Raises OSError, for what is no text too.
    """
    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    if b"\0" in raw:
        raise OSError("no text in UTF-8 or Shift_JIS")
    lines = raw.removeprefix(codecs.BOM_UTF8).split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [_decoded(line.removesuffix(b"\r")) for line in lines]


def _decoded(line: bytes) -> str:
    """UTF-8, else what Windows writes in Japan; what is neither is read as far as it can be."""
    for encoding in ("utf-8", "cp932"):
        with suppress(UnicodeDecodeError):
            return line.decode(encoding)
    return line.decode("utf-8", "replace")


def _plain(text: FaqText) -> str:
    """Without Slack's marks, with the buttons as lines."""
    words = re.sub(r"\*([^*\n]+)\*", r"\1", text.plain).replace("```", "\n").replace("`", "")
    return "\n".join(_squeezed([*words.splitlines(), *(f"  - {o.label}" for o in text.options)]))


def _squeezed(lines: Iterable[str]) -> Iterator[str]:
    """No two empty lines in a row."""
    empty = True
    for line in lines:
        if line.strip() or not empty:
            yield line.rstrip()
        empty = not line.strip()


def _look(typed: str, lang: str) -> EvidenceContext | str:
    """What DNS says of the domain now, or why it cannot be asked about."""
    from bot.content.hosts import recognise
    from bot.content.refusals import refusal
    from bot.dns.client import DnsClient
    from bot.dns.config import BadEndpoint, DnsConfig, parse_endpoints
    from bot.dns.idn import TableRules
    from bot.domain.checks import Expectation, judge
    from bot.domain.names import BadName, canonical

    clock = SystemClock()
    settings = Settings()
    try:
        domain = canonical(typed, TableRules()).ascii
        config = DnsConfig(
            resolvers=parse_endpoints(settings.resolvers),
            nameservers=parse_endpoints(settings.nameservers),
        )
    except BadName as bad:
        return refusal("name", bad.reason, bad.args_for_text, lang)
    except BadEndpoint as bad:
        return str(bad)

    async def look() -> EvidenceContext:
        try:
            facts = await asyncio.wait_for(DnsClient(config, clock).look(domain), LOOK_WITHIN)
        except TimeoutError:
            return EvidenceContext(now=clock.now(), domain=domain)
        now = clock.now()
        host = recognise(facts.nameservers)
        return EvidenceContext(
            now=now,
            domain=domain,
            facts=facts,
            findings=judge(facts, Expectation(now=now)),
            dns_host=host.id if host else None,
            can_lower_ttl=host.can_lower_ttl if host else None,
        )

    return asyncio.run(look())


def _refuse(text: str) -> int:
    print(text, file=sys.stderr)
    return BAD_USAGE
