"""Records to JSON and back: the shape is the dataclass itself, defaults are left out, unknown names ignored.

So a row written by the next version is still read by this one, and the other way round. ``field`` values
(``Value``) are JSON already and pass through. The text is plain ASCII: what a table counts as characters
is then what Python counts, and no surrogate or control character ever reaches the wire.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Decoder = Callable[[Any], Any]


def dumps(value: Any) -> str:
    """Compact, key-sorted JSON: equal values give equal texts (and hashes)."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=_plain)


def to_json(record: Any) -> dict[str, Any]:
    """A dataclass as a JSON object without the fields that have their default."""
    return {
        f.name: encode(getattr(record, f.name))
        for f in fields(record)
        if getattr(record, f.name) != _default(f)
    }


def from_json(kind: type[T], data: Mapping[str, Any]) -> T:
    """The record again; raises ValueError, TypeError or KeyError for what is not one."""
    record: Any = kind
    decoders = _field_decoders(record)
    return kind(**{name: decoders[name](value) for name, value in data.items() if name in decoders})


def encode(value: Any) -> Any:
    """Any value a record may hold, as JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_json(value)
    if isinstance(value, Enum | datetime):
        return _plain(value)
    if isinstance(value, Mapping):
        return {str(name): encode(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [encode(item) for item in value]
    return value


def instant(moment: datetime) -> str:
    """A point in time in one fixed form, so that texts sort as times do."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


@cache
def _field_decoders(record: Any) -> dict[str, Decoder]:
    hints = get_type_hints(record)
    return {f.name: _decoder(hints[f.name]) for f in fields(record)}


def _decoder(hint: Any) -> Decoder:
    """How a value of this type is made from JSON."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _optional(hint)
    if origin is tuple:
        return _tuple(get_args(hint))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(_decoder(get_args(hint)[1]))
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda data: from_json(hint, data)
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return _same


def _optional(hint: Any) -> Decoder:
    """``X | None``; every other union in the model is ``Value``, which is JSON already."""
    members = [member for member in get_args(hint) if member is not NoneType]
    if len(members) != 1:
        return _same
    inner = _decoder(members[0])
    return lambda value: None if value is None else inner(value)


def _tuple(items: tuple[Any, ...]) -> Decoder:
    if len(items) == 2 and items[1] is Ellipsis:
        inner = _decoder(items[0])
        return lambda values: tuple(inner(value) for value in values)
    inners = [_decoder(item) for item in items]
    return lambda values: tuple(inner(value) for inner, value in zip(inners, values, strict=True))


def _mapping(inner: Decoder) -> Decoder:
    return lambda data: {name: inner(value) for name, value in data.items()}


def _same(value: Any) -> Any:
    return value
