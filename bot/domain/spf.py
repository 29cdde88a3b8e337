"""An SPF record as terms (RFC 7208). Parsing only; who looks the names up is in dns/."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})
ASKING = frozenset({"include", "a", "mx", "ptr", "exists"})  # each counts as a look-up (4.6.4); redirect too
LOOKUP_LIMIT = 10
VOID_LIMIT = 2
MOST_TERMS = 1000  # real records have some tens; 64 KiB of terms would hold up everything else


@dataclass(frozen=True, slots=True)
class SpfTerm:
    """One term. `target`: the domain it names, as written; "" where it means the record's own."""

    text: str
    name: str
    target: str = ""

    @property
    def asks(self) -> bool:
        return self.name in ASKING or self.name == "redirect"

    @property
    def has_macro(self) -> bool:
        return "%" in self.target


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """The terms that an evaluation can reach, and what is wrong with the record as written."""

    terms: tuple[SpfTerm, ...]
    errors: tuple[str, ...]


def is_spf(text: str) -> bool:
    """Whether a TXT record is one of SPF version 1 (RFC 7208 4.5)."""
    return re.match(r"v=spf1( |$)", text, re.IGNORECASE) is not None


_MECHANISM = re.compile(r"(?P<qualifier>[+\-~?])?(?P<name>[a-z0-9]+)(?P<rest>[:/].*)?$", re.IGNORECASE)
_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9_.-]*)=(?P<value>.*)$", re.IGNORECASE)
_CIDR = re.compile(r"(?P<target>.*?)(?P<four>/\d+)?(?P<six>//\d+)?$")
_MACRO = re.compile(r"%(?:[%_-]|\{[slodiphcrtv]\d*r?[.+,/_=-]*\})", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$", re.IGNORECASE)


def parse_spf(text: str) -> SpfRecord:
    """The record's terms. What stands after `all`, and `redirect` beside it, is never reached (5.1, 6.1)."""
    terms: list[SpfTerm] = []
    errors: list[str] = []
    modifiers: list[str] = []
    if not text.isascii():
        errors.append("not ASCII")
    words = text.split(" ")[1:]
    if len(words) > MOST_TERMS:
        errors.append(f"more than {MOST_TERMS} terms")
    for word in words[:MOST_TERMS]:
        if not word:
            continue
        term, error = _term(word)
        if error:
            errors.append(word)
        if term is None:
            continue
        if term.name in ("redirect", "exp"):
            if term.name in modifiers:
                errors.append(word)
            modifiers.append(term.name)
        terms.append(term)
    return SpfRecord(_reachable(terms), tuple(dict.fromkeys(errors)))


def _term(word: str) -> tuple[SpfTerm | None, bool]:
    """A term, and whether it is written wrongly."""
    modifier = _MODIFIER.match(word)
    if modifier is not None:
        name, value = modifier["name"].lower(), modifier["value"]
        if name not in ("redirect", "exp"):
            return None, False  # unknown modifiers are passed over (6)
        return SpfTerm(word, name, value), not _is_domain(value)
    mechanism = _MECHANISM.match(word)
    if mechanism is None or mechanism["name"].lower() not in MECHANISMS:
        return None, True
    name, rest = mechanism["name"].lower(), mechanism["rest"] or ""
    if name == "all":
        return SpfTerm(word, name), bool(rest)
    if name in ("ip4", "ip6"):
        return SpfTerm(word, name), not _is_network(name, rest)
    if name in ("include", "exists"):
        target = rest[1:] if rest.startswith(":") else ""
        return SpfTerm(word, name, target), not _is_domain(target)
    if name == "ptr":
        return SpfTerm(word, name, rest[1:]), bool(rest) and not (rest[0] == ":" and _is_domain(rest[1:]))
    return _with_lengths(word, name, rest)


def _with_lengths(word: str, name: str, rest: str) -> tuple[SpfTerm, bool]:
    """`a` and `mx`: a domain, and lengths of IPv4 and IPv6 prefixes behind it."""
    parts = _CIDR.match(rest)
    target, four, six = (parts["target"], parts["four"], parts["six"]) if parts else (rest, None, None)
    bad = bool(four and not _is_length(four[1:], 32)) or bool(six and not _is_length(six[2:], 128))
    if target:
        bad = bad or not target.startswith(":") or not _is_domain(target[1:])
    return SpfTerm(word, name, target[1:]), bad


def _is_length(digits: str, most: int) -> bool:
    """Looked at as text first: Python refuses to read a number of thousands of digits."""
    significant = digits.lstrip("0") or "0"
    return len(significant) <= 3 and significant.isascii() and int(significant) <= most


def _is_network(name: str, rest: str) -> bool:
    if not rest.startswith(":"):
        return False
    address, slash, length = rest[1:].partition("/")
    try:
        if slash and not length.isdigit():
            return False
        if name == "ip4":
            IPv4Network(f"{address}/{length or 32}", strict=False)
        else:
            IPv6Network(f"{address}/{length or 128}", strict=False)
    except ValueError:
        return False
    return True


def _is_domain(text: str) -> bool:
    """A domain-spec (7.1): a name, or macros that end in one or in a macro."""
    if not text or len(text) > 253:
        return False
    plain = _MACRO.sub("m", text)
    if "%" in plain:
        return False
    labels = plain.rstrip(".").split(".")
    if "%" in text:
        return True  # what macros stand for is known at evaluation only
    return len(labels) >= 2 and all(_LABEL.match(label) for label in labels)


def _reachable(terms: list[SpfTerm]) -> tuple[SpfTerm, ...]:
    names = [term.name for term in terms]
    if "all" not in names:
        return tuple(terms)
    before = terms[: names.index("all") + 1]
    return tuple(term for term in before if term.name != "redirect")
