"""Operators are told once of a source that is blocked or silent, and only receivers who asked for that are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qingting.app import Service, open_service, watch_sources
from qingting.config import parse
from qingting.doctor import Condition
from qingting.model import SourceHealth
from qingting.web.app import create_app

NOW = datetime(2026, 9, 22, 4, tzinfo=UTC)
CONFIG = """
[[sources]]
id = "weibo"
name = "微博搜索"
kind = "weibo"
address = "https://m.weibo.example"
assessment = "公开信息，低频访问。"

[[alerts.receivers]]
name = "值班室"
url = "http://127.0.0.1:1/duty"

[[alerts.receivers]]
name = "信息中心"
url = "http://127.0.0.1:1/operations"
operations = true
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = open_service(parse(CONFIG, {}), tmp_path, lambda: NOW)
    yield opened
    opened.store.close()


def blocked(since: datetime) -> SourceHealth:
    return SourceHealth("weibo", "blocked", "对方返回 HTTP 418", since, NOW, 0)


def test_a_blocked_source_is_told_once_an_episode_to_those_who_asked(service: Service) -> None:
    records, alerts = service.store.cases.records, service.store.cases.alerts
    records.set_health(blocked(NOW - timedelta(minutes=20)))
    [alert] = watch_sources(service)
    assert "微博搜索" in alert.title
    assert "418" in alert.summary
    assert [delivery.receiver for delivery in alerts.deliveries(alert.id)] == ["信息中心"]
    assert watch_sources(service) == []

    records.set_health(SourceHealth("weibo", "ok", "", NOW, NOW, 12))
    assert watch_sources(service) == []
    records.set_health(blocked(NOW))
    assert len(watch_sources(service)) == 1


def test_the_inbox_shows_it_without_a_link_to_an_event(service: Service) -> None:
    service.store.cases.records.set_health(blocked(NOW - timedelta(hours=1)))
    watch_sources(service)
    page = TestClient(create_app(service.store, service.config, service.clock, Condition)).get("/")
    assert page.status_code == 200
    assert "信源被拦截：微博搜索" in page.text
    assert 'href="/events/n' not in page.text
