"""What an event is called."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.headline import LONGEST, headlines
from alerts.traits import traits
from qingting.config import NeverMissConfig
from qingting.model import Channel, Matter, Sentiment

FISH = ("清源河", "死鱼", "临河段")


def title(desk, said):
    return desk.store.cases.events.get(desk.event_of(said)).title


def test_the_clause_that_says_most_of_what_the_members_share_is_the_headline(desk, say):
    first = say("起个大早去钓鱼，清源河临河段漂了一长溜死鱼，竿都没支起来[图片]", 6, words=FISH)
    desk.hear(first)
    assert title(desk, first) == "清源河临河段漂了一长溜死鱼"


def test_a_newspapers_title_takes_over_from_a_passers_by_words_and_stays(desk, say):
    said = [say(f"晨跑看到清源河里有死鱼，第{n}张照片", 6 + n / 10, words=("清源河", "死鱼")) for n in range(3)]
    desk.hear(*said)
    news = say("今晨多名市民反映。", 9, title="清源河临河段出现大量死鱼", words=FISH, channel=Channel.NEWS)
    desk.hear(news)
    assert title(desk, said[0]) == "清源河临河段出现大量死鱼"
    for n in range(6):
        desk.hear(say(f"清源河临河段的死鱼看着真难受，第{n}天", 10 + n, words=FISH))
        assert title(desk, said[0]) == "清源河临河段出现大量死鱼"


def test_a_notices_own_name_is_no_headline_when_there_is_a_better_one(desk, say):
    first = say("清源河临河段漂了一长溜死鱼", 6, words=FISH)
    notice = say(
        "清源河临河段死鱼一事通报如下。",
        8,
        title="关于清源河临河段死鱼情况的通报（第二号）",
        words=FISH,
        channel=Channel.OFFICIAL,
        matter=Matter.EMERGENCY,
        mood=Sentiment.NEUTRAL,
    )
    desk.hear(first, notice)
    assert desk.together(first, notice)
    assert title(desk, first) == "清源河临河段漂了一长溜死鱼"


def test_personal_data_never_stands_in_a_headline(desk, say):
    said = say("清源河死鱼请回电13900005678", 6, words=("清源河", "死鱼"))
    desk.hear(said)
    assert "13900005678" not in title(desk, said)


def test_a_post_without_words_is_called_by_its_topic(desk, say):
    said = say("[怒][怒]", 6)
    desk.hear(said)
    assert title(desk, said) == "水相关帖文"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300), st.text(max_size=80))
def test_any_text_gives_headlines_of_one_line_and_forty_characters_at_most(say, text, heading):
    said = say(text or "空", 6, title=heading)
    for headline in headlines(traits(said.post, said.reading, NeverMissConfig())):
        assert len(headline) <= LONGEST
        assert "\n" not in headline
