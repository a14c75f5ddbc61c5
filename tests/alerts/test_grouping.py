"""Which posts are put together, and which are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.grouping import Grouper, group
from alerts.profile import words_of
from nlp.segment import cut
from qingting.config import GroupingConfig, StoreConfig
from qingting.model import Channel, EventState, Matter, Sentiment, Topic
from qingting.store import open_store

FOAM = ("清源河", "白沫", "临河段", "河水", "发黄")
FISH = ("清源河", "死鱼", "临河段", "河水", "发黄")


def test_first_posts_of_one_matter_are_one_event_and_shown_from_the_third(desk, say):
    first = say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH)
    second = say("晨跑看到清源河里全是死鱼，水发黄", 6.2, words=("清源河", "死鱼", "发黄"))
    third = say("临河段水面一片白，都是死鱼，清源河怎么了", 6.4, words=("临河段", "死鱼", "清源河"))
    [candidate] = desk.hear(first, second)
    assert (candidate.state, candidate.size) == (EventState.CANDIDATE, 2)
    [event] = desk.hear(third)
    assert desk.together(first, second, third)
    assert (event.state, event.size, event.distinct, event.authors) == (EventState.ACTIVE, 3, 3, 3)
    assert event.first_seen == first.post.at
    assert event.last_seen == third.post.at


def test_a_repost_joins_its_parents_event_and_counts_as_copy_only_when_it_says_nothing(desk, say):
    parent = say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH)
    bare = say("转发微博", 6.1, parent=parent, words=("转发",))
    telling = say("我家就在这一段，昨晚还带孩子来玩水//@老周:清源河临河段岸边漂了一长溜死鱼", 6.2, parent=parent)
    desk.hear(parent)
    [event] = desk.hear(bare, telling)
    assert desk.together(parent, bare, telling)
    assert (event.size, event.distinct) == (3, 2)
    copies = {member.post_id: member.copy for member in desk.store.cases.events.members(event.id)}
    assert copies == {parent.post.id: False, bare.post.id: True, telling.post.id: False}


def test_a_repost_handed_in_before_its_parent_of_the_same_moment_still_joins_it(desk, say):
    parent = say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH)
    repost = say("转发微博", 6, parent=parent)
    desk.hear(repost, parent)
    assert desk.together(parent, repost)


def test_an_irrelevant_repost_of_a_member_joins_as_copy_and_another_irrelevant_post_nowhere(desk, say):
    parent = say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH)
    repost = say("哈哈哈哈今天中午吃什么好呢//@老周:死鱼", 6.1, parent=parent, relevant=False)
    other = say("今天中午吃红烧鱼", 6.2, relevant=False)
    desk.hear(parent, repost, other)
    [member] = [m for m in desk.store.cases.events.members(desk.event_of(parent)) if m.post_id == repost.post.id]
    assert member.copy
    assert desk.event_of(other) == ""


def test_a_repost_of_an_event_long_past_still_joins_it(desk, say):
    parent = say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH)
    late = say("转发微博", 6 + 24 * 20, parent=parent)
    desk.hear(parent)
    desk.hear(say("楼下烧烤店油烟太大", 6 + 24 * 20 - 1, words=("烧烤店", "油烟")))
    desk.hear(late)
    assert desk.together(parent, late)


def test_near_copies_join_as_copies_and_do_not_count_as_distinct(desk, say):
    first = say("【网友爆料】清源河临河段出现大量死鱼，水体发黄", 7, fingerprint=0b1011 << 40)
    near = say("网友爆料：清源河临河段出现大量死鱼！水体发黄！！", 7.5, fingerprint=0b1001 << 40)
    far = say("某地发现一处古墓", 7.6, fingerprint=(1 << 64) - 1, words=("古墓",))
    desk.hear(first, near, far)
    event = desk.store.cases.events.get(desk.event_of(first))
    assert desk.together(first, near)
    assert (event.size, event.distinct) == (2, 1)
    assert not desk.together(first, far)


def test_copies_are_still_recognised_after_a_restart(desk, say):
    first = say("清源河临河段出现大量死鱼，水体发黄", 7, fingerprint=99)
    near = say("清源河临河段出现大量死鱼，水体发黄！", 8, fingerprint=98)
    desk.hear(first)
    other = desk.restarted()
    [event] = other.hear(near)
    assert (event.size, event.distinct) == (2, 1)


def test_complaints_about_restaurant_fumes_in_two_places_stay_apart(desk, say):
    words = ("油烟", "饭店", "烟囱", "居民楼", "投诉", "直排", "净化器")
    one = say("文昌街老灶台饭店的油烟直排居民楼", 9, words=words, place="990102", topic=Topic.AIR)
    two = say("桃园街阿辉饭店的油烟直排居民楼", 10, words=words, place="990103", topic=Topic.AIR)
    unplaced = say("楼下饭店油烟直排居民楼，没人管", 11, words=("油烟", "饭店", "居民楼", "直排"), topic=Topic.AIR)
    desk.hear(one, two, unplaced)
    assert len({desk.event_of(each) for each in (one, two, unplaced)}) == 3


def test_complaints_about_one_named_restaurant_come_together(desk, say):
    one = say("桃园街好再来饭店油烟太大", 9, words=("油烟", "桃园街", "好再来"), topic=Topic.AIR)
    two = say("好再来饭店在桃园街，油烟机坏了几个月", 30, words=("好再来", "油烟机"), topic=Topic.AIR)
    desk.hear(one, two)
    assert desk.together(one, two)


def test_two_plants_in_two_districts_are_two_events(desk, say):
    words = ("化工", "刺鼻", "气味", "半夜", "偷排")
    one = say("高新区恒泰化工半夜偷排，气味刺鼻", 2, words=words, place="990104", company="恒泰化工有限公司")
    two = say("东湖区金源化工半夜偷排，气味刺鼻", 2.5, words=words, place="990103", company="金源化工有限公司")
    more = say("恒泰化工又在偷排，气味刺鼻", 3, words=words, place="990104", company="恒泰化工")
    desk.hear(one, two, more)
    assert not desk.together(one, two)
    assert desk.together(one, more)


def test_a_plant_named_in_full_and_in_short_is_one_plant(desk, say):
    words = ("搅拌站", "罐车", "翠湖苑", "夜里")
    full = say("翠湖苑隔壁宏盛混凝土搅拌站夜里罐车不停", 2, words=words, company="宏盛混凝土搅拌站", topic=Topic.NOISE)
    short = say("宏盛搅拌站罐车一辆接一辆，翠湖苑谁能睡", 3, words=words, company="宏盛搅拌站", topic=Topic.NOISE)
    other = say("翠湖苑另一边金源搅拌站夜里罐车不停", 4, words=words, company="金源搅拌站", topic=Topic.NOISE)
    desk.hear(full, short, other)
    assert desk.together(full, short)
    assert not desk.together(short, other)


def test_two_named_plants_in_one_district_are_two_events(desk, say):
    words = ("化工", "刺鼻", "气味", "半夜", "偷排", "化工园")
    one = say("化工园里恒泰化工半夜偷排，气味刺鼻", 2, words=words, place="990104", company="恒泰化工有限公司")
    two = say("化工园里金源化工半夜偷排，气味刺鼻", 2.5, words=words, place="990104", company="金源化工有限公司")
    desk.hear(one, two)
    assert not desk.together(one, two)


def test_news_weibo_rumour_and_statement_of_one_spill_are_one_event(desk, say):
    fish = [say(f"清源河临河段全是死鱼，水发黄，第{n}次拍到", 6 + n / 10, words=FISH) for n in range(6)]
    news = say(
        "今晨多名市民反映清源河临河段水面漂浮大量死鱼。",
        9,
        title="清源河临河段出现大量死鱼 原因不明",
        words=("清源河", "死鱼", "临河段", "市民"),
        matter=Matter.EMERGENCY,
        mood=Sentiment.NEUTRAL,
        channel=Channel.NEWS,
    )
    rumour = say(
        "刚接的自来水有怪味！取水口就在清源河死鱼那段下游，大家先别喝！",
        8.4,
        words=("自来水", "怪味", "取水口", "清源河"),
        matter=Matter.OPINION,
    )
    echo = say("求证，自来水还能喝吗？都说取水口被污染了", 8.6, words=("自来水", "取水口"), matter=Matter.OPINION)
    statement = say(
        "清源河水质异常，第二自来水厂取水口已预防性关闭，死鱼正在打捞。",
        11,
        title="关于清源河水质异常情况的通报",
        words=("清源河", "水质", "取水口", "自来水", "死鱼"),
        matter=Matter.EMERGENCY,
        mood=Sentiment.NEUTRAL,
        channel=Channel.OFFICIAL,
    )
    for said in (*fish, rumour, echo, news, statement):
        desk.hear(said)
    assert desk.together(*fish, news, rumour, echo, statement)


def test_an_old_event_takes_no_new_posts(desk, say):
    old = say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH)
    new = say("清源河临河段又漂了死鱼，水发黄", 6 + 24 * 9, words=FISH)
    desk.hear(old)
    desk.hear(new)
    assert not desk.together(old, new)


def test_the_same_batch_again_changes_nothing(desk, say):
    said = [say(f"清源河死鱼{n}", 6 + n / 10, words=FISH) for n in range(4)]
    desk.hear(*said)
    before = desk.store.cases.events.latest()
    posts, readings = [each.post for each in said], {each.post.id: each.reading for each in said}
    now = said[-1].post.at + timedelta(hours=1)
    assert desk.grouper.group(posts, readings, now) == []
    assert group(desk.store.cases, posts, readings, desk.settings.grouping, now) == []
    assert desk.store.cases.events.latest() == before


def test_a_second_process_sees_what_the_first_has_grouped_and_neither_loses_count(desk, say):
    said = [say(f"清源河死鱼{n}，水发黄", 6 + n / 10, words=FISH) for n in range(6)]
    other = desk.restarted()
    for number, each in enumerate(said):
        (desk if number % 2 else other).hear(each)
    assert desk.together(*said)
    event = desk.store.cases.events.get(desk.event_of(said[0]))
    assert (event.size, event.distinct, event.authors) == (6, 6, 6)


def test_a_batch_that_was_rolled_back_is_forgotten(desk, say):
    said = say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH)
    posts, readings = [said.post], {said.post.id: said.reading}
    with pytest.raises(ZeroDivisionError), desk.store.transaction():
        1 / len(desk.grouper.group(posts, readings, said.post.at)[1:])
    more = say("晨跑看到清源河里全是死鱼，水发黄", 6.2, words=FISH)
    desk.hear(more)
    desk.hear(said)
    event = desk.store.cases.events.get(desk.event_of(more))
    assert desk.together(said, more)
    assert event.size == 2


def test_without_embeddings_words_alone_decide(desk, say):
    one = say("翠湖苑旁宏盛搅拌站半夜轰隆隆", 23, words=("翠湖苑", "搅拌站", "宏盛"), topic=Topic.NOISE)
    two = say("宏盛搅拌站又开工了，翠湖苑没法睡", 24, words=("宏盛", "翠湖苑"), topic=Topic.NOISE)
    desk.hear(one, two)
    assert desk.together(one, two)
    assert desk.store.cases.events.get(desk.event_of(one)).centroid == b""


def test_a_generic_theme_does_not_become_one_giant_event(desk, say):
    words = ("噪音", "施工", "夜间", "小区", "投诉", "扰民", "工地")
    said = [
        say(f"{name}小区旁工地夜间施工，噪音扰民", n / 20, words=(name, *words), topic=Topic.NOISE)
        for n, name in enumerate(f"{a}{b}" for a in "金银铜铁锡松竹梅兰菊" for b in "辉泰盛安福")
    ]
    desk.hear(*said)
    assert len({desk.event_of(each) for each in said}) >= 45


def test_official_routine_about_one_river_is_not_one_event(desk, say):
    topics = (
        ("水质月报", "断面", "优良"),
        ("补偿协议", "流域", "签订"),
        ("增殖放流", "鱼苗", "志愿者"),
        ("河长巡河", "责任", "落实"),
    )
    said = [
        say(f"清源河{a}{b}{c}", 24 * n, words=("清源河", a, b, c), matter=Matter.PUBLICITY, mood=Sentiment.NEUTRAL)
        for n, (a, b, c) in enumerate(topics)
    ]
    desk.hear(*said)
    assert len({desk.event_of(each) for each in said}) == 4


def test_a_doubtful_post_joins_a_shown_event_that_it_clearly_speaks_of_and_opens_none(desk, say):
    early = say("清源河白沫看着真难受", 5.9, words=("清源河", "白沫"), relevant=False, relevance=0.2)
    desk.hear(early)
    assert desk.event_of(early) == ""
    said = [say(f"清源河临河段白沫{n}，水发黄", 6 + n / 10, words=FOAM) for n in range(5)]
    desk.hear(*said)
    doubtful = say(
        "清源河临河段的白沫，看着真难受", 7, words=("清源河", "临河段", "白沫"), relevant=False, relevance=0.2
    )
    unlike = say("今天的鱼真新鲜", 7, words=("鱼",), relevant=False, relevance=0.2)
    desk.hear(doubtful, unlike)
    assert desk.together(doubtful, said[0])
    assert desk.event_of(unlike) == ""


def test_every_membership_says_why(desk, say):
    one = say("清源河临河段岸边漂了一长溜白沫", 6, words=FOAM)
    two = say("晨跑看到清源河里全是死鱼，水发黄", 6.2, words=FISH)
    desk.hear(one, two, say("转发微博", 6.3, parent=one))
    reasons = [member.reason for member in desk.store.cases.events.members(desk.event_of(one))]
    assert reasons[0] == "首帖"
    assert reasons[1].startswith("与事件同提：")
    assert "清源河" in reasons[1]
    assert reasons[2] == "转发事件内的帖文"


def test_terms_shown_to_people_leave_the_bookkeeping_out(desk, say):
    [event] = desk.hear(say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH, fingerprint=7))
    assert set(words_of(event)) >= {"清源河", "死鱼"}
    assert not any(word.startswith("@") for word in words_of(event))


THEMES = ("清源河死鱼", "翠湖苑搅拌站", "金辉路烧烤", "白杨镇垃圾场")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(THEMES), st.integers(0, 60)), min_size=2, max_size=14), st.randoms())
def test_neither_the_order_within_a_batch_nor_how_it_is_cut_changes_the_groups(tmp_path_factory, say, drawn, random):
    said = [
        say(f"{theme}，第{number}条", hour, words=(theme[:3], theme[3:], f"词{number}"))
        for number, (theme, hour) in enumerate(drawn)
    ]
    shuffled = list(said)
    random.shuffle(shuffled)
    whole = _partition(tmp_path_factory.mktemp("whole"), [said])
    mixed = _partition(tmp_path_factory.mktemp("mixed"), [shuffled])
    in_time = sorted(said, key=lambda each: (each.post.at, each.post.id))
    single = _partition(tmp_path_factory.mktemp("single"), [[each] for each in in_time])
    assert whole == mixed == single


def _partition(home, batches):
    """Return which posts come together when they are grouped in these batches."""
    store = open_store(StoreConfig(), home, cut)
    grouper = Grouper(store.cases, GroupingConfig())
    for batch in batches:
        posts = [each.post for each in batch]
        grouper.group(posts, {each.post.id: each.reading for each in batch}, posts[-1].at)
    homes = store.cases.events.event_of([each.post.id for batch in batches for each in batch])
    store.close()
    groups: dict[str, set[str]] = {}
    for post_id, event_id in homes.items():
        groups.setdefault(event_id, set()).add(post_id)
    return {frozenset(group) for group in groups.values()}


def test_a_closed_event_takes_reposts_but_no_new_posts(desk, say):
    first = say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH)
    [event] = desk.hear(first)
    closed = replace(event, state=EventState.CLOSED)
    desk.store.cases.events.save(closed, "值班员", "办结", first.post.at)
    repost = say("转发微博", 7, parent=first)
    new = say("清源河临河段又漂了一长溜死鱼", 8, words=FISH)
    desk.hear(repost)
    desk.hear(new)
    assert desk.together(first, repost)
    assert not desk.together(first, new)
    assert desk.store.cases.events.get(event.id).state is EventState.CLOSED


def test_settings_decide_from_when_an_event_is_shown(store, say):
    said = say("清源河临河段岸边漂了一长溜死鱼", 6, words=FISH)
    store.posts.append([said.post])
    [event] = group(store.cases, [said.post], {said.post.id: said.reading}, GroupingConfig(shown_from=1), said.post.at)
    assert event.state is EventState.ACTIVE
