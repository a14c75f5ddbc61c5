"""Nothing that names, shows or places a person gets into the store or the log, whatever a source answers."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, fields, replace

import pytest

from crawlers.kinds import registry
from crawlers.privacy import Pseudonyms, masked, scrubbed
from qingting.model import Cursor, Post, Reject, SourceHealth

POST_FIELDS = {
    "id": "a hash of the source and the source's own id",
    "source": "the source's name in our configuration",
    "source_id": "the source's own number of the post, for finding it again",
    "channel": "a word of ours",
    "text": "what was said in public, the evidence itself; masked wherever it is shown",
    "fetched_at": "when we looked",
    "published_at": "when it was said; without it nothing can be put in order",
    "title": "the headline, as text",
    "url": "where it can be looked up",
    "author": "a masked display name: tells voices apart on a screen, names nobody",
    "author_key": "a keyed hash: counts voices, leads back to nobody without our key",
    "region": "the division that the source speaks for, from our configuration or the hotline's own column",
    "parent_id": "a post id",
    "root_id": "a post id",
    "reposts": "a count",
    "comments": "a count",
    "likes": "a count",
    "evidence": "a digest",
}
"""Every field of a post with the reason for which it may be there. A new one is a decision about personal data (《个人
信息保护法》第六条: the least that the purpose needs): write the reason here, or leave the field out."""

OTHER_FIELDS = {
    Reject: {"id", "source", "place", "reason", "detail", "raw", "size", "at"},
    Cursor: {"source", "value", "updated_at"},
    SourceHealth: {"source", "state", "reason", "since", "checked_at", "items"},
}

NAMES = ("screen_name", "uname", "nickName", "nickname", "user_name", "show_nickname", "author")
SECRET = "SENTINEL"
INTRUSIVE = {
    "avatar_hd": f"http://pic.example.org/{SECRET}.jpg",
    "profile_image_url": f"http://pic.example.org/{SECRET}.jpg",
    "face": f"//pic.example.org/{SECRET}.jpg",
    "gender": SECRET,
    "sex": SECRET,
    "birthday": SECRET,
    "location": SECRET,
    "ip_location": SECRET,
    "region_name": f"发布于 {SECRET}",
    "mobile": "13812345678",
}
PERSON = f"{SECRET}某某"


def tainted(value: object) -> object:
    """Return JSON in which everybody is called PERSON and tells all about themselves."""
    if isinstance(value, list):
        return [tainted(each) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {name: tainted(each) for name, each in value.items()}
    named = [name for name in NAMES if isinstance(value.get(name), str)]
    return {**inner, **INTRUSIVE, **dict.fromkeys(named, PERSON)} if named else inner


def change_answers(site, change) -> int:
    """Let a function change every answer of the site that is JSON, JSONP too; return how many there were."""
    changed = 0
    for path, page in site.pages.items():
        found = re.fullmatch(
            rb"\s*((?:/\*\*/)?[\w$.]*\()?([\[{].*[\]}])(\)?;?\s*)", getattr(page, "body", b""), re.DOTALL
        )
        if found:
            call, body, end = found.groups()
            answer = json.dumps(change(json.loads(body)), ensure_ascii=False).encode()
            site.pages[path] = replace(page, body=(call or b"") + answer + end)
            changed += 1
    return changed


def everything_kept(desk, source) -> str:
    """Return all that a run left in the store, as one text."""
    records = desk.store.cases.records
    things = [*desk.posts(), records.cursor(source.id), *records.health(), *records.rejects(1000)]
    texts = [repr(asdict(each)) for each in things if each is not None]
    raw = [each.raw.decode("utf-8", "replace") for each in records.rejects(1000)]
    return "\n".join([*texts, *raw])


def test_every_field_of_a_post_is_there_for_a_reason():
    assert {each.name for each in fields(Post)} == set(POST_FIELDS)
    assert all(POST_FIELDS.values())


@pytest.mark.parametrize("kept", OTHER_FIELDS)
def test_what_else_the_crawlers_store_has_no_other_fields(kept):
    assert {each.name for each in fields(kept)} == OTHER_FIELDS[kept]


@pytest.mark.parametrize("sample", sorted(registry()), indirect=True)
def test_a_kind_stores_authors_masked_and_hashed_only(sample, desk):
    desk.crawl(sample)

    for post in desk.posts():
        assert post.author == masked(post.author)
        assert re.fullmatch(r"[0-9a-f]{16}|", post.author_key)
        assert bool(post.author) <= bool(post.author_key)


WITH_PEOPLE = {"weibo", "video", "search", "messageboard"}
"""Kinds whose samples are JSON that tells of people."""


@pytest.mark.parametrize("sample", sorted(WITH_PEOPLE), indirect=True)
def test_what_platforms_tell_of_people_is_not_kept(sample, desk, caplog):
    assert change_answers(desk.site, tainted)

    [collected] = desk.crawl(sample)

    assert collected.new
    assert masked(PERSON) in {post.author for post in desk.posts()}
    assert SECRET not in everything_kept(desk, sample)
    assert "13812345678" not in everything_kept(desk, sample)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("sample", sorted(WITH_PEOPLE), indirect=True)
def test_an_answer_that_cannot_be_read_is_kept_without_the_people_in_it(sample, desk, caplog):
    change_answers(desk.site, lambda answer: {"unknown_shape": tainted(answer)})

    [collected] = desk.crawl(sample)

    assert (collected.new, collected.health.state) == (0, "failing")
    rejects = desk.store.cases.records.rejects(100)
    assert any(b"unknown_shape" in reject.raw for reject in rejects)
    assert SECRET not in everything_kept(desk, sample)
    assert "13812345678" not in everything_kept(desk, sample)
    assert SECRET not in caplog.text


def test_a_rejected_row_of_the_hotline_is_kept_without_its_author(desk, tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    head = "留言编号,留言用户,留言主题,留言时间,留言详情\n"
    (folder / "a.csv").write_text(f"{head}1,欧阳建国,噪声,2026/9/22, \n", encoding="gb18030")
    (folder / "b.jsonl").write_text('{"id": "2", "反映人": "欧阳建国", "内容": ""}\n', encoding="utf-8")
    source = desk.source("hotline", f"file://{folder}", options={"settle_seconds": "0", "author": "留言用户,反映人"})

    [collected] = desk.crawl(replace(source, address=str(folder)))

    rejects = desk.store.cases.records.rejects(10)
    assert (collected.rejected, len(rejects)) == (2, 2)
    for reject in rejects:
        assert "欧阳建国" not in reject.raw.decode("gb18030" if b"," in reject.raw[:3] else "utf-8", "replace")
        assert reject.size > 0


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ('{"screen_name":"河边的人","text":"x"}', '{"screen_name":"*","text":"x"}'),
        ('{"nickName" : "a\\"b", "likes": 3}', '{"nickName" : "*", "likes": 3}'),
        (
            '{"avatar_hd": "http://pic", "gender": 1, "ip_location": "江北"',
            '{"avatar_hd": "*", "gender": "*", "ip_location": "*"',
        ),
        ('{"uname":"一半就断', '{"uname":"*"'),
        ("电话13812345678", "电话138****5678"),
        ("<p>没有什么可隐去的</p>", "<p>没有什么可隐去的</p>"),
    ],
)
def test_personal_fields_of_rejected_input_are_starred_out(raw, kept):
    assert scrubbed(raw.encode()).decode() == kept


def test_bytes_of_no_encoding_are_kept_as_they_are():
    raw = bytes(range(256))

    assert scrubbed(raw) == raw


def test_a_pseudonym_needs_the_key():
    assert Pseudonyms(b"one key").key_of("s", "某人") != Pseudonyms(b"another").key_of("s", "某人")
