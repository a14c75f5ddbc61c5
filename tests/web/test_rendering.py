"""How single values look on a screen."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from jinja2 import TemplateRuntimeError

from qingting.config import Config
from qingting.model import SHANGHAI
from qingting.web.rendering import Renderer, remaining, seen, share, web_address
from qingting.web.views import pieces

NOW = datetime(2026, 9, 22, 11, 20, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=3, minutes=20, seconds=59), "还剩 3小时20分"),
        (timedelta(0), "还剩 0分"),
        (timedelta(minutes=-59), "已超 59分"),
        (timedelta(days=2, hours=1), "还剩 2天1小时"),
        (timedelta(days=-1), "已超 1天0小时"),
    ],
)
def test_a_deadline_says_how_long_is_left(left: timedelta, words: str) -> None:
    assert remaining(NOW + left, NOW) == words


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "ftp://example.org",
        "/etc",
        "",
        "http://",
        "http://[x",
    ],
)
def test_only_web_addresses_are_linked(url: str) -> None:
    assert web_address(url) == ""


def test_a_web_address_is_linked_as_it_is() -> None:
    assert web_address(" https://example.org/a?b=c ") == "https://example.org/a?b=c"


def test_a_share_of_nothing_is_no_number() -> None:
    assert (share(1, 3), share(0, 0)) == ("33%", "—")


def test_characters_that_turn_the_direction_are_taken_out() -> None:
    assert seen("a\u202eb\u2066c") == "abc"


def test_a_text_is_cut_around_its_placeholders() -> None:
    assert pieces("原因【待核实：起因】，【待核实：时间】") == (
        "原因",
        "【待核实：起因】",
        "，",
        "【待核实：时间】",
        "",
    )


def test_no_template_can_go_around_escaping() -> None:
    renderer = Renderer(Config(), lambda: NOW, list)
    template = renderer._templates.from_string("{{ text|safe }}")
    with pytest.raises((ValueError, TemplateRuntimeError)):
        template.render(text="<b>")
