"""Moving the posts of an installation to Elasticsearch and back from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nlp.segment import CUT_VERSION, cut
from qingting.cli import app
from qingting.commands import store as command
from qingting.commands.shared import run
from qingting.config import StoreConfig
from qingting.model import Post, Reading
from qingting.store import Posts, Progress, Search, Store, digest_posts, open_store


def open_home(home: Path, where: StoreConfig | None = None) -> Store:
    return open_store(where or StoreConfig(), home, cut, cut_version=CUT_VERSION)


@pytest.fixture
def filled(tmp_path: Path, make_post: Callable[..., Post], make_reading: Callable[..., Reading]) -> Path:
    """Return a home with 2,500 posts, some read, some by two models."""
    home = tmp_path / "home"
    store = open_home(home)
    store.posts.append([make_post(number, f"河水{number}发臭") for number in range(2500)])
    store.posts.save_readings([make_reading(f"p{number}") for number in range(1200)])
    store.posts.save_readings([make_reading(f"p{number}", model="reader-2") for number in range(600)])
    store.close()
    return home


def copy(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(app, ["store", "copy", *arguments])
    return code, *capsys.readouterr()


def test_posts_move_to_elasticsearch_and_back_and_are_the_same(
    tmp_path: Path,
    filled: Path,
    fresh_elastic: StoreConfig,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QINGTING_POSTS_URL", fresh_elastic.posts.reveal())
    code, told, wrong = copy(capsys, "--from", "sqlite", "--to", "elastic", "--json", "--home", str(filled))
    assert code == 0, wrong
    row = json.loads(told)
    assert (row["half"], row["posts"], row["readings"]) == ("posts", 2500, 1800)
    code, told, wrong = copy(capsys, "--from", "elastic", "--to", "sqlite", "--home", str(tmp_path / "back"))
    assert (code, "帖文 2500 条、研读 1800 条" in told) == (0, True), wrong
    old, new = open_home(filled), open_home(tmp_path / "back")
    assert digest_posts(new.posts) == digest_posts(old.posts)
    assert new.posts.count(Search("发臭 议题:水")) == old.posts.count(Search("发臭 议题:水")) == 1200
    old.close()
    new.close()
    assert not list(filled.glob("*.progress"))


def test_a_move_that_was_cut_off_goes_on_when_it_is_run_again(
    filled: Path,
    fresh_elastic: StoreConfig,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QINGTING_POSTS_URL", fresh_elastic.posts.reveal())
    begun_at: list[int] = []
    whole = command.copy_posts

    def cut_off(source: Posts, target: Posts, begun: Progress, note: Callable[[Progress], None]) -> object:
        begun_at.append(begun.digest.posts)

        def note_and_stop(progress: Progress) -> None:
            note(progress)
            if len(begun_at) == 1:
                raise OSError("the plug was pulled")

        return whole(source, target, begun, note_and_stop)

    monkeypatch.setattr(command, "copy_posts", cut_off)
    arguments = ("--from", "sqlite", "--to", "elastic", "--home", str(filled))
    with pytest.raises(OSError, match="plug"):
        copy(capsys, *arguments)
    code, told, wrong = copy(capsys, *arguments)
    assert (code, "帖文 2500 条、研读 1800 条" in told) == (0, True), wrong
    assert begun_at == [0, 1000]


def test_posts_that_the_other_place_has_besides_are_told_of(
    filled: Path,
    fresh_elastic: StoreConfig,
    make_post: Callable[..., Post],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QINGTING_POSTS_URL", fresh_elastic.posts.reveal())
    there = open_home(filled, fresh_elastic)
    there.posts.append([make_post(9000, "别处的帖文")])
    there.close()
    code, _, wrong = copy(capsys, "--from", "sqlite", "--to", "elastic", "--home", str(filled))
    assert (code, "核对不一致" in wrong, "建议" in wrong) == (1, True, True)
