"""Facts as JSON-able values and back, without loss: what the store keeps and `--json` shows.

Driven by the dataclasses themselves, so a new field needs nothing here. Reading is lenient in one way
only: a field that is not there takes its default, and one that is not known any more is passed over,
so that observations outlive a change of the code.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache, partial
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


Reader = Callable[[Any], Any]


def from_json(kind: Any, data: Any) -> Any:
    """`data` as a value of the type `kind`, which is one that occurs in the facts. Raises ValueError."""
    return _reader(kind)(data)


@lru_cache(maxsize=256)
def _reader(kind: Any) -> Reader:
    """How a type is read: worked out once, for a cutover has thousands of observations."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (_reader(option) for option in get_args(kind) if option is not type(None))
        return lambda data: None if data is None else inner(data)
    if origin in (tuple, frozenset):
        item, made = _reader(get_args(kind)[0]), origin
        return lambda data: made([item(one) for one in _a(list, data)])
    if origin is not None and issubclass(origin, Mapping):
        value = _reader(get_args(kind)[1])
        return lambda data: {key: value(one) for key, one in _a(dict, data).items()}
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_reader(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return _instant if kind is datetime else partial(_a, kind)


def _dataclass_reader(kind: type) -> Reader:
    fields_ = [(name, _reader(hint)) for name, hint in get_type_hints(kind).items()]

    def read(data: Any) -> Any:
        known = _a(dict, data)
        try:
            return kind(**{name: reader(known[name]) for name, reader in fields_ if name in known})
        except TypeError as error:
            raise ValueError(f"{kind.__name__}: {error}") from error

    return read


def _instant(data: Any) -> datetime:
    at = datetime.fromisoformat(_a(str, data))
    if at.tzinfo is None:
        raise ValueError("an instant without an offset")
    return at.astimezone(UTC)


def _a(kind: Any, data: Any) -> Any:
    if type(data) is kind:
        return data
    if kind in (int, bool) or not isinstance(data, kind):  # JSON's true is no number
        raise ValueError(f"{data!r} is not {getattr(kind, '__name__', kind)}")
    return data
