"""What a check concludes: an id, a status, a severity, arguments. Never prose (dns-checks.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    BLOCK = "block"
    HIGH = "high"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion. `args` are JSON-able values that the texts in content/ are filled with."""

    id: str
    status: Status
    severity: Severity
    args: Mapping[str, Any] = field(default_factory=dict)
