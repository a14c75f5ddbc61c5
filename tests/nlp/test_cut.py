"""The cut of the search index: what a run of characters gives does not depend on what stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.segment import cut

HAN = st.text(st.sampled_from("青石河大桥饮用水源地污染环境保护局鑫源化工厂死鱼臭味的了吗"), min_size=1, max_size=12)


@given(HAN, HAN, HAN)
def test_a_text_has_the_words_of_each_of_its_parts(before: str, part: str, after: str) -> None:
    assert set(cut(part)) <= set(cut(before + part + after))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("饮用水", "保护饮用水源地"),
        ("青石河", "青石河大桥下面"),
        ("鑫源化工", "鑫源化工厂又偷排了"),
        ("PM2.5", "今天ＰＭ２．５爆表"),
        ("covid", "COVID-19期间"),
        ("環境", "保护环境"),
    ],
)
def test_a_query_finds_the_text_that_holds_it(query: str, text: str) -> None:
    assert set(cut(query)) <= set(cut(text))


def test_punctuation_is_left_out_and_numbers_keep_their_point() -> None:
    words = cut("达到3.2倍！！（复测）")
    assert "3.2" in words
    assert not set("！（）") & set(words)
