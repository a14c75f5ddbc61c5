"""How well article texts are extracted, on the saved pages that lie beside the checkout, against a floor.

The pages are third-party and stay outside the project; `DIGEST` says which set the floor was measured on.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Measured 0.980 over 33 pages (readability-lxml alone: 0.945), the worst page 0.848. The floor leaves room for new
# versions of the libraries, not for a lost page (1/33 = 0.030).
MEAN_FLOOR = 0.970
WORST_FLOOR = 0.5
PAGES = 33
DIGEST = "4aef0fa013240447114bb6bca7fade3ed649a799be643af003ee233688e3408e"
SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Result:
    """The score of each page by name."""

    scores: dict[str, float]

    @property
    def mean(self) -> float:
        """Return the mean over the pages."""
        return sum(self.scores.values()) / len(self.scores)

    @property
    def worst(self) -> tuple[str, float]:
        """Return the page with the lowest score."""
        return min(self.scores.items(), key=lambda item: item[1])


def evaluate(pages: Path, text_of: Callable[[bytes], str]) -> Result:
    """Return the scores of an extractor over a folder with expected/NAME.txt and html/NAME.html."""
    names = sorted(each.stem for each in (pages / "expected").glob("*.txt"))
    return Result({name: score(text_of(_html(pages, name)), _expected(pages, name)) for name in names})


def digest(pages: Path) -> str:
    """Return the SHA-256 over the pages and the texts expected from them."""
    total = hashlib.sha256()
    for name in sorted(each.stem for each in (pages / "expected").glob("*.txt")):
        total.update(f"{name}\n".encode())
        total.update(_html(pages, name))
        total.update(_expected(pages, name).encode())
    return total.hexdigest()


def score(found: str, expected: str) -> float:
    """Return the F1 of the multisets of character 4-grams, white space removed."""
    have, want = _grams(found), _grams(expected)
    shared = sum((have & want).values())
    return 2 * shared / (sum(have.values()) + sum(want.values())) if shared else 0.0


def _grams(text: str) -> Counter[str]:
    bare = SPACE.sub("", text)
    return Counter(bare[i : i + 4] for i in range(max(len(bare) - 3, 1)))


def _html(pages: Path, name: str) -> bytes:
    return (pages / "html" / f"{name}.html").read_bytes()


def _expected(pages: Path, name: str) -> str:
    return (pages / "expected" / f"{name}.txt").read_text(encoding="utf-8")
