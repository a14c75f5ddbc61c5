"""That SQLite and Elasticsearch give the same answers to the same questions over the same posts."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from nlp.segment import cut as cut_by_dictionary
from qingting.config import StoreConfig
from qingting.errors import UsageError
from qingting.model import Channel, Matter, Post, Reading, Region, Sentiment, Target, Topic
from qingting.store import Cut, Search, Store, open_store

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"

BEGIN = datetime(2024, 12, 20, tzinfo=UTC)

SOURCES = ("weibo", "news", "12369", "论坛 一")
CODES = ("110105", "130000", "990100", "990102", "990103", "990102001000", "own-1")
FACETS = ("sentiment", "topic", "matter", "target", "source", "channel", "region")
FIELDS = (
    *(f"情感:{each.label}" for each in Sentiment),
    *(f"topic:{each.value}" for each in Topic),
    *(f"事项:{each.label}" for each in Matter),
    *(f"target:{each.value}" for each in Target),
    *(f'来源:"{each}"' for each in SOURCES),
    *(f"载体:{each.label}" for each in Channel),
    *(f"地域:{each}" for each in (*CODES, "990000", "880000")),
    "相关:是",
    "relevant:no",
)

WORDS = (
    *("饮用水", "饮用水源地", "自来水", "异味", "河水", "发臭", "死鱼", "化工厂", "偷排", "夜间施工", "噪声", "扰民"),
    *(
        "空气质量",
        "PM2.5",
        "ＰＭ２．５",
        "pm10",
        "3.2万",
        "２０％",
        "VOCs",
        "GB 3838-2002",
        "举报",
        "环保局",
        "营商环境",
    ),
    *("谣言", "辟谣", "通报", "😷", "❗️", "㎡", "①", "mg/L", "μg/m³", "ß", "İzmir", "café", "C++", "a_b", "的", "了"),
    *("https://example.org/" + "路径" * 80, "1234567890" * 30, "啊" * 200),
)
SEPARATORS = (
    "",
    "",
    "",
    "",
    "，",
    "。",
    " ",
    "\u3000",
    "\xa0",
    "\n",
    "\t",
    "\x1c",
    "\x85",
    "\u2028",
    "“",
    "”",
    "'",
    "\\",
)
TRAPS = (
    "%",
    "*",
    "?",
    "_",
    "~",
    "^",
    "<b>",
    "{}",
    "$0",
    "\u200b",
    "\ufeff",
    "\x00",
    "\U0001f1e8\U0001f1f3",
    "龘",
    "𠮷",
)


def invented_texts(chance: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        pieces = chance.choices([*WORDS, *TRAPS], [*[8] * len(WORDS), *[1] * len(TRAPS)], k=chance.randint(1, 25))
        yield "".join(piece + chance.choice(SEPARATORS) for piece in pieces)


def collected_texts(count: int) -> list[str]:
    """Return real texts: all long ones there are, and as many headlines as are needed."""
    with gzip.open(CORPUS / "posts.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    with (CORPUS / "hotline_messages.csv").open(encoding="utf-8-sig", newline="") as file:
        texts += ["\n".join(row) for row in csv.reader(file)]
    with gzip.open(CORPUS / "weibo_hot_2023_2024.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts += dict.fromkeys(json.loads(line)["title"] for line in lines)
    return texts[:count]


def posts_of(chance: random.Random, texts: Sequence[str]) -> list[Post]:
    posts = []
    for number, text in enumerate(texts):
        # No two at one time: which of those comes first, every back end decides for itself.
        at = BEGIN + timedelta(minutes=number % 40_000, microseconds=number)
        dated = chance.random() < 0.9
        posts.append(
            Post(
                id=f"p{number}",
                source=chance.choice(SOURCES),
                source_id=str(number),
                channel=chance.choice(list(Channel)),
                text=text,
                title=chance.choice(texts)[:30] if chance.random() < 0.2 else "",
                fetched_at=at + timedelta(hours=1) if dated else at,
                published_at=at if dated else None,
            )
        )
    return posts


def readings_of(chance: random.Random, posts: Sequence[Post], model: str) -> list[Reading]:
    return [
        Reading(
            post_id=post.id,
            model=model,
            read_at=post.at + timedelta(days=1),
            relevant=chance.random() < 0.7,
            relevance=chance.random(),
            sentiment=chance.choice(list(Sentiment)),
            score=chance.uniform(-1, 1),
            topic=chance.choice(list(Topic)),
            matter=chance.choice(list(Matter)),
            target=chance.choice(list(Target)),
            regions=tuple(Region(code, "某地", 0, 1) for code in chance.sample(CODES, chance.randint(0, 3))),
            fingerprint=chance.getrandbits(64),
            embedding=chance.randbytes(16),
        )
        for post in posts
    ]


def query_of(chance: random.Random, texts: Sequence[str], depth: int = 0) -> str:
    """Return a query about these texts: half of them single terms, the others built of two or three."""
    if depth == 3 or chance.random() < 0.5:
        return chance.choice([some_word, some_word, some_phrase, some_field])(chance, texts)
    parts = [query_of(chance, texts, depth + 1) for _ in range(chance.randint(2, 3))]
    joined = chance.choice([" ", " OR ", " | ", " 且 "]).join(parts)
    return f"-({joined})" if chance.random() < 0.2 else f"({joined})"


def some_word(chance: random.Random, texts: Sequence[str]) -> str:
    return ("-" if chance.random() < 0.15 else "") + some_piece(chance, texts, 4).replace(":", "").strip("-")


def some_phrase(chance: random.Random, texts: Sequence[str]) -> str:
    return f'"{some_piece(chance, texts, 12)}"'


def some_field(chance: random.Random, texts: Sequence[str]) -> str:
    return chance.choice(FIELDS)


def some_piece(chance: random.Random, texts: Sequence[str], longest: int) -> str:
    text = chance.choice(texts)
    start = chance.randrange(len(text))
    piece = text[start : start + chance.randint(1, longest)]
    return "".join(sign for sign in piece if sign not in '"“”＂')


def search_of(chance: random.Random, texts: Sequence[str]) -> Search:
    since = BEGIN + timedelta(minutes=chance.randint(0, 40_000)) if chance.random() < 0.3 else None
    until = BEGIN + timedelta(minutes=chance.randint(0, 40_000)) if chance.random() < 0.3 else None
    return Search("" if chance.random() < 0.03 else query_of(chance, texts), since, until, limit=200)


def answers(store: Store, search: Search, chance: random.Random) -> list[object]:
    """Return everything that a store says to one search, a refusal included."""
    asked: list[Callable[[], object]] = [
        lambda: [(hit.post, hit.reading) for hit in store.posts.search(search).hits],
        lambda: store.posts.count(search),
        lambda: list(store.posts.facet(search, chance.choice(FACETS)).items()),  # type: ignore[arg-type]
        lambda: store.posts.trend(search, "day", chance.choice((None, *FACETS))),  # type: ignore[arg-type]
        lambda: store.posts.trend(search, "hour"),
    ]
    try:
        return [ask() for ask in asked]
    except UsageError as error:
        return [error.message]


def fill(store: Store, posts: Sequence[Post], readings: Sequence[Reading]) -> None:
    for start in range(0, len(posts), 2_000):
        store.posts.append(posts[start : start + 2_000])
    for start in range(0, len(readings), 2_000):
        store.posts.save_readings(readings[start : start + 2_000])


def differences(
    stores: Sequence[Store], texts: Sequence[str], read: int, queries: int, seed: int
) -> tuple[list[Search], int]:
    """Return the searches that the stores answer differently, and how many found anything."""
    chance = random.Random(seed)
    posts = posts_of(chance, texts)
    some = chance.sample(posts, read)
    readings = readings_of(chance, some, "reader-1") + readings_of(chance, some[: read // 10], "reader-2")
    for store in stores:
        fill(store, posts, readings)
    unlike, fruitful = [], 0
    for number in range(queries):
        search = search_of(chance, texts)
        one, other = (answers(store, search, random.Random(number)) for store in stores)
        fruitful += bool(one[0]) and len(one) > 1
        if one != other:
            unlike.append(search)
    return unlike, fruitful


@pytest.fixture
def open_both(elasticsearch: str, fresh_elastic: StoreConfig, tmp_path: Path) -> Iterator[Callable[[Cut], list[Store]]]:
    """Open both back ends with a cut."""
    opened: list[Store] = []

    def open_with(cut: Cut) -> list[Store]:
        opened.extend(open_store(each, tmp_path / "home", cut) for each in (StoreConfig(), fresh_elastic))
        return opened

    yield open_with
    for store in opened:
        store.close()


def test_both_back_ends_answer_alike_over_invented_texts(open_both: Callable[[Cut], list[Store]]) -> None:
    texts = list(invented_texts(random.Random(5), 3_000))
    unlike, fruitful = differences(open_both(cache(lambda text: tuple(cut_by_dictionary(text)))), texts, 2_000, 300, 6)
    assert unlike == []
    assert fruitful > 100


@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs the real texts in ../shared/corpus beside the checkout")
def test_both_back_ends_answer_alike_over_real_texts(open_both: Callable[[Cut], list[Store]]) -> None:
    texts = collected_texts(50_000)
    unlike, fruitful = differences(open_both(cache(lambda text: tuple(cut_by_dictionary(text)))), texts, 5_000, 200, 7)
    assert len(unlike) == 0
    assert fruitful > 100
