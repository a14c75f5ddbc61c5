"""Every registered kind, by its mere existence: data/kinds/KIND/ holds a sample and what must come of it.

source.toml     the fields of SourceConfig but id and kind; {site} is the site's address, {folder} a copy of folder/
site/           files served at their own path ({site} in them is replaced)
routes.toml     where a path has a query: "/api?x=1" = "api.json" (a file of routed/)
folder/         for kinds that read files
expected.json   the posts, each with the fields that matter; {host} is the site's host and port
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from crawlers.kinds import registry, spider_class
from qingting.config import SOURCE_KINDS, SourceConfig
from qingting.errors import ConfigError, CrawlError
from qingting.model import Post

DATA = Path(__file__).parent / "data" / "kinds"


def comparable(post: Post, wanted: dict[str, object]) -> dict[str, object]:
    """Return those fields of a post that are wanted, as JSON would have them."""
    found = {name: getattr(post, name) for name in wanted}
    if "published_at" in wanted and isinstance(wanted["published_at"], str):
        wanted["published_at"] = datetime.fromisoformat(wanted["published_at"])
    return found


def test_every_kind_that_the_configuration_knows_is_there():
    assert set(SOURCE_KINDS) == set(registry())


@pytest.mark.parametrize("sample", sorted(registry()), indirect=True)
def test_a_kind_collects_its_sample_once_and_only_once(sample, desk):
    text = (DATA / sample.kind / "expected.json").read_text(encoding="utf-8")
    host = desk.site.address.removeprefix("http://")
    expected = json.loads(text.replace("{site}", desk.site.address).replace("{host}", host))

    [first] = desk.crawl(sample)
    posts = {post.source_id: post for post in desk.posts()}

    assert first.health.state == "ok", first.health.reason
    assert set(posts) == {wanted["source_id"] for wanted in expected}
    for wanted in expected:
        assert comparable(posts[wanted["source_id"]], wanted) == wanted

    desk.clock.advance(hours=1)
    [second] = desk.crawl(sample)

    assert second.new == 0
    assert second.health.state in ("ok", "unchanged", "empty"), second.health.reason
    assert len(desk.posts()) == len(expected)


@pytest.mark.parametrize("kind", sorted(registry()))
def test_an_unknown_option_is_refused_by_name(kind):
    options = registry()[kind].options
    known = next(iter(options), "")
    source = SourceConfig(id="x", kind=kind, address="http://127.0.0.1/", options={f"{known}x": "1"})

    with pytest.raises(ConfigError) as caught:
        spider_class(source)

    assert f"{known}x" in str(caught.value)
    assert known in caught.value.hint


def test_an_unknown_kind_is_refused_with_the_near_miss():
    with pytest.raises(CrawlError) as caught:
        spider_class(SourceConfig(id="x", kind="feeds", address="http://127.0.0.1/"))

    assert "feed" in caught.value.hint
