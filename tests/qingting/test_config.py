"""config.toml is declared once, read strictly, and its messages name the key."""

from __future__ import annotations

import tomllib
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from qingting.config import Config, ReceiverConfig, SourceConfig, load, parse
from qingting.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "config.toml"

LISTED = {"sources": SourceConfig, "receivers": ReceiverConfig}
"""Tables that may stand any number of times, so that the shipped file shows an example of each."""


def keys(schema: type) -> set[str]:
    """Return every declared key, nested ones with their path."""
    found = set()
    for name, kind in typing.get_type_hints(schema).items():
        found |= {f"{name}.{key}" for key in keys(kind)} if is_dataclass(kind) else {name}
    return found


def written(table: dict[str, object], schema: type) -> set[str]:
    """Return every key that a TOML table sets, nested ones with their path."""
    found = set()
    for name, value in table.items():
        kind = typing.get_type_hints(schema)[name]
        nested = is_dataclass(kind) and isinstance(value, dict)
        found |= {f"{name}.{key}" for key in written(value, kind)} if nested else {name}
    return found


def test_the_shipped_file_sets_every_declared_key_and_no_other() -> None:
    table = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    # Receivers are shown commented out, as there is none that would fit every office.
    assert written(table, Config) == keys(Config) - {"alerts.receivers"}


def test_the_shipped_file_writes_the_defaults() -> None:
    shipped, default = load(SHIPPED, {}), Config()
    for each in fields(Config):
        if each.name != "sources":
            assert getattr(shipped, each.name) == getattr(default, each.name), each.name


@pytest.mark.parametrize("schema", [SourceConfig, ReceiverConfig])
def test_every_key_of_a_repeated_table_is_shown_in_the_shipped_file(schema: type) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    for each in fields(schema):
        assert f"\n{each.name} = " in text or f"\n# {each.name} = " in text, each.name


def test_every_line_that_sets_a_key_of_a_single_table_is_explained() -> None:
    bare = []
    heading = ""
    for line in SHIPPED.read_text(encoding="utf-8").splitlines():
        heading = line if line.startswith("[") else heading
        plain = "columns" in heading or "never_miss" in heading or "sources" in heading
        if " = " in line and not line.startswith("#") and "#" not in line and not plain:
            bare.append(line)
    assert bare == []


def test_an_empty_file_is_a_working_configuration() -> None:
    assert parse("", {}) == Config()


@pytest.mark.parametrize(
    ("text", "reason", "message", "hint"),
    [
        ("[web]\nprot = 1", "unknown_key", "config.toml: web.prot 不是已声明的配置项。", "是不是想写 port？"),
        ("[wbe]", "unknown_key", "config.toml: wbe 不是已声明的配置项。", "是不是想写 web？"),
        ('[web]\nport = "x"', "wrong_type", "config.toml: web.port 应当是整数，现在是 'x'。", ""),
        ("[web]\nport = true", "wrong_type", "config.toml: web.port 应当是整数，现在是 True。", ""),
        ("[web]\nport = 0", "bad_value", "config.toml: web.port = 0 必须大于 0。", ""),
        ("[alerts.volume]\nmin_posts = -1", "bad_value", "config.toml: alerts.volume.min_posts = -1 必须大于 0。", ""),
        (
            '[reader]\nbackend = "onxx"',
            "bad_value",
            "config.toml: reader.backend = 'onxx' 不可用。",
            "是不是想写 onnx？",
        ),
        ('[service]\ntimezone = "Asia/Shanghia"', "bad_value", "service.timezone", "例如 Asia/Shanghai。"),
        ("[web", "syntax", "config.toml：TOML 语法错误", "请按提示的行列修改。"),
        ('[[sources]]\nid = "a"\nkind = "feed"\naddress = "x"', "bad_value", "sources[0].assessment 不能为空。", ""),
        (
            '[[alerts.receivers]]\nname = "值班"\nurl = "env:NOWHERE"',
            "missing_secret",
            "alerts.receivers[0].url 要求环境变量 NOWHERE，但没有设置。",
            "请先设置 NOWHERE。",
        ),
        (
            '[[alerts.receivers]]\nname = "值班"\nurl = "http://x"\nkind = "webhok"',
            "bad_value",
            "alerts.receivers[0].kind = 'webhok' 不可用。",
            "是不是想写 webhook？",
        ),
    ],
)
def test_a_mistake_names_the_key_and_suggests_what_to_do(text: str, reason: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, {})
    assert caught.value.reason == reason
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_two_sources_may_not_share_an_id() -> None:
    one = '[[sources]]\nid = "a"\nkind = "feed"\naddress = "x"\nassessment = "y"\n'
    with pytest.raises(ConfigError, match="重复"):
        parse(one * 2, {})


def test_a_secret_comes_from_the_environment_and_is_never_printed() -> None:
    config = parse('[store]\ncases = "env:CASES"', {"CASES": "postgresql://u:hunter2@h/d"})
    assert config.store.cases.reveal() == "postgresql://u:hunter2@h/d"
    assert "hunter2" not in repr(config) + str(config.store.cases) + f"{config.store.cases}"


def test_a_missing_file_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.toml", {})
    assert caught.value.reason == "unreadable"
    assert caught.value.hint
