"""Posts and rejects are kept as long as config.toml says and no longer, but for what cases rest on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qingting.app import Service, kept_for, open_service, outdated, sweep
from qingting.cli import app
from qingting.commands.shared import run
from qingting.config import parse
from qingting.errors import ConfigError
from qingting.model import Alert, Channel, Level, Matter, Post, Reading, Reject, Sentiment, Target, Topic
from qingting.store import Search, open_store

NOW = datetime(2026, 9, 22, 4, tzinfo=UTC)
DAY = timedelta(days=1)
CONFIG = "[store]\nkeep_days = 30\nreject_days = 60\n"


def fill(service: Service) -> None:
    """Store a post and a reject for each of the last ninety days, and an alert on the posts of 50 and 51 days ago."""
    store = service.store
    posts = [
        Post(f"p{n}", "weibo", str(n), Channel.SOCIAL, f"河水发臭 {n}", NOW - n * DAY, NOW - n * DAY) for n in range(90)
    ]
    store.posts.append(posts)
    store.posts.save_readings([reading(post.id) for post in posts])
    store.cases.records.reject(
        [Reject(f"r{n}", "weibo", f"a.csv:{n}", "encoding", "", b"\xff", 1, NOW - n * DAY) for n in range(90)]
    )
    at = NOW - 50 * DAY
    store.cases.alerts.add(
        Alert("a1", "e1", "volume", Level.RED, "清江异味", "", at, at, post_ids=("p50", "p51")), [], at
    )


def reading(post_id: str) -> Reading:
    values = (Sentiment.NEGATIVE, -0.5, Topic.WATER, Matter.COMPLAINT, Target.POLLUTER)
    return Reading(post_id, "reader-1", NOW, True, 0.9, *values)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = open_service(parse(CONFIG, {}), tmp_path / "home", lambda: NOW)
    fill(opened)
    yield opened
    opened.store.close()


def stored(service: Service) -> set[str]:
    return {hit.post.id for hit in service.store.posts.search(Search(limit=1000)).hits}


def test_a_sweep_drops_what_is_older_than_it_is_kept_and_no_case_rests_on(service: Service) -> None:
    found = outdated(service, NOW - 30 * DAY)
    assert (found.going, found.staying) == (57, 2)
    sweep(service)
    assert stored(service) == {f"p{n}" for n in [*range(31), 50, 51]}
    assert {each.id for each in service.store.cases.records.rejects(999)} == {f"r{n}" for n in range(61)}
    assert service.store.cases.records.horizon() == NOW - 30 * DAY
    done, begun = service.store.cases.records.audit_of("posts")
    assert (begun.actor, begun.action, done.action) == ("系统", "posts.drop", "posts.dropped")
    assert ("57 条" in begun.detail, "2 条因预警或稿件引用而保留" in begun.detail) == (True, True)
    assert "57 条" in done.detail
    sweep(service)
    assert service.store.cases.records.audit_of("posts") == [done, begun]


def test_by_default_posts_are_kept_for_ever_and_rejects_for_a_year(tmp_path: Path) -> None:
    opened = open_service(parse("", {}), tmp_path / "home", lambda: NOW + 300 * DAY)
    fill(opened)
    assert kept_for(opened.config) is None
    sweep(opened)
    assert len(stored(opened)) == 90
    assert {each.id for each in opened.store.cases.records.rejects(999)} == {f"r{n}" for n in range(66)}
    opened.store.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keep_days = -1", "store.keep_days = -1 不能小于 0。"),
        ("keep_days = 20", "store.keep_days = 20 太短，归并和声量规则还要用到前 21 天的帖文。"),
        ("keep_days = 30.5", "store.keep_days 应当是整数"),
        ("reject_days = -5", "store.reject_days = -5 不能小于 0。"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"[store]\n{text}", {})
    assert message in caught.value.message


def test_zero_and_what_is_just_long_enough_are_taken() -> None:
    for text in ("keep_days = 0", "reject_days = 0", "keep_days = 21"):
        assert parse(f"[store]\n{text}", {}) is not None


WORK = """
import sys
from datetime import timedelta
from pathlib import Path
import qingting.roles
import qingting.standing
from qingting.app import open_service, open_service_reader
from qingting.commands.shared import utc_now
from qingting.config import load
qingting.standing.FIRST_SWEEP = timedelta(seconds=0.5)
service = open_service(load(Path(sys.argv[1])), Path(sys.argv[2]), utc_now)
qingting.roles.run_work(service, open_service_reader(service.config))
service.store.close()
"""


def test_the_work_role_sweeps_soon_after_it_has_started(service: Service, tmp_path: Path) -> None:
    # What is real here is the clock of the role: all posts but one are years old by then.
    fresh = datetime.now(UTC) - DAY
    service.store.posts.append([Post("fresh", "weibo", "f", Channel.SOCIAL, "河水", fresh, fresh)])
    config = tmp_path / "config.toml"
    config.write_text('[store]\nkeep_days = 30\n[reader]\nbackend = "lexicon"\n', encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-c", WORK, str(config), str(service.home)])
    try:
        for _ in range(300):
            if "p1" not in stored(service) and len(service.store.cases.records.audit_of("posts")) == 2:
                break
            time.sleep(0.1)
        process.terminate()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
    assert stored(service) == {"p50", "p51", "fresh"}


# The command


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def drop(service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return what runs `qingting store drop` in this process, with an answer to what it asks."""
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str, answer: str = "n\n") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", _Answers(answer))
        code = run(app, ["store", "drop", *arguments, "--home", str(service.home)])
        return (code, *capsys.readouterr())

    return command


class _Answers:
    """A terminal at which somebody types one line."""

    def __init__(self, text: str) -> None:
        self._text = text

    def readline(self) -> str:
        """Return the line."""
        text, self._text = self._text, ""
        return text


def test_the_command_tells_what_would_go_asks_and_does_nothing_on_a_no(service: Service, drop: Command) -> None:
    code, told, asked = drop("--before", "2026-08-23")
    assert (code, told.strip()) == (1, "")
    assert "2026-08-23 00:00 以前发布的帖文：将永久删除 57 条，保留被预警或稿件引用的 2 条。" in asked
    assert ("确定删除吗" in asked, "没有删除任何帖文" in asked) == (True, True)
    assert (len(stored(service)), service.store.cases.records.audit_of("posts")) == (90, [])


@pytest.mark.parametrize(("arguments", "answer"), [((), "y\n"), (("--yes",), "")])
def test_the_command_drops_on_a_yes_and_leaves_a_trace_with_a_name(
    service: Service, drop: Command, arguments: tuple[str, ...], answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "李四")
    code, told, _ = drop("--before", "2026-08-23", *arguments, answer=answer)
    assert (code, told.strip()) == (0, "已删除帖文 57 条。")
    assert stored(service) == {f"p{n}" for n in [*range(31), 50, 51]}
    assert {each.actor for each in service.store.cases.records.audit_of("posts")} == {"李四"}
    assert drop("--before", "2026-08-23")[:2] == (0, "已删除帖文 0 条。\n")


def test_the_command_speaks_json_and_refuses_what_is_yet_to_come(service: Service, drop: Command) -> None:
    code, told, _ = drop("--before", "2026-08-23T00:00:00+08:00", "--yes", "--json")
    assert (code, json.loads(told)) == (0, {"before": "2026-08-23T00:00:00+08:00", "dropped": 57, "staying": 2})
    code, _, error = drop("--before", "2999-01-01", "--yes")
    assert (code, "还没有到" in error, "建议" in error) == (2, True, True)
    assert len(stored(service)) == 33


def test_an_event_whose_old_posts_are_gone_is_still_shown(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    from qingting.commands.events import member_rows
    from qingting.model import Membership

    def member(post_id: str) -> Membership:
        return Membership("e1", post_id, NOW, "首帖", 1.0, False, "", Sentiment.NEGATIVE, "auto", NOW)

    service.store.cases.events.add_members([member("p1"), member("p60")])
    sweep(service)
    assert [row["id"] for row in member_rows(service.store, "e1")] == ["p1"]


def test_a_store_opened_anew_knows_what_was_dropped(service: Service) -> None:
    sweep(service)
    again = open_store(service.config.store, service.home, list)
    assert again.posts.known(["p29", "p31", "p50"]) == {"p29", "p50"}
    again.close()
