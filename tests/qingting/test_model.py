"""The model: closed vocabularies with labels, aware times, stable ids."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qingting import model
from qingting.model import Channel, Labelled, Level, Matter, Post, Target, Topic, shown, stable_id, utc

VOCABULARIES = [each for each in vars(model).values() if isinstance(each, type) and issubclass(each, Labelled)]


@pytest.mark.parametrize("vocabulary", [each for each in VOCABULARIES if each is not Labelled])
def test_every_word_of_a_vocabulary_has_its_own_chinese_label(vocabulary: type[Labelled]) -> None:
    labels = [member.label for member in vocabulary]
    assert len(set(labels)) == len(labels) > 1
    assert all(any("\u4e00" <= character <= "\u9fff" for character in label) for label in labels)


def test_the_vocabularies_are_those_of_the_command_lines_contract() -> None:
    assert " ".join(Topic) == "air water marine soil waste noise radiation ecology climate chemicals general none"
    expected = "complaint emergency enforcement approval inspection quality policy publicity opinion none"
    assert " ".join(Matter) == expected
    assert " ".join(Target) == "polluter authority policy data environment person none"


def test_levels_rank_from_blue_to_red() -> None:
    assert [level.rank for level in Level] == [0, 1, 2, 3]
    assert max(Level, key=lambda level: level.rank) is Level.RED


def test_a_post_without_a_time_zone_is_refused() -> None:
    naive = datetime(2026, 9, 22, 1, 30)  # noqa: DTZ001  that is what is refused
    with pytest.raises(ValueError, match=r"Post\.fetched_at has no time zone"):
        Post("p1", "s", "1", Channel.NEWS, "文", naive)
    with pytest.raises(ValueError, match="without a zone"):
        utc(naive)


def test_a_post_counts_for_its_publication_or_else_for_its_collection() -> None:
    fetched = datetime(2026, 9, 22, 4, tzinfo=UTC)
    published = datetime(2026, 9, 22, 1, tzinfo=UTC)
    assert Post("p1", "s", "1", Channel.NEWS, "文", fetched).at == fetched
    assert Post("p1", "s", "1", Channel.NEWS, "文", fetched, published).at == published


@pytest.mark.parametrize(
    ("title", "text", "passage"),
    [("", "正文", "正文"), ("标题", "正文", "标题\n正文"), ("标题", "标题，正文", "标题，正文")],
)
def test_a_passage_holds_the_title_once(title: str, text: str, passage: str) -> None:
    assert Post("p1", "s", "1", Channel.NEWS, text, datetime(2026, 9, 22, tzinfo=UTC), title=title).passage == passage


def test_an_id_depends_on_all_its_parts_and_their_bounds() -> None:
    assert stable_id("p", "a", "bc") == stable_id("p", "a", "bc")
    assert (
        len({stable_id("p", "a", "bc"), stable_id("p", "ab", "c"), stable_id("p", "abc"), stable_id("e", "a", "bc")})
        == 4
    )


def test_times_are_shown_in_shanghai() -> None:
    assert shown(datetime(2026, 9, 21, 17, 30, tzinfo=UTC)) == "2026-09-22 01:30"
    assert shown(None) == "时间不详"
