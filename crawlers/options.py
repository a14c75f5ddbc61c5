"""Values of a source's options, checked before anything is asked of a server; each error names source and option."""

from __future__ import annotations

import re

from lxml.cssselect import CSSSelector, SelectorError

from qingting.config import SourceConfig
from qingting.errors import ConfigError


def number(source: SourceConfig, name: str, default: int) -> int:
    """Return an option as a positive whole number. Raises ConfigError(bad_value)."""
    text = source.options.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise _bad(source, name, "应当是正整数", f"例如 {default}。")
    return int(text)


def switch(source: SourceConfig, name: str) -> bool:
    """Return an option as yes or no, no without it. Raises ConfigError(bad_value)."""
    text = source.options.get(name, "no")
    if text not in ("yes", "no"):
        raise _bad(source, name, "应当是 yes 或 no", "请改成 yes 或 no。")
    return text == "yes"


def pattern(source: SourceConfig, name: str) -> re.Pattern[str]:
    """Return an option as a regular expression, one that matches everything without it. Raises ConfigError."""
    try:
        return re.compile(source.options.get(name, ""))
    except re.error as error:
        raise _bad(source, name, f"不是正则表达式（{error}）", "请检查括号和反斜杠。") from error


def selector(source: SourceConfig, name: str) -> CSSSelector | None:
    """Return an option as a CSS selector, None without it. Raises ConfigError(bad_value)."""
    text = source.options.get(name, "")
    try:
        return CSSSelector(text, translator="html") if text else None
    except SelectorError as error:
        raise _bad(source, name, f"不是 CSS 选择器（{error}）", "例如 ul.list a。") from error


def _bad(source: SourceConfig, name: str, problem: str, hint: str) -> ConfigError:
    value = source.options.get(name, "")
    return ConfigError(f"信源 {source.id}：选项 {name} = {value!r} {problem}。", reason="bad_value", hint=hint)
