"""Grouping on real texts, where the folder of shared texts stands beside the checkout."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from alerts.detect import detect
from alerts.grouping import Grouper
from nlp.reader import open_reader
from nlp.segment import cut
from qingting.config import AlertsConfig, StoreConfig
from qingting.model import Channel, Post
from qingting.store import open_store

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
NOON = datetime(2026, 9, 22, 4, tzinfo=UTC)
SAMPLE = 600

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="no folder of shared texts beside the checkout")


def worked(posts, home):
    """Return the sizes of the groups, largest first, and the alerts, after the posts were read and worked."""
    readings = {reading.post_id: reading for reading in open_reader("onnx").read(posts, NOON)}
    store, settings = open_store(StoreConfig(), home, cut), AlertsConfig()
    store.posts.append(posts)
    with store.transaction():
        events = Grouper(store.cases, settings.grouping).group(posts, readings, NOON)
        alerts = detect(store, events, posts, readings, settings, NOON)
    sizes = sorted((event.size for event in store.cases.events.latest()), reverse=True)
    store.close()
    return sizes, alerts


@needs_corpus
def test_undated_public_posts_do_not_become_one_giant_event_and_raise_no_volume_alert(tmp_path):
    with gzip.open(CORPUS / "posts.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, SAMPLE)]
    posts = [Post(row["id"], "corpus", row["id"], Channel.SOCIAL, row["text"], NOON) for row in rows]
    sizes, alerts = worked(posts, tmp_path)
    assert sizes[0] <= 0.05 * SAMPLE
    assert sum(sizes) >= 0.3 * SAMPLE
    assert {alert.rule for alert in alerts} <= {"must_never_miss"}


@needs_corpus
def test_hotline_complaints_of_a_city_stay_apart_unless_they_name_the_same_place(tmp_path):
    with (CORPUS / "hotline_messages.csv").open(encoding="utf-8-sig", newline="") as lines:
        rows = [
            row for row in csv.DictReader(lines) if any(word in row["留言详情"] for word in ("噪音", "油烟", "污染"))
        ]
    posts = [
        Post(
            id=row["留言编号"],
            source="hotline",
            source_id=row["留言编号"],
            channel=Channel.HOTLINE,
            text=row["留言详情"].strip(),
            title=row["留言主题"],
            fetched_at=NOON,
            published_at=NOON - timedelta(minutes=number),
            author_key=row["留言用户"],
        )
        for number, row in enumerate(rows[:300])
    ]
    sizes, _ = worked(posts, tmp_path)
    assert sizes[1] <= 15
    assert sizes[0] <= 40
