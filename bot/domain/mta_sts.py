"""MTA-STS records and policies (RFC 8461): parsing and matching, no network."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MODES = frozenset({"enforce", "testing", "none"})
MOST_SECONDS = 31_557_600  # 3.2: about a year


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. `max_age` in seconds; `patterns` as written, lower case."""

    mode: str
    patterns: tuple[str, ...]
    max_age: int


class BadPolicy(ValueError):
    """The text is no policy; the message says why."""


def policy_id(texts: Iterable[str]) -> str | None:
    """The id of the one STSv1 record among TXT records; None where there is none, or not just one (3.1)."""
    records = [text for text in texts if re.match(r"v=STSv1\s*;", text)]
    if len(records) != 1:
        return None
    match = re.search(r";\s*id=([A-Za-z0-9]{1,32})\s*(?:;|$)", records[0])
    return match[1] if match else None


def parse_policy(text: str) -> Policy:
    """The policy in the body of the well-known resource (3.2). Raises BadPolicy."""
    fields: dict[str, str] = {}
    patterns: list[str] = []
    for line in re.split(r"\r?\n", text):
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        if not colon:
            raise BadPolicy(f"no field: {line[:60]}")
        key, value = key.strip(), value.strip()
        if key == "mx":
            patterns.append(value.lower().rstrip("."))
        else:
            fields.setdefault(key, value)  # of a double field, the first counts
    if fields.get("version") != "STSv1":
        raise BadPolicy("version is not STSv1")
    mode = fields.get("mode", "")
    if mode not in MODES:
        raise BadPolicy(f"mode: {mode[:20]}")
    age = fields.get("max_age", "")
    if not re.fullmatch(r"\d{1,10}", age) or int(age) > MOST_SECONDS:
        raise BadPolicy(f"max_age: {age[:20]}")
    if mode != "none" and not patterns:
        raise BadPolicy("no mx")
    return Policy(mode, tuple(patterns), int(age))


def matches(pattern: str, host: str) -> bool:
    """Whether a policy's pattern covers a host: exactly, or with * for exactly one leftmost label (4.1)."""
    name, wanted = host.rstrip(".").lower(), pattern.rstrip(".").lower()
    if wanted.startswith("*."):
        _, _, above = name.partition(".")
        return bool(above) and above == wanted[2:]
    return name == wanted


def uncovered(patterns: Iterable[str], hosts: Iterable[str]) -> list[str]:
    """The hosts that no pattern covers, sorted."""
    known = list(patterns)
    return sorted(host for host in set(hosts) if not any(matches(p, host) for p in known))
