"""That an installation on real servers is saved in one file, and comes back whole on empty ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nlp.segment import CUT_VERSION, cut
from qingting.cli import app
from qingting.commands.shared import run
from qingting.config import StoreConfig
from qingting.errors import InputError, StoreError
from qingting.model import (
    Alert,
    AuditEntry,
    Channel,
    Cursor,
    Event,
    EventState,
    Level,
    Matter,
    Membership,
    Post,
    Reading,
    Reject,
    Sentiment,
    Topic,
)
from qingting.store import Search, Store, backup, digest_posts, open_store, restore_backup, write_backup
from qingting.strict import Secret

NOW = datetime(2025, 3, 1, 4, tzinfo=UTC)
POSTS, READ, READ_TWICE = 420, 300, 90
QUERIES = ("", "发臭", '"第7号"', "青石河 -死鱼", "情感:负面 地域:990102", "死鱼 OR 异味")

MakePost = Callable[..., Post]
MakeReading = Callable[..., Reading]
Servers = Callable[[str], StoreConfig]


def opened(where: StoreConfig, home: Path) -> closing[Store]:
    return closing(open_store(where, home, cut, cut_version=CUT_VERSION))


@pytest.fixture(params=["sqlite", "postgresql"])
def servers(request: pytest.FixtureRequest, fresh_elastic: StoreConfig) -> Servers:
    """Return where the old installation lives, or the new one: posts in Elasticsearch, cases in either database."""
    cases = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_database")

    def where(name: str) -> StoreConfig:
        return StoreConfig(Secret(f"{fresh_elastic.posts.reveal()}-{name}"), Secret(cases))

    return where


def fill(store: Store, make_post: MakePost, make_reading: MakeReading) -> None:
    """Store posts, some read, some twice, and cases of every kind that matters."""
    places, troubles = ("青石河", "白云湖", "长安路"), ("发臭", "死鱼一片", "有异味", "噪音扰民\n“凌晨”")
    store.posts.append(
        [
            make_post(
                number,
                f"{places[number % 3]}第{number}号{troubles[number % 4]}",
                published_at=None if number % 50 == 0 else NOW - timedelta(hours=number),
                channel=list(Channel)[number % 8],
                title="标题 < & 😷" if number % 9 == 0 else "",
            )
            for number in range(POSTS)
        ]
    )
    moods = list(Sentiment)
    readings = [
        make_reading(
            f"p{number}", sentiment=moods[number % 3], codes=("990102",), embedding=bytes([number % 256]) * 768
        )
        for number in range(READ)
    ]
    store.posts.save_readings(readings)
    store.posts.save_readings([replace(each, model="reader-2", fingerprint=7) for each in readings[:READ_TWICE]])
    cases, day = store.cases, timedelta(days=1)
    event = Event(
        "e1",
        "青石河死鱼",
        Topic.WATER,
        Matter.EMERGENCY,
        "990102",
        NOW - day,
        NOW,
        9,
        9,
        9,
        9,
        Level.RED,
        EventState.ACTIVE,
    )
    cases.events.save(event, "auto", "新事件", NOW)
    mood = Sentiment.NEGATIVE
    cases.events.add_members(
        [Membership("e1", f"p{n}", NOW, "同提：死鱼", 0.9, False, "", mood, "auto", NOW) for n in range(9)]
    )
    cases.alerts.add(Alert("a1", "e1", "volume", Level.RED, "青石河死鱼", "九条", NOW, NOW), ["值班室"], NOW)
    cases.records.set_cursor(Cursor("weibo", {"newest": "k9", "memory": {"runs": 3}}, NOW))
    cases.records.reject([Reject("r1", "weibo", "a.csv:7", "encoding", "第 7 行", b"\xff\x00", 2, NOW)])
    cases.records.audit([AuditEntry(NOW, "张三", "test", "s", str(number)) for number in range(40)])


@pytest.fixture
def home(tmp_path: Path, servers: Servers, make_post: MakePost, make_reading: MakeReading) -> Path:
    """Return the home of the old installation."""
    home = tmp_path / "home"
    with opened(servers("old"), home) as store:
        fill(store, make_post, make_reading)
    (home / "evidence" / "2025-03").mkdir(parents=True)
    (home / "evidence" / "2025-03" / "a.warc.gz").write_bytes(bytes(range(256)) * 1000)
    (home / "author.key").write_bytes(b"k" * 32)
    return home


def save(home: Path, where: StoreConfig, file: Path) -> backup.Manifest:
    with opened(where, home) as store:
        return write_backup(store, where, home, file, NOW, "0.1")


def everything(where: StoreConfig, home: Path) -> dict[str, object]:
    """Return all that an installation holds and answers, in a form that can be compared."""
    with opened(where, home) as store:
        posts = store.posts
        found: dict[str, object] = {
            "posts": digest_posts(posts),
            "tally": posts.tally(NOW),
            "cases": list(store.cases.dump()),
            "similar": posts.similar(7, 3, NOW - timedelta(days=90), NOW + timedelta(days=90)),
            "facets": [posts.facet(Search(), by) for by in ("sentiment", "channel", "region")],
            "trend": posts.trend(Search("死鱼"), "day", "sentiment"),
            "searches": [posts.search(Search(query, limit=500)) for query in QUERIES],
        }
    kept = [each for each in home.rglob("*") if each.is_file() and not each.name.startswith("qingting.db")]
    return {**found, "files": {str(each.relative_to(home)): each.read_bytes() for each in kept}}


def forget_cases(where: StoreConfig) -> None:
    """Empty the database of the cases where it is no file of the home."""
    if where.cases.reveal() != "sqlite":
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(where.cases.reveal(), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def restore(file: Path, where: StoreConfig, home: Path, note: Callable[[str], None] = lambda _: None) -> None:
    restore_backup(file, where, home, lambda: open_store(where, home, cut, cut_version=CUT_VERSION), note)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a backup have several parts, as large ones have."""
    monkeypatch.setattr(backup, "LINES_A_PART", 100)


def test_an_installation_on_servers_comes_back_whole_on_empty_ones(
    tmp_path: Path, home: Path, servers: Servers, small_parts: None
) -> None:
    before = everything(servers("old"), home)
    assert [len(found.hits) > 0 for found in before["searches"]] == [True] * len(QUERIES)  # type: ignore[attr-defined]
    manifest = save(home, servers("old"), tmp_path / "backup.tar.gz")
    assert (manifest.posts, manifest.tally) == ("lines", POSTS)
    assert manifest.digest is not None
    assert (manifest.digest.posts, manifest.digest.readings) == (POSTS, READ + READ_TWICE)
    assert sum(name.startswith("posts/") for name in manifest.members) == 5
    forget_cases(servers("new"))
    restore(tmp_path / "backup.tar.gz", servers("new"), tmp_path / "new")
    assert everything(servers("new"), tmp_path / "new") == before


def test_what_was_unread_is_claimed_and_read_after_a_restore_and_nothing_else(
    tmp_path: Path, home: Path, servers: Servers
) -> None:
    with opened(servers("old"), home) as store:
        assert len(store.posts.claim_unread("a", 50, NOW, timedelta(hours=9))) == 50
    save(home, servers("old"), tmp_path / "backup.tar.gz")
    forget_cases(servers("new"))
    restore(tmp_path / "backup.tar.gz", servers("new"), tmp_path / "new")
    with opened(servers("new"), tmp_path / "new") as store:
        claimed = {post.id for post in store.posts.claim_unread("b", 999, NOW, timedelta(hours=1))}
    assert claimed == {f"p{number}" for number in range(READ, POSTS)}


def test_a_restore_cut_off_half_way_through_the_posts_is_finished_by_another(
    tmp_path: Path, home: Path, servers: Servers, small_parts: None
) -> None:
    before = everything(servers("old"), home)
    save(home, servers("old"), tmp_path / "backup.tar.gz")
    forget_cases(servers("new"))
    seen: list[str] = []

    def cut_off(name: str) -> None:
        seen.append(name)
        # Once as it is checked, and once as it is put back.
        if seen.count("posts/000003.jsonl") == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(tmp_path / "backup.tar.gz", servers("new"), tmp_path / "new", cut_off)
    with opened(servers("new"), tmp_path / "new") as store:
        assert store.posts.tally(NOW).total == 300
    restore(tmp_path / "backup.tar.gz", servers("new"), tmp_path / "new")
    assert everything(servers("new"), tmp_path / "new") == before


@pytest.mark.parametrize("servers", ["sqlite"], indirect=True)
def test_indexes_that_hold_posts_already_are_left_as_they_are(
    tmp_path: Path, home: Path, servers: Servers, make_post: MakePost
) -> None:
    save(home, servers("old"), tmp_path / "backup.tar.gz")
    with opened(servers("new"), tmp_path / "used") as store:
        store.posts.append([make_post(1, "别人的帖文")])
    with pytest.raises(StoreError) as caught:
        restore(tmp_path / "backup.tar.gz", servers("new"), tmp_path / "new")
    assert (caught.value.reason, "换一个空的库" in caught.value.hint) == ("conflict", True)
    with opened(servers("new"), tmp_path / "used") as store:
        assert (store.posts.tally(NOW).total, store.posts.get(["p1"])["p1"].text) == (1, "别人的帖文")


@pytest.mark.parametrize("servers", ["sqlite"], indirect=True)
def test_posts_of_a_cluster_come_back_in_a_file_too(tmp_path: Path, home: Path, servers: Servers) -> None:
    before = everything(servers("old"), home)
    save(home, servers("old"), tmp_path / "backup.tar.gz")
    restore(tmp_path / "backup.tar.gz", StoreConfig(), tmp_path / "new")
    after = everything(StoreConfig(), tmp_path / "new")
    # A page's place is each back end's own; all else is the same.
    assert after == before


@pytest.fixture
def own_node(elastic_node: Any) -> Iterator[Any]:
    """Return the module's own node, which is up again afterwards."""
    yield elastic_node
    elastic_node.start()


def test_no_backup_is_left_of_a_cluster_that_is_lost_half_way(
    tmp_path: Path, own_node: Any, make_post: MakePost, make_reading: MakeReading, small_parts: None
) -> None:
    where = StoreConfig(posts=Secret(f"{own_node.url}/?index=lost"))
    with opened(where, tmp_path / "home") as store:
        fill(store, make_post, make_reading)

        def lose_it(name: str) -> None:
            if name == "posts/000002.jsonl":
                own_node.kill()

        with pytest.raises(StoreError) as caught:
            write_backup(store, where, tmp_path / "home", tmp_path / "b.tar.gz", NOW, "0.1", note=lose_it)
    assert (caught.value.reason, caught.value.retryable) == ("unavailable", True)
    assert not list(tmp_path.glob("b.tar.gz*"))


def test_servers_are_saved_and_restored_from_the_command_line(
    tmp_path: Path,
    home: Path,
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = everything(servers("old"), home)
    config = tmp_path / "config.toml"
    config.write_text('[store]\nposts = "env:POSTS"\ncases = "env:CASES"\n', encoding="utf-8")
    monkeypatch.setenv("CASES", servers("old").cases.reveal())
    file = tmp_path / "backup.tar.gz"
    rows = []
    for command, name, place in (("backup", "old", home), ("restore", "new", tmp_path / "new")):
        monkeypatch.setenv("POSTS", servers(name).posts.reveal())
        options = ["--json", "--home", str(place), "--config", str(config)]
        assert run(app, ["store", command, str(file), *options]) == 0
        rows.append(json.loads(capsys.readouterr().out))
        forget_cases(servers("new")) if command == "backup" else None
    assert [row["posts"] for row in rows] == [POSTS, POSTS]
    assert everything(servers("new"), tmp_path / "new") == before


def test_a_backup_with_one_changed_byte_reaches_no_server(tmp_path: Path, home: Path, servers: Servers) -> None:
    file = tmp_path / "backup.tar.gz"
    save(home, servers("old"), file)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(InputError):
        restore(file, servers("new"), tmp_path / "new")
    with opened(servers("new"), tmp_path / "other") as store:
        assert store.posts.tally(NOW).total == 0
