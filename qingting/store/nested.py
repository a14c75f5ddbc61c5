"""Values as JSON text and back, by the type they were declared with; all back ends keep what has no column so."""

from __future__ import annotations

import base64
import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

from qingting.model import utc


def to_json(value: object) -> str:
    """Return JSON text for scalars, bytes, times, vocabularies, tuples, mappings and dataclasses of these."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def canonical(value: object) -> bytes:
    """Return the JSON text of a value as bytes that equal values share, in whatever order their mappings come."""
    return json.dumps(_plain(value), ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()


def from_json(kind: Any, text: str) -> Any:
    """Return the value of the declared type that `to_json` made the text from."""
    return _typed(kind, json.loads(text))


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return utc(value).isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value


def _typed(kind: Any, plain: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is tuple:
        inner = typing.get_args(kind)[0]
        return tuple(_typed(inner, each) for each in plain)
    if origin in {typing.Union, types.UnionType}:
        inner = next(each for each in typing.get_args(kind) if each is not type(None))
        return None if plain is None else _typed(inner, plain)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return kind(**{name: _typed(hint, plain[name]) for name, hint in _hints(kind).items() if name in plain})
    if kind is datetime:
        return datetime.fromisoformat(plain)
    if kind is bytes:
        return base64.b64decode(plain)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    return plain


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
