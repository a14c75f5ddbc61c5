"""A near-duplicate points to the first post of another voice that said the same, within a batch and across batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qingting.app import Service, Worker, open_service, open_service_reader
from qingting.config import Config
from qingting.model import Channel, Post, stable_id

NOW = datetime(2026, 9, 22, 12, tzinfo=UTC)
REPORT = "今晨多名市民反映，青石河大桥下游水面漂浮大量死鱼，河水发黄并伴有刺鼻气味，生态环境部门已派人到现场取样调查。"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = open_service(Config(), tmp_path, lambda: NOW)
    yield opened
    opened.store.close()


def post(source: str, text: str, hours: float) -> Post:
    """Return a news item published some hours before noon."""
    at = NOW - timedelta(hours=hours)
    return Post(stable_id("p", source, text), source, text[:8], Channel.NEWS, text, NOW, at)


def test_copies_point_to_the_first_seen_and_never_to_a_copy(service: Service) -> None:
    first = post("甲报", REPORT, 5)
    second = post("乙网", f"【本地】{REPORT}！", 4)
    other = post("丙网", "优化营商环境，助力民营经济高质量发展，我市召开专题座谈会听取企业家意见建议。", 3)
    third = post("丁网", REPORT.replace("，", " "), 2)
    store = service.store
    worker = Worker(service, open_service_reader(service.config), "test")
    store.posts.append([first, second, other])
    worker.work()
    store.posts.append([third])
    worker.work()
    readings = store.posts.readings([each.id for each in (first, second, other, third)])
    pointing = {each: reading.copy_of for each, reading in readings.items()}
    assert pointing == {first.id: "", second.id: first.id, other.id: "", third.id: first.id}
