"""The new MX as people copy it from the opening notice (開通通知書; procedure, the day, step 1).

Which host and preference a customer has is the customer's own fact: nothing is filled in here.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.checks.exchange import distance
from bot.domain.mx import Mx, MxSet, absolute, mx_set
from bot.domain.names import BadName, NameRules, canonical, visible

MOST_RECORDS = 20
LONGEST_INPUT = 4000
NOT_IN_ANY_NOTICE = frozenset({"mg.cybermail.jp"})  # the article's nslookup sample shows it
VENDOR_DOMAIN = "cybermail.jp"


class NoticeReason(StrEnum):
    """Why an MX was refused; the text is `notice.bad.<value>` in content/messages/names.yml."""

    EMPTY = "empty"
    NO_PREFERENCE = "no_preference"
    NO_HOST = "no_host"
    PREFERENCE = "preference"
    HOST = "host"
    NOT_IN_NOTICE = "not_in_notice"
    OTHER_OWNER = "other_owner"
    MISSING_DOT = "missing_dot"
    NULL_MX = "null_mx"
    SAME_HOST = "same_host"
    TOO_MANY = "too_many"
    MISTYPED = "mistyped"


class BadNotice(ValueError):
    """The text is no MX set. `args_for_text`: `text` (the line), `part`, `domain`, `suggestion` (or "")."""

    def __init__(
        self, reason: NoticeReason, text: str, part: str = "", *, domain: str = "", suggestion: str = ""
    ) -> None:
        super().__init__(f"{reason}: {visible(text)}")
        self.reason = reason
        self.suggestion = suggestion
        self.args_for_text: Mapping[str, str] = {
            "text": visible(text),
            "part": visible(part, 255),
            "domain": domain,
            "suggestion": suggestion,
        }


_NSLOOKUP = re.compile(r"MX\s+preference\s*=\s*(\d+)\s*,\s*mail\s+exchanger\s*=\s*(\S+)", re.IGNORECASE)
# What labels the two values; Latin words only where they stand alone, for a host may be mail.host.jp.
_NOISE = re.compile(
    r"優先度|優先順位|プリファレンス|プライオリティ|メールサーバー?|配送先|レコード|(?:ホスト名?|値)(?=[:=\s])|"
    r"(?<![\w.-])(?:preference|priority|mail\s+exchanger|exchange|host|hostname|value|record)(?![\w.-])|"
    r"[=→|()]|:(?!/)",
    re.IGNORECASE,
)
_SLACK_LINK = re.compile(r"<[^<>|]*\|([^<>|]*)>")
_CLASSES = frozenset({"in", "ch", "hs"})
_TTL = re.compile(r"(?:\d+|(?:\d+[wdhms])+)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class _Pair:
    preference: str | None
    host: str | None
    owner: str | None
    line: str


def parse_mx(text: str, rules: NameRules, domain: str | None = None) -> MxSet:
    """The MX set that `text` names: one record a line or between commas, or whole zone lines.

    Accepted for each: `10 mgf.cybermail.jp`, `mgf.cybermail.jp 10`, `MX 10 mgf.cybermail.jp.`,
    `example.co.jp. 300 IN MX 10 mgf.cybermail.jp.`; full-width signs; a TTL is read over, since it is
    no MX data. A missing preference is refused, not assumed: sets are compared exactly afterwards.
    `domain` (A-label form): a zone line for another owner is refused. Raises BadNotice, nothing else.
    """
    if len(text) > LONGEST_INPUT:
        raise BadNotice(NoticeReason.TOO_MANY, text)
    records: dict[str, Mx] = {}
    pairs = list(_pairs(text))
    if not pairs:
        raise BadNotice(NoticeReason.EMPTY, text)
    if len(pairs) > MOST_RECORDS:
        raise BadNotice(NoticeReason.TOO_MANY, text)
    for pair in pairs:
        record = _record(pair, rules, domain)
        if records.setdefault(record.exchange, record) != record:
            raise BadNotice(NoticeReason.SAME_HOST, pair.line, record.exchange.rstrip("."))
    return mx_set(records.values())


def _pairs(text: str) -> Iterator[_Pair]:
    plain = unicodedata.normalize("NFKC", text.translate(str.maketrans("。．｡、､", "...,,")))
    plain = _SLACK_LINK.sub(r"\1", plain)
    plain = _NSLOOKUP.sub(r"\n\1 \2\n", plain)
    for line in re.split(r"[\n\r,;]+", plain):
        bare = line.strip().strip("\"'`「」『』<>()[]・•*").strip()
        words = _NOISE.sub(" ", bare).split()
        if words:
            yield from _line_pairs(words, bare)


def _line_pairs(words: list[str], line: str) -> Iterator[_Pair]:
    """The records of one line: what stands before MX is owner, TTL and class; what follows is data."""
    owner: str | None = None
    kinds = [word.upper() for word in words]
    if "MX" in kinds:
        at = kinds.index("MX")
        front = [w for w in words[:at] if w.lower() not in _CLASSES and not _TTL.fullmatch(w)]
        owner = front[0] if front and front[0] != "@" else None
        words = [word for word in words[at + 1 :] if word.upper() != "MX"]
    else:
        words = [word for word in words if word.lower() not in _CLASSES]
    if not words:
        yield _Pair(None, None, owner, line)
    for start in range(0, len(words), 2):
        two = words[start : start + 2]
        numbers = [word for word in two if _NUMBER.fullmatch(word)]
        hosts = [word for word in two if not _NUMBER.fullmatch(word)]
        if len(hosts) == 2:
            # Two words that are no number: a sentence, or two hosts; the first is what to ask about.
            yield _Pair(None, hosts[0], owner, line)
            continue
        yield _Pair(numbers[0] if numbers else None, hosts[0] if hosts else None, owner, line)


def _record(pair: _Pair, rules: NameRules, domain: str | None) -> Mx:
    """One record, checked. Raises BadNotice."""
    line = pair.line
    if pair.owner and domain and _owner(pair.owner, rules) != domain:
        raise BadNotice(NoticeReason.OTHER_OWNER, line, pair.owner.rstrip("."), domain=domain)
    if pair.host is None:
        raise BadNotice(NoticeReason.NO_HOST, line)
    if pair.host == ".":
        raise BadNotice(NoticeReason.NULL_MX, line)
    try:
        host = canonical(pair.host, rules).ascii
    except BadName as bad:
        raise BadNotice(NoticeReason.HOST, line, pair.host, suggestion=_line(pair, bad.suggestion)) from None
    if host in NOT_IN_ANY_NOTICE:
        raise BadNotice(NoticeReason.NOT_IN_NOTICE, line, host)
    if domain and host.endswith(f".{VENDOR_DOMAIN}.{domain}"):
        meant = _line(pair, host.removesuffix(f".{domain}"))
        raise BadNotice(NoticeReason.MISSING_DOT, line, host, domain=domain, suggestion=meant)
    if meant := _mistyped(host, rules):
        raise BadNotice(NoticeReason.MISTYPED, line, host, suggestion=_line(pair, meant) or f"10 {meant}")
    if pair.preference is None:
        raise BadNotice(NoticeReason.NO_PREFERENCE, line, suggestion=_apart(host) or f"10 {host}")
    if not pair.preference.isdigit() or int(pair.preference) > 65535:
        raise BadNotice(NoticeReason.PREFERENCE, line, pair.preference)
    return Mx(int(pair.preference), absolute(host))


def _line(pair: _Pair, host: str) -> str:
    return f"{pair.preference} {host}" if host and pair.preference else ""


def _apart(host: str) -> str:
    """`10mgf.cybermail.jp`, typed without the space, as it was meant."""
    glued = re.fullmatch(rf"(\d{{1,5}})([a-z].*{re.escape(VENDOR_DOMAIN)})", host)
    return f"{glued[1]} {glued[2]}" if glued else ""


def _mistyped(host: str, rules: NameRules) -> str:
    """The vendor's host that a slip of the keyboard was to be, or "".

    Only what cannot be right: the vendor's label with one slip in it, or below a top level that is none.
    Another domain of the vendor's own may stand in a notice one day.
    """
    labels, (name, top) = host.split("."), VENDOR_DOMAIN.split(".")
    for at, label in enumerate(labels[1:], 1):
        slips = distance(label, name)
        if slips == 1 or (slips == 0 and not rules.is_public_suffix(labels[-1])):
            return ".".join((*labels[:at], name, top))
    return ""


def _owner(owner: str, rules: NameRules) -> str:
    try:
        return canonical(owner, rules).ascii
    except BadName:
        return owner
