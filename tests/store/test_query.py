"""The query language: what is read as what, what is refused in which words, and that results are what it means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingting.config import StoreConfig
from qingting.errors import UsageError
from qingting.model import Channel, Matter, Post, Reading, Region, Sentiment, Target, Topic
from qingting.store import Search, Store, open_store
from qingting.store.query import (
    FIELD_NAMES,
    And,
    Everything,
    Field,
    Has,
    Not,
    Or,
    Phrase,
    Query,
    Words,
    parse,
    region_prefix,
)
from qingting.store.query_sql import holds


def cut(text: str) -> list[str]:
    return [word for word in re.findall(r"[一-鿿]|[a-z0-9.]+", text) if word != "的"]


def words(text: str) -> Words:
    return Words(tuple(text))


# Parsing


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Everything()),
        (" \u3000\n", Everything()),
        ("水", words("水")),
        ("水 气", And((words("水"), words("气")))),
        ("水\u3000气", And((words("水"), words("气")))),
        ("水污 气", And((words("水污"), words("气")))),
        ("水 AND 气 且 声", And((words("水"), words("气"), words("声")))),
        ("水 OR 气 声", Or((words("水"), And((words("气"), words("声")))))),
        ("水|气", Or((words("水"), words("气")))),
        ("水 -气", And((words("水"), Not(words("气"))))),
        ("水-气", words("水气")),
        ("－气", Not(words("气"))),
        ("--气", Not(Not(words("气")))),
        ("(水 OR 气) 声", And((Or((words("水"), words("气"))), words("声")))),
        ('"水的气"', Phrase(("水", "气"), "水的气")),
        ("“ＰＭ2.5”", Phrase(("pm2．5",), "pm2.5")),
        ('水"气"', And((words("水"), Phrase(("气",), "气")))),
        ("水水", words("水")),
        ("或者", words("或者")),
        ("12:30", Words(("12", "30"))),
        ("情感:负面", Has(Field.SENTIMENT, "negative")),
        ("TOPIC:Water", Has(Field.TOPIC, "water")),
        ("来源：news-1", Has(Field.SOURCE, "news-1")),
        ('来源:"a b"', Has(Field.SOURCE, "a b")),
        ("相关:是", Has(Field.RELEVANT, "yes")),
        ("地域:990100", Has(Field.REGION, "9901")),
        ("-载体:热线留言", Not(Has(Field.CHANNEL, "hotline"))),
    ],
)
def test_a_query_is_read_as(text: str, query: Query) -> None:
    assert parse(text, cut) == query


@pytest.mark.parametrize(
    ("code", "prefix"),
    [
        ("990102", "990102"),
        ("990100", "9901"),
        ("990000", "99"),
        ("990110", "990110"),
        ("990102001", "990102001"),
        ("990102000", "990102"),
        ("990100000000", "9901"),
        ("000000", "00"),
        ("Q00", "Q00"),
        ("1000", "10"),
    ],
)
def test_a_region_takes_in_what_lies_below_it(code: str, prefix: str) -> None:
    assert region_prefix(code) == prefix


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("水 (气", "检索式第 3 个字符处：括号没有配对。", "请补上“)”。"),
        ("水) 气", "检索式第 2 个字符处：多了一个“)”。", "请补上对应的“(”，或去掉它。"),
        ('水 "气', "检索式第 3 个字符处：引号没有配对。", "请补上另一个引号，或去掉这个引号。"),
        ("水 OR", "检索式第 5 个字符处：检索式在这里中断了。", "“或”“非”“-”和括号后面要有检索词。"),
        ("或 水", "检索式第 1 个字符处：“或”前面缺少检索词。", "请补上检索词；要检索这个字本身，请给它加引号。"),
        ("()", "检索式第 2 个字符处：“)”前面缺少检索词。", "请补上检索词；要检索这个字本身，请给它加引号。"),
        (
            "水 的",
            "检索式第 3 个字符处：“的”里没有可以检索的字词。",
            "标点和过于常见的虚词不进索引，请换一个词。",
        ),
        ('"，！"', "检索式第 1 个字符处：“，！”里没有可以检索的字词。", "标点和过于常见的虚词不进索引，请换一个词。"),
        (
            "sentimant:负面",
            "检索式第 1 个字符处：没有“sentimant”这个字段。",
            "是不是“sentiment”？要检索含冒号的原文，请给它加引号。",
        ),
        (
            "水 情感:付面",
            "检索式第 3 个字符处：情感 没有“付面”这个取值。",
            "是不是“负面”？可用的取值：负面、中性、正面、negative、neutral、positive。",
        ),
        ("情感: 负面", "检索式第 1 个字符处：“情感:”后面缺少取值。", "冒号与取值之间不留空格，例如 情感:负面。"),
        ("地域:清源市", "检索式第 1 个字符处：“清源市”不是地域代码。", "请填行政区划代码，例如 地域:990100。"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_a_way_out(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, cut)
    assert (caught.value.reason, caught.value.message, caught.value.hint) == ("bad_query", message, hint)


@pytest.mark.parametrize("text", ["水" * 2001, "(" * 100 + "水" + ")" * 100, "-" * 100 + "水"])
def test_a_query_too_long_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text, cut)


def test_an_unknown_field_shows_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        parse("xyz:1", cut)
    assert all(name in caught.value.hint for name in FIELD_NAMES)


@given(st.text(alphabet=st.sampled_from("水气的a1 \u3000()（）|\"“”:：-—，AND OR NOT 或非且情感地域负面\x00\ud800'*^")))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_and_what_is_read_can_be_searched(full: Store, text: str) -> None:
    refusal = None
    try:
        parse(text, cut)
    except UsageError as error:
        refusal = error
    if refusal is None:
        assert 0 <= full.posts.count(Search(text)) <= len(KNOWN)
    else:
        assert (refusal.reason, bool(refusal.hint)) == ("bad_query", True)


def test_every_character_that_folds_to_a_chinese_one_is_found_as_that_one() -> None:
    folds = [(each, re.findall("[\u4e00-\u9fff]", folded(each))) for each in map(chr, range(0x11_0000))]
    missed = [(each, wanted) for each, found in folds for wanted in found if not holds("", each, wanted)]
    assert (missed, ("㎡", []) in folds, ("㈱", ["株"]) in folds) == ([], True, True)


# Meaning


@dataclass(frozen=True)
class Known:
    """A post and its reading, as the naive evaluation below sees them."""

    post: Post
    reading: Reading | None


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def means(query: Query, known: Known) -> bool:
    """Return whether a query finds a post, by looking at the post and nothing else."""
    match query:
        case Everything():
            return True
        case Words(wanted):
            return has_words(known.post, wanted)
        case Phrase(wanted, text):
            exact = text in folded(known.post.title) or text in folded(known.post.text)
            return has_words(known.post, wanted) and exact
        case Has(field, value):
            return value in values(field, known) if field is not Field.REGION else in_region(value, known)
        case Not(inner):
            return not means(inner, known)
        case And(parts):
            return all(means(part, known) for part in parts)
        case Or(parts):
            return any(means(part, known) for part in parts)


def has_words(post: Post, wanted: tuple[str, ...]) -> bool:
    there = {word.replace(".", "．") for word in cut(folded(post.passage))}
    return there.issuperset(wanted)


def in_region(prefix: str, known: Known) -> bool:
    return known.reading is not None and any(region.code.startswith(prefix) for region in known.reading.regions)


def values(field: Field, known: Known) -> set[str]:
    if field is Field.SOURCE:
        return {known.post.source}
    if field is Field.CHANNEL:
        return {known.post.channel}
    if known.reading is None:
        return set()
    if field is Field.RELEVANT:
        return {"yes" if known.reading.relevant else "no"}
    return {getattr(known.reading, field.value)}


START = datetime(2025, 3, 1, tzinfo=UTC)
TEXTS = ["水发臭", "水清", "臭水的气", "废气PM2.5", "气臭", "pm2.5 水", "声", "Ｐｍ2.5的气"]


def known_posts() -> Iterator[Known]:
    """Yield every third post unread, the others with readings that run through the vocabularies."""
    for number in range(120):
        post = Post(
            f"p{number}",
            ("news", "weibo")[number % 2],
            "",
            (Channel.NEWS, Channel.SOCIAL, Channel.HOTLINE)[number % 3],
            TEXTS[number % len(TEXTS)],
            START,
            START + timedelta(minutes=number // 2),
            title="" if number % 5 else "水气",
        )
        codes = (("990102", "880100"), ("990201",), ())[number % 7 % 3]
        reading = Reading(
            post.id,
            "m",
            START,
            number % 4 > 0,
            0.5,
            list(Sentiment)[number % 3],
            0.0,
            (Topic.WATER, Topic.AIR)[number % 11 % 2],
            (Matter.COMPLAINT, Matter.OPINION)[number % 13 % 2],
            (Target.POLLUTER, Target.NONE)[number % 5 % 2],
            regions=tuple(Region(code, "", 0, 1) for code in codes),
        )
        yield Known(post, None if number % 3 == 0 else reading)


KNOWN = tuple(known_posts())


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store of the known posts."""
    store = open_store(StoreConfig(), tmp_path_factory.mktemp("home"), cut)
    store.posts.append([known.post for known in KNOWN])
    store.posts.save_readings([known.reading for known in KNOWN if known.reading])
    yield store
    store.close()


LEAVES = st.one_of(
    st.sampled_from(["水", "气", "臭", "水臭", "PM2.5", "鱼", "水的"]),
    st.sampled_from(['"水发"', '"臭水"', '"气pm2.5"', '"的气"', '"水 气"', '"m2.5的气"']),
    st.sampled_from(["情感:负面", "议题:水", "事项:投诉举报", "指向:无", "来源:news", "来源:x", "载体:hotline"]),
    st.sampled_from(["地域:990000", "地域:990100", "地域:770000", "相关:是", "相关:否"]),
)

QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("-({})".format, inner),
        st.builds("({}) ({})".format, inner, inner),
        st.builds("({}) OR ({})".format, inner, inner),
        st.builds("{} -{} OR {}".format, LEAVES, LEAVES, LEAVES),
        st.builds("{} {} {}".format, LEAVES, LEAVES, LEAVES),
    ),
    max_leaves=8,
)


@given(query=QUERIES, first=st.integers(0, 70), minutes=st.integers(0, 80))
@settings(max_examples=300, deadline=None)
def test_a_search_finds_exactly_what_the_query_means(full: Store, query: str, first: int, minutes: int) -> None:
    since, until = START + timedelta(minutes=first), START + timedelta(minutes=first + minutes)
    tree = parse(query, cut)
    wanted = {each.post.id for each in KNOWN if since <= each.post.at < until and means(tree, each)}
    search = Search(query, since, until, limit=1000)
    page = full.posts.search(search)
    assert {hit.post.id for hit in page.hits} == wanted
    assert [hit.post.at for hit in page.hits] == sorted((hit.post.at for hit in page.hits), reverse=True)
    assert (page.total, page.exact, full.posts.count(search)) == (len(wanted), True, len(wanted))
    assert sum(point.count for point in full.posts.trend(search, "hour")) == len(wanted)
    assert sum(full.posts.facet(search, "source").values()) == len(wanted)


@given(query=QUERIES, field=st.sampled_from(["sentiment", "topic", "matter", "target", "source", "channel", "region"]))
@settings(max_examples=100, deadline=None)
def test_facets_and_trends_count_exactly_what_the_query_means(full: Store, query: str, field: str) -> None:
    tree = parse(query, cut)
    counts: dict[str, int] = {}
    for known in (each for each in KNOWN if means(tree, each)):
        regions = {region.code for region in known.reading.regions} if known.reading else set()
        for value in regions if field == "region" else values(Field(field), known):
            counts[str(value)] = counts.get(str(value), 0) + 1
    by: Callable[..., object] = full.posts.facet
    assert by(Search(query), field) == counts
    totals: dict[str, int] = {}
    for point in full.posts.trend(Search(query), "day", field):  # type: ignore[arg-type]
        totals[point.key] = totals.get(point.key, 0) + point.count
    assert totals == counts
