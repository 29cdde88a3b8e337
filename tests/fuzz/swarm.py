"""The long run: inputs made by mutation, some thousands a second, where Hypothesis makes a hundred.

`python -m tests.fuzz.swarm [inputs] [parser …]` prints a line a parser: how many, how long, the slowest.
A failure prints the seed and the input, and ends with 1.
"""

import logging
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from bot.dns.message import BadMessage, read_message
from bot.domain.commands import parse_command
from bot.domain.mailtext import read_mail
from bot.domain.mta_sts import BadPolicy, parse_policy, policy_id
from bot.domain.names import BadName, canonical
from bot.domain.notice import BadNotice, parse_mx
from bot.domain.replies import read_new_day, understand
from bot.domain.spf import parse_spf
from bot.domain.when import parse_when
from bot.slack.elements import context, escape, header, sections
from bot.workspace.validate import MESSAGE, check_blocks
from tests.fuzz.harness import HOSTILE, SLOWEST, WORDS
from tests.fuzz.test_fuzz_slack import SAMPLES, changed
from tests.fuzz.test_fuzz_slack import read as read_payload
from tests.fuzz.test_fuzz_words import DAY, MATCHER, NOW, RULES, TOKYO

Make = Callable[[random.Random], Any]


@dataclass(frozen=True, slots=True)
class Parser:
    """One target: what makes an input, and what reads it. Anything it raises is a failure."""

    name: str
    make: Make
    read: Callable[[Any], object]


def text_of(*pools: Sequence[str], longest: int = 40_000) -> Make:
    """Pieces of the pools and random characters, cut, doubled, swapped; one in thirty is very long."""
    pool = [piece for some in pools for piece in some]

    def make(chance: random.Random) -> str:
        parts = [
            chance.choice(pool) if chance.random() < 0.85 else chr(_point(chance))
            for _ in range(chance.randrange(1, 14))
        ]
        text = chance.choice(("", "", " ", "\n")).join(parts)
        for _ in range(chance.randrange(3)):
            at, to = sorted((chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)))
            match chance.randrange(4):
                case 0:
                    text = text[:at] + text[to:]
                case 1:
                    text = text[:to] + text[at:]
                case 2:
                    text = text[:at] + chr(_point(chance)) + text[at:]
                case _:
                    text = text[:at] + text[at:to].swapcase() + text[to:]
        if chance.randrange(30) == 0 and text:
            text = (text[:40] * chance.randrange(1, 4000))[: longest - 10] + chance.choice(pool)
        return text[:longest]

    return make


def _point(chance: random.Random) -> int:
    return chance.choice(
        (chance.randrange(128), chance.randrange(0x3000, 0xA000), chance.randrange(0x110000))
    )


def packet(chance: random.Random) -> bytes:
    """A reply as a server would write it, then spoiled here and there."""

    def name() -> bytes:
        if chance.random() < 0.4:
            return (0xC000 | chance.randrange(200)).to_bytes(2, "big")
        labels = [chance.randbytes(chance.choice((1, 3, 8, 63))) for _ in range(chance.randrange(5))]
        return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"

    counts = [chance.randrange(5) for _ in range(3)]
    body = b"\0\x07" + chance.choice((b"\x84\0", b"\x80\0", chance.randbytes(2))) + b"\0\x01"
    body += b"".join(count.to_bytes(2, "big") for count in counts) + name() + b"\0\x0f\0\x01"
    for _ in range(sum(counts)):
        kind = chance.choice((1, 2, 5, 6, 15, 16, 28, 41, 43, 46, 48, 52, chance.randrange(65536)))
        data = _record_data(kind, name, chance)
        size = len(data) if chance.random() < 0.95 else chance.randrange(65536)
        body += name() + kind.to_bytes(2, "big") + b"\0\x01" + chance.randbytes(4) + size.to_bytes(2, "big")
        body += data
    spoiled = bytearray(body)
    for _ in range(chance.choice((0, 0, 1, 4))):
        spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
    return bytes(spoiled[: chance.choice((len(spoiled), len(spoiled), chance.randrange(len(spoiled) + 1)))])


def _record_data(kind: int, name: Callable[[], bytes], chance: random.Random) -> bytes:
    match kind:
        case 1:
            return chance.randbytes(4)
        case 2 | 5:
            return name()
        case 6:
            return name() + name() + chance.randbytes(20)
        case 15:
            return chance.randbytes(2) + name()
        case 28:
            return chance.randbytes(16)
        case _:
            return chance.randbytes(chance.randrange(40))


def _reply(text: str) -> None:
    reply = understand(text, NOW, TOKYO, asked=None, day=DAY, me="U0BOT")
    assert all(part.at is None or part.at.utcoffset() is not None for part in reply.parts)


def _name(text: str) -> None:
    try:
        canonical(text, RULES)
    except BadName as bad:
        for value in bad.args_for_text.values():
            value.encode()


def _notice(text: str) -> None:
    with suppress(BadNotice):
        parse_mx(text, RULES, "example.co.jp")


def _packet(packet: bytes) -> None:
    with suppress(BadMessage):
        read_message(packet)


def _policy(text: str) -> None:
    with suppress(BadPolicy):
        parse_policy(text)


def payload(chance: random.Random) -> Any:
    """What Slack delivers, some places of it replaced or taken away; now and then of no shape at all."""
    if chance.random() < 0.05:
        return _tree(chance)
    edits = [
        (chance.randrange(60), _tree(chance), chance.random() < 0.4) for _ in range(chance.randrange(1, 5))
    ]
    return changed(chance.choice(SAMPLES), edits)


def _tree(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(14 if depth < 3 else 11)
    match kind:
        case 0:
            return None
        case 1:
            return chance.random() < 0.5
        case 2:
            return chance.choice((0, -1, 2**70, 1e308, 0.5))
        case 3:
            return "x" * chance.choice((1, 4000, 70_000))
        case 4:
            return chance.choice(({}, [], [None], [{}], {"id": None}))
        case 11 | 12:
            return [_tree(chance, depth + 1) for _ in range(chance.randrange(4))]
        case 13:
            return {
                chance.choice(("id", "type", "value", "x", "", "\ud800")): _tree(chance, depth + 1)
                for _ in range(chance.randrange(4))
            }
        case _:
            return chance.choice(HOSTILE)


def _shown(text: str) -> None:
    """Foreign text on its way into a message: escaped, within Slack's limits."""
    shown = escape(text)
    assert not set(shown) & set("<>`\x00\u202e\u2066\u200b\x1b")
    blocks = [header(shown or "x"), *sections(f"{shown}\n{shown}")[:4], context(shown or "x")]
    assert not [str(fault) for fault in check_blocks(blocks, MESSAGE) if "13000" not in str(fault)]


SPF = (
    "v=spf1", "mx", "a", "-all", "~all", "include:", "redirect=", "exp=", "ip4:", "ip6:", "exists:%{i}.x.jp",
    "9" * 5000, "/", "//", "²", "192.0.2.1/24", "/24//64", "//129", "example.jp", "%{d}", "%", "%{ir}.%{v}",
    "::1/", "=", ":", " ", ".", "a.",
)  # fmt: skip
POLICY = (
    "version: STSv1\r\n", "mode: enforce\r\n", "mx: *.example.jp\r\n", "max_age: 86400\r\n", "max_age: 9e9\n",
    "mx:", ":", "\n", " ", "STSv1", "*.", "v=STSv1; id=", ";", "id=20261201",
)  # fmt: skip
MAIL = (
    "Received: from a.example (a.example [192.0.2.1])\n\tby mgf.cybermail.jp; ",
    "Tue, 1 Dec 2026 10:00:00 +0900\n",
    "Authentication-Results: mx.example; spf=fail smtp.mailfrom=a@b; dkim=pass; dmarc=fail\n",
    "Subject: =?utf-8?B?", "550 5.1.1 <a@b>: User unknown", "Status: 5.7.1\n", "Diagnostic-Code: smtp; 550 ",
    "Final-Recipient: rfc822; a@b\n", "Content-Type: multipart/report; boundary=\"x\"\n\n--x\n", "\n", "\n\n",
    " ", "\t", ":", ";", "> ", "&gt; ", "```", "X-MailGates: ", "Return-Path: <>\n",
    "From: =?iso-2022-jp?B?GyRC?= <a@b>\n", "; " * 50, "(" * 200, "=?" * 100,
)  # fmt: skip
NAMES = (
    "example.co.jp", "xn--", "xn--wgv71a119e", "日本語", "。", "．", ".", "-", "_", "@", "https://", "ー",
    "а", "ß", "\u200d", "<http://example.jp|example.jp>", "10", "MX", "IN", "mgf.cybermail.jp.", "　", "\n",
    "*", "a" * 63, "10 mgf.cybermail.jp.\n", " ", "優先度", "²", "9" * 5000, "65536",
)  # fmt: skip

PARSERS = (
    Parser("commands", text_of(WORDS, HOSTILE), parse_command),
    Parser("replies", text_of(WORDS, HOSTILE), _reply),
    Parser(
        "new days",
        text_of(WORDS, HOSTILE),
        lambda text: read_new_day(text, NOW, TOKYO, day=DAY, lang="ja"),
    ),
    Parser("times", text_of(WORDS), lambda text: parse_when(text, NOW, TOKYO, lang="en")),
    Parser("names", text_of(NAMES, HOSTILE), _name),
    Parser("notices", text_of(NAMES, HOSTILE), _notice),
    Parser("questions", text_of(WORDS, HOSTILE), MATCHER.match),
    Parser("pasted mail", text_of(MAIL, HOSTILE), lambda text: read_mail(text, ("mail.old.example.",))),
    Parser("packets", packet, _packet),
    Parser("spf", lambda chance: "v=spf1 " + text_of(SPF)(chance), parse_spf),
    Parser("mta-sts policies", text_of(POLICY, HOSTILE), _policy),
    Parser("payloads", payload, read_payload),
    Parser("foreign text", text_of(WORDS, HOSTILE), _shown),
    Parser("mta-sts records", lambda chance: [text_of(POLICY)(chance) for _ in range(2)], policy_id),
)


def run(parser: Parser, inputs: int, seed: int) -> str | None:
    """A line about how it went on standard output; what went wrong, or None."""
    chance = random.Random(seed)
    slowest, began = 0.0, time.monotonic()
    for number in range(inputs):
        given = parser.make(chance)
        try:
            took = min(_timed(parser, given, tries=1), SLOWEST * 10)
            if took > SLOWEST:
                took = _timed(parser, given, tries=3)
        except Exception as error:
            return f"{parser.name}: seed {seed}, input {number}: {error!r} for {given!r:.300}"
        slowest = max(slowest, took)
        if took > SLOWEST:
            return f"{parser.name}: seed {seed}, input {number}: {took * 1000:.0f} ms for {given!r:.300}"
    seconds = time.monotonic() - began
    print(f"{parser.name}: {inputs} inputs in {seconds:.0f} s, slowest {slowest * 1000:.1f} ms", flush=True)
    return None


def _timed(parser: Parser, given: Any, tries: int) -> float:
    """Seconds of processor time, the least of `tries`."""
    best = float("inf")
    for _ in range(tries):
        before = time.process_time()
        parser.read(given)
        best = min(best, time.process_time() - before)
    return best


def main(words_: Sequence[str]) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    inputs = int(words_[0]) if words_ else 100_000
    wanted = set(words_[1:])
    seed = random.SystemRandom().randrange(1 << 32)
    wrong = [
        fault
        for parser in PARSERS
        if not wanted or parser.name in wanted
        if (fault := run(parser, inputs, seed)) is not None
    ]
    for fault in wrong:
        print(fault)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
