"""Errors: one root, the tree in the docstring, closed reasons."""

from __future__ import annotations

import pytest

from qingting import errors
from qingting.errors import QingtingError, StoreError

KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, QingtingError)]


@pytest.mark.parametrize("kind", [each for each in KINDS if each is not QingtingError])
def test_every_error_stands_in_the_tree_and_has_closed_reasons(kind: type[QingtingError]) -> None:
    assert f"── {kind.__name__} " in (errors.__doc__ or "")
    assert kind.REASONS


def test_a_reason_that_is_not_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="has no reason 'whatever'"):
        StoreError("x", reason="whatever")


def test_an_error_carries_message_reason_hint_and_whether_to_retry() -> None:
    error = StoreError("数据库忙。", reason="busy", hint="请稍后再试。", retryable=True)
    assert (str(error), error.reason, error.hint, error.retryable) == ("数据库忙。", "busy", "请稍后再试。", True)
