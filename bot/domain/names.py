"""A domain as people type it: one canonical name, or a refusal that says why and what was meant.

The Unicode tables (IDNA 2008, public suffixes) come in as NameRules; everything else is here.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

LONGEST_INPUT = 1000  # characters; a name has 253, Slack's mark-up around it doubles that
LONGEST_NAME = 253  # RFC 1035 3.1: 255 octets on the wire
LONGEST_LABEL = 63


class NameRules(Protocol):
    """What needs tables: IDNA 2008 (UTS 46 mapping) and the public suffix list."""

    def to_ascii(self, label: str) -> str:
        """One label in A-label form. Raises ValueError where IDNA 2008 forbids it."""
        ...

    def to_unicode(self, label: str) -> str:
        """One A-label as people read it. Raises ValueError for one that encodes nothing allowed."""
        ...

    def is_public_suffix(self, name: str) -> bool:
        """Whether `name` (A-label form) is one under which others register, such as co.jp."""
        ...

    def is_internal(self, name: str) -> bool:
        """Whether `name` (A-label form) is of an inside that no question may leave for."""
        ...


class NameReason(StrEnum):
    """Why a name was refused; the text is `name.bad.<value>` in content/messages/names.yml."""

    EMPTY = "empty"
    INVISIBLE = "invisible"
    URL = "url"
    MAIL_ADDRESS = "mail_address"
    PORT = "port"
    SPACE = "space"
    WILDCARD = "wildcard"
    UNDERSCORE = "underscore"
    IP_ADDRESS = "ip_address"
    EMPTY_LABEL = "empty_label"
    SINGLE_LABEL = "single_label"
    NUMERIC_TLD = "numeric_tld"
    HYPHEN = "hyphen"
    LONG_VOWEL = "long_vowel"
    CHARACTER = "character"
    MENTION = "mention"
    UNKNOWN_TLD = "unknown_tld"
    LABEL_TOO_LONG = "label_too_long"
    TOO_LONG = "too_long"
    PUBLIC_SUFFIX = "public_suffix"
    INTERNAL = "internal"


_OTHER_THINGS = (
    ("@", NameReason.MAIL_ADDRESS),
    ("/\\?#", NameReason.URL),
    (" \t\r\n\v\f\u3000", NameReason.SPACE),
    (":", NameReason.PORT),
    ("*", NameReason.WILDCARD),
    ("_", NameReason.UNDERSCORE),
)


class BadName(ValueError):
    """The text is no domain name that a cutover can be for.

    `args_for_text` are what the text of `name.bad.<reason>` needs: `text` (what was understood, safe to
    show), `part` (the offending piece), `suggestion` (the name that was probably meant, or "").
    """

    def __init__(self, reason: NameReason, text: str, part: str = "", suggestion: str = "") -> None:
        super().__init__(f"{reason}: {visible(text)}")
        self.reason = reason
        self.suggestion = suggestion
        self.args_for_text: Mapping[str, str] = {
            "text": visible(text),
            "part": visible(part),
            "suggestion": suggestion,
        }


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A domain in both forms, lower case, without the final dot. `ascii` is the key everywhere."""

    ascii: str
    unicode: str

    @property
    def is_idn(self) -> bool:
        return self.ascii != self.unicode

    def __str__(self) -> str:
        return self.unicode if not self.is_idn else f"{self.unicode} ({self.ascii})"


_QUOTES = "\"'`´“”‘’„«»‹›「」『』【】〈〉《》〔〕()[]{}<>"
_SLACK_MARKS = "*_~"  # bold, italic, struck; only ever in pairs, for * and _ may stand in a name
_MARKS = str.maketrans(
    dict.fromkeys("。．｡", ".")
    | dict.fromkeys("､、，", ",")
    # What input methods give for a hyphen; IDNA forbids all of them in a name, so the meaning is plain.
    | dict.fromkeys("‐‑‒–—―−﹣－", "-")
)
_SLACK_LINK = re.compile(r"<(?P<target>[^<>|]*)(?:\|(?P<label>[^<>|]*))?>")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*:(?://|(?=[^0-9]))")
_LDH = re.compile(r"^[a-z0-9-]+$")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LATIN_NAME = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


def below_any(name: str, suffixes: Iterable[str]) -> bool:
    """Whether `name` is one of `suffixes` or lies below one; case and outer dots aside."""
    bare = name.rstrip(".").lower()
    wanted = (suffix.strip(".").lower() for suffix in suffixes)
    return any(bare == suffix or bare.endswith(f".{suffix}") for suffix in wanted if suffix)


def visible(text: str, longest: int = 80) -> str:
    """`text` on one line, cut to `longest` characters, with everything that hides written as U+XXXX."""
    shown = "".join(f"[U+{ord(c):04X}]" if _hides(c) else c for c in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _hides(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE or (character.isspace() and character != " ")


def canonical(text: str, rules: NameRules) -> Name:
    """The name that `text` means (RFC 1035, RFC 5891), as people type it.

    Full-width letters, 。．｡ for dots, upper case, a final dot, quotes, back-ticks and Slack's own
    auto-link of a bare domain are accepted. Raises BadName, and nothing else, for any text.
    """
    if len(text) > LONGEST_INPUT:
        raise BadName(NameReason.TOO_LONG, text)
    typed = _unwrap(text)
    try:
        _refuse_other_things(typed)
        return _name(typed, rules)
    except BadName as bad:
        part = bad.args_for_text["part"]
        raise BadName(bad.reason, typed, part, _suggest(typed, bad.reason, rules)) from None


def _unwrap(text: str) -> str:
    """What was typed, without what Slack and copying put around it; NFKC, dots and hyphens made plain."""
    inner = text.strip()
    link = _SLACK_LINK.fullmatch(inner.strip(_SLACK_MARKS + "`\"' "))
    if link:
        # Slack links a bare domain as <http://example.co.jp|example.co.jp>: the label is what was typed.
        inner = link["label"] or link["target"]
    plain = unicodedata.normalize("NFKC", inner.translate(_MARKS)).translate(_MARKS).strip()
    return plain if _is_ip(plain) else _strip_quotes(plain)


def _strip_quotes(text: str) -> str:
    """Without the quotes and brackets around the whole, and without a comma behind it."""
    stripped = text.strip(_QUOTES + ", ")
    while len(stripped) > 2 and stripped[0] == stripped[-1] and stripped[0] in _SLACK_MARKS:
        stripped = stripped[1:-1].strip(_QUOTES + " ")
    return stripped if stripped.strip(_SLACK_MARKS) else ""


def _refuse_other_things(typed: str) -> None:
    """Raises BadName for what may hold a domain but is none: URLs, addresses, phrases, wildcards."""
    if not typed:
        raise BadName(NameReason.EMPTY, typed)
    hidden = next((c for c in typed if _hides(c) and not c.isspace()), "")
    if hidden:
        raise BadName(NameReason.INVISIBLE, typed, hidden)
    if _is_ip(typed):
        raise BadName(NameReason.IP_ADDRESS, typed)
    if typed[0] in "@#!":
        raise BadName(NameReason.MENTION, typed)
    if _SCHEME.match(typed) and not typed.lower().startswith("mailto:"):
        raise BadName(NameReason.URL, typed)
    for signs, reason in _OTHER_THINGS:
        if any(c in typed for c in signs):
            raise BadName(reason, typed)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]").rstrip("."))
    except ValueError:
        return False
    return True


def _name(typed: str, rules: NameRules) -> Name:
    """The name of a text that should have nothing but labels and dots. Raises BadName."""
    labels = typed.removesuffix(".").split(".")
    if "" in labels:
        raise BadName(NameReason.EMPTY_LABEL if len(labels) > 1 else NameReason.EMPTY, typed)
    both = [_label(label, typed, rules) for label in labels]
    ascii_form = ".".join(a for a, _ in both)
    last = both[-1][0]
    if _is_ip(ascii_form):
        raise BadName(NameReason.IP_ADDRESS, typed)
    if len(labels) == 1:
        raise BadName(NameReason.SINGLE_LABEL, typed)
    if last.isdigit():
        raise BadName(NameReason.NUMERIC_TLD, typed, last)
    if len(ascii_form) > LONGEST_NAME:
        raise BadName(NameReason.TOO_LONG, typed)
    if last.startswith("xn--") and not rules.is_public_suffix(last):
        # A Latin one may be a laboratory's (.test); this is a sentence that runs on: example.jpです
        raise BadName(NameReason.UNKNOWN_TLD, typed, labels[-1])
    if rules.is_internal(ascii_form):
        raise BadName(NameReason.INTERNAL, typed, ascii_form)
    if rules.is_public_suffix(ascii_form):
        raise BadName(NameReason.PUBLIC_SUFFIX, typed, ascii_form)
    return Name(ascii_form, ".".join(u for _, u in both))


def _label(label: str, typed: str, rules: NameRules) -> tuple[str, str]:
    """One label in both forms. Raises BadName."""
    lowered = label.lower()
    if lowered.startswith("-") or lowered.endswith("-"):
        raise BadName(NameReason.HYPHEN, typed, label)
    # Of plain letters no table need be asked; "--" in them (RFC 5891 4.2.3.1) is seen in real names.
    pair = lowered, lowered
    if not _LDH.match(lowered) or lowered.startswith("xn--"):
        if "ー" in lowered and lowered.replace("ー", "").isascii():
            raise BadName(NameReason.LONG_VOWEL, typed, label)
        if not lowered.isascii() and len(lowered.encode("punycode", "replace")) > LONGEST_LABEL - 4:
            raise BadName(NameReason.LABEL_TOO_LONG, typed, label)
        try:
            encoded = rules.to_ascii(lowered).lower()
            pair = encoded, rules.to_unicode(encoded)
        except ValueError:
            raise BadName(NameReason.CHARACTER, typed, _odd(lowered) or label) from None
    if len(pair[0]) > LONGEST_LABEL:
        raise BadName(NameReason.LABEL_TOO_LONG, typed, label)
    return pair


def _odd(label: str) -> str:
    """The first character that no name can have, to point at."""
    return next((c for c in label if not (c.isalnum() or c == "-" or unicodedata.category(c)[0] == "M")), "")


# --- what was probably meant ---------------------------------------------------------------------


def _suggest(typed: str, reason: NameReason, rules: NameRules) -> str:
    """The domain that was probably meant, as people read it; "" where there is nothing to go by."""
    tries = [name for name in _tries(typed, reason) if _looks_plain(name)]
    real = [name for name in tries if rules.is_public_suffix(name.rpartition(".")[2].lower())]
    for name in real or tries:
        try:
            return _name(name, rules).unicode
        except BadName:
            continue
    return ""


def _looks_plain(text: str) -> bool:
    return "." in text and not any(c in text for signs, _ in _OTHER_THINGS for c in signs)


def _tries(typed: str, reason: NameReason) -> list[str]:
    """Readings of a refused text, the likeliest first."""
    latin = [found.group().strip(".-") for found in _LATIN_NAME.finditer(typed)]
    match reason:
        case NameReason.INVISIBLE:
            return ["".join(c for c in typed if not _hides(c))]
        case NameReason.WILDCARD:
            return [typed.lstrip("*.")]
        case NameReason.UNDERSCORE:
            return [".".join(label for label in typed.split(".") if "_" not in label)]
        case NameReason.EMPTY_LABEL:
            return [".".join(label for label in typed.split(".") if label)]
        case NameReason.LONG_VOWEL:
            return [typed.replace("ー", "-")]
        case NameReason.HYPHEN:
            return []
        case NameReason.SPACE:
            words = typed.replace(",", " ").split()
            joined = ["".join(words)]
            # A space beside a dot is a slip within the name; otherwise the name is one word of several.
            slip = any(word.startswith(".") or word.endswith(".") for word in words)
            return joined + latin if slip else words + latin + joined
        case NameReason.URL | NameReason.MAIL_ADDRESS | NameReason.PORT:
            pieces = re.split(r"[\s/\\?#@:,<>|()]+", typed)
            return [piece.strip(".").removeprefix("www.") for piece in pieces] + latin
        case NameReason.CHARACTER if "," in typed:
            return [typed.replace(",", ".")]
        case _:
            return latin
