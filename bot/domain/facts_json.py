"""Facts as JSON-able values and back, without loss: what the store keeps and `--json` shows.

Driven by the dataclasses themselves, so a new field needs nothing here. Reading is lenient in one way
only: a field that is not there takes its default, and one that is not known any more is passed over,
so that observations outlive a change of the code.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from bot.domain.facts import DomainFacts


def facts_to_json(facts: DomainFacts) -> dict[str, Any]:
    """`facts` as dicts, lists, text, numbers; instants in ISO 8601 with their offset."""
    value = to_json(facts)
    if not isinstance(value, dict):
        raise TypeError("facts are a dataclass")
    return value


def facts_from_json(data: Mapping[str, Any]) -> DomainFacts:
    """The facts that `facts_to_json` wrote. Raises ValueError on data that cannot be such."""
    value = from_json(DomainFacts, data)
    if not isinstance(value, DomainFacts):
        raise ValueError("not a DomainFacts")
    return value


def to_json(value: Any) -> Any:
    """Any of the facts' types as a JSON-able value."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant without an offset")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [to_json(item) for item in sorted(value)]
    return value


@lru_cache(maxsize=64)
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)


def from_json(kind: Any, data: Any) -> Any:
    """`data` as a value of the type `kind`, which is one that occurs in the facts."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if data is None:
            return None
        (kind,) = (option for option in get_args(kind) if option is not type(None))
        return from_json(kind, data)
    if origin is tuple:
        return tuple(from_json(get_args(kind)[0], item) for item in _a(list, data))
    if origin is frozenset:
        return frozenset(from_json(get_args(kind)[0], item) for item in _a(list, data))
    if origin is not None and issubclass(origin, Mapping):
        return {key: from_json(get_args(kind)[1], item) for key, item in _a(dict, data).items()}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        data = _a(dict, data)
        try:
            return kind(**{name: from_json(hints[name], data[name]) for name in hints if name in data})
        except TypeError as error:
            raise ValueError(f"{kind.__name__}: {error}") from error
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if kind is datetime:
        at = datetime.fromisoformat(_a(str, data))
        if at.tzinfo is None:
            raise ValueError("an instant without an offset")
        return at.astimezone(UTC)
    return _a(kind, data)


def _a(kind: Any, data: Any) -> Any:
    if kind in (int, bool) and type(data) is not kind:  # JSON's true is no number
        raise ValueError(f"{data!r} is not {kind.__name__}")
    if not isinstance(data, kind):
        raise ValueError(f"{data!r} is not {getattr(kind, '__name__', kind)}")
    return data
