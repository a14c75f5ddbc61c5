"""Copies point to the first post of another voice that said the same, and to nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.fingerprint import distance, fingerprint
from nlp.normalize import clean, spoken
from nlp.origins import WINDOW, Known, first_seen
from qingting.model import Channel, Matter, Post, Reading, Sentiment, Target, Topic

NOON = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
TEXT = "清源市恒泰化工厂昨夜发生泄漏，消防救援力量已到场处置，周边居民正在有序疏散，原因正在进一步调查。"
OTHER = "今天是全国生态日，翠湖公园举办观鸟活动，上百名市民参加，志愿者讲解了二十多种候鸟的习性和保护知识。"


def post(name: str, source: str, minutes: float = 0, text: str = TEXT, author: str = "") -> Post:
    """Return a post so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    return Post(name, source, name, Channel.NEWS, text, fetched_at=at, published_at=at, author_key=author)


def reading(of: Post) -> Reading:
    """Return a reading that has a post's own fingerprint and little else."""
    bits = fingerprint(spoken(clean(of.passage).text))
    judged = (Sentiment.NEUTRAL, 0.0, Topic.NONE, Matter.NONE, Target.NONE)
    return Reading(of.id, "m", NOON, True, 1.0, *judged, fingerprint=bits)


@dataclass
class Archive:
    """What was read before, batch by batch, kept as a store keeps it."""

    posts: dict[str, Post] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def similar(self, bits: int, within: int, since: datetime, until: datetime) -> list[tuple[str, int]]:
        """Answer as a store does."""
        there = ((distance(bits, self.readings[p.id].fingerprint), p.at, p.id) for p in self.posts.values())
        return [(name, apart) for apart, at, name in sorted(there) if apart <= within and since <= at < until]

    def look(self, ids: Collection[str]) -> Mapping[str, Known]:
        """Answer as a store does."""
        return {each: Known(self.posts[each], self.origins.get(each, "")) for each in ids if each in self.posts}

    def read(self, *batch: Post) -> dict[str, str]:
        """Read a batch and return the origins of its copies."""
        readings = {each.id: reading(each) for each in batch}
        found = first_seen(batch, readings, self.similar, self.look)
        self.posts |= {each.id: each for each in batch}
        self.readings |= readings
        self.origins |= found
        return found


@pytest.fixture
def archive() -> Archive:
    return Archive()


def test_a_copy_points_to_what_was_read_before(archive):
    archive.read(post("a", "one"), post("x", "one", text=OTHER))

    assert archive.read(post("b", "two", 30, f"【快讯】{TEXT}")) == {"b": "a"}


def test_copies_within_one_batch_point_to_the_earliest_whatever_their_order(archive):
    batch = [post("c", "three", 20), post("a", "one", 0), post("b", "two", 10)]

    assert archive.read(*batch) == {"b": "a", "c": "a"}


def test_a_copy_of_a_copy_points_to_the_first(archive):
    archive.read(post("a", "one"))
    archive.read(post("b", "two", 10, f"转发微博//@清源发布:{TEXT}"))
    later = f"太可怕了//@甲:扩散//@清源发布:{TEXT}"

    assert archive.read(post("c", "three", 20, later), post("d", "four", 30, later)) == {"c": "a", "d": "a"}


def test_a_source_does_not_copy_itself_not_even_by_way_of_others(archive):
    daily = "清源市生态环境局：{}日全市空气质量优良，首要污染物为臭氧，各区县指标均达到国家二级标准，请市民放心。"
    archive.read(post("first", "bureau", 0, daily.format(21)))
    archive.read(post("passed on", "paper", 60, daily.format(21)))

    assert archive.read(post("second", "bureau", 1440, daily.format(22))) == {}


def test_two_authors_of_one_source_are_two_voices_and_one_author_is_one(archive):
    batch = [post("a", "weibo", 0, author="k1"), post("b", "weibo", 5, author="k2"), post("c", "weibo", 9, author="k1")]

    assert archive.read(*batch) == {"b": "a"}


def test_an_original_that_is_collected_late_is_no_copy_of_its_copies(archive):
    archive.read(post("copy", "two", 60))

    assert archive.read(post("original", "one", 0)) == {}
    assert archive.read(post("next", "three", 90)) == {"next": "original"}


def test_what_was_published_in_the_same_minute_was_first_where_it_was_seen_first(archive):
    archive.read(post("a", "one"))

    assert archive.read(post("b", "two")) == {"b": "a"}


def test_a_week_after_the_last_copy_it_is_a_matter_of_its_own(archive):
    archive.read(post("a", "one"))
    week = WINDOW / timedelta(minutes=1)

    assert archive.read(post("b", "two", week)) == {"b": "a"}
    assert archive.read(post("c", "three", 2 * week)) == {"c": "a"}
    assert archive.read(post("d", "four", 3 * week + 1)) == {}


def test_short_words_and_texts_without_words_are_nobodys_copies(archive):
    for text in ("河水发臭，谁来管管", "👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏👏"):
        assert archive.read(post(f"a{text}", "one", text=text), post(f"b{text}", "two", text=text)) == {}


def test_reading_a_batch_again_finds_the_same(archive):
    archive.read(post("a", "one"))
    batch = [post("b", "two", 10), post("c", "three", 20)]

    assert archive.read(*batch) == archive.read(*batch) == {"b": "a", "c": "a"}


def batches() -> st.SearchStrategy[list[list[Post]]]:
    """Some batches of posts with few texts, sources, authors and times."""
    one = st.tuples(
        st.sampled_from(["s1", "s2", "s3"]),
        st.integers(0, 20_000),
        st.sampled_from([TEXT, f"【转载】{TEXT}", OTHER, f"{OTHER}[赞]", "太短了"]),
        st.sampled_from(["", "k1", "k2"]),
    )
    return st.lists(st.lists(one, max_size=6), max_size=4).map(_named)


def _named(drawn: list[list[tuple[str, int, str, str]]]) -> list[list[Post]]:
    names: Iterator[int] = iter(range(1000))
    return [[post(f"p{next(names)}", *each) for each in batch] for batch in drawn]


@given(batches())
def test_an_origin_is_never_a_copy_never_later_never_oneself_and_never_of_ones_own_voice(drawn):
    archive = Archive()
    for batch in drawn:
        archive.read(*batch)

    for copy, origin in archive.origins.items():
        assert origin not in archive.origins
        assert archive.posts[origin].at <= archive.posts[copy].at
        assert origin != copy
        voices = [(p.source, p.author_key) for p in (archive.posts[origin], archive.posts[copy])]
        assert all(one != other for one, other in pairwise(voices))
