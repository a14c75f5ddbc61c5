"""Strict TOML: a text becomes the frozen dataclasses that declare it, or an error names the key and the near miss.

Fields may be str, int, float, bool, Secret, another dataclass, a tuple of one of these, or a mapping of strings.
"""

from __future__ import annotations

import difflib
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from qingting.errors import ConfigError

Schema = typing.TypeVar("Schema")


class Secret:
    """A value that is never printed; `reveal()` is the only way to it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else "Secret('')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def parse_toml(schema: type[Schema], text: str, environ: Mapping[str, str], name: str) -> Schema:
    """Return a TOML text as the dataclass that declares it; `name` is what messages call the file.

    Raises ConfigError(syntax | unknown_key | wrong_type | missing_secret).
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}：TOML 语法错误：{error}", reason="syntax", hint="请按提示的行列修改。") from error
    return typing.cast(Schema, _build(schema, table, f"{name}: ", environ))


def _build(schema: type, table: object, where: str, environ: Mapping[str, str]) -> object:
    """Return a dataclass filled from a TOML table."""
    if not isinstance(table, dict):
        raise _wrong(where.rstrip("."), "一个表", table)
    declared = {each.name: each for each in fields(schema)}
    hints = typing.get_type_hints(schema)
    for key in table:
        if key not in declared:
            near = difflib.get_close_matches(key, declared, n=1)
            hint = f"是不是想写 {near[0]}？" if near else f"这里可用的键：{'、'.join(declared)}。"
            raise ConfigError(f"{where}{key} 不是已声明的配置项。", reason="unknown_key", hint=hint)
    values = {key: _value(hints[key], value, f"{where}{key}", environ) for key, value in table.items()}
    return schema(**values)


def _value(kind: type, value: object, where: str, environ: Mapping[str, str]) -> object:
    """Return one TOML value as its declared type."""
    if kind is Secret:
        return _secret(value, where, environ)
    if is_dataclass(kind):
        return _build(kind, value, f"{where}.", environ)
    origin = typing.get_origin(kind)
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(where, "一个列表", value)
        item = typing.get_args(kind)[0]
        return tuple(_value(item, each, f"{where}[{i}]", environ) for i, each in enumerate(value))
    if origin is not None and issubclass(typing.cast(type, origin), Mapping):
        if not isinstance(value, dict):
            raise _wrong(where, "一个表", value)
        return types.MappingProxyType({k: str(_value(str, v, f"{where}.{k}", environ)) for k, v in value.items()})
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _wrong(
            where, {str: "文字", int: "整数", float: "数", bool: "true 或 false"}.get(kind, kind.__name__), value
        )
    return value


def _secret(value: object, where: str, environ: Mapping[str, str]) -> Secret:
    """Return a Secret, from the environment when written as env:NAME."""
    if not isinstance(value, str):
        raise _wrong(where, "文字（或 env:变量名）", value)
    if not value.startswith("env:"):
        return Secret(value)
    name = value.removeprefix("env:")
    if name not in environ:
        raise ConfigError(
            f"{where} 要求环境变量 {name}，但没有设置。", reason="missing_secret", hint=f"请先设置 {name}。"
        )
    return Secret(environ[name])


def _wrong(where: str, wanted: str, value: object) -> ConfigError:
    return ConfigError(f"{where} 应当是{wanted}，现在是 {value!r}。", reason="wrong_type", hint="请改成所要求的类型。")
