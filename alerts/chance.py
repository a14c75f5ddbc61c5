"""How likely a count is by chance."""

from __future__ import annotations

import math


def tail(count: int, expected: float, shape: float) -> float:
    """Return the probability of `count` or more under a negative binomial with this mean and shape.

    The variance is expected + expected²/shape, so that a large shape gives the Poisson distribution. The terms from
    `count` upward are summed, each from the one before: 1 minus the rest would lose all digits below 1e-16.
    """
    if count <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    odds = expected / (expected + shape)
    term = math.exp(
        math.lgamma(count + shape)
        - math.lgamma(shape)
        - math.lgamma(count + 1)
        + count * math.log(odds)
        + shape * math.log1p(-odds)
    )
    total, number = 0.0, count
    while term > total * 1e-12 and number < count + 100_000:
        total += term
        term *= odds * (number + shape) / (number + 1)
        number += 1
    return min(1.0, total)


def in_words(probability: float) -> str:
    """Return a small probability as people say it: 小于万分之一, 约千分之三."""
    for limit, name in ((1e-8, "亿"), (1e-4, "万"), (1e-3, "千"), (1e-2, "百")):
        if probability < limit:
            return f"小于{name}分之一"
    return f"约百分之{max(1, round(probability * 100))}"
