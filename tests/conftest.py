"""What all tests share: hypothesis without deadlines, and a line that says what was left out and how to have it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings

SHARED = Path(__file__).parents[2] / "shared"

# A test says what is true, not how fast the machine is.
settings.register_profile("qingting", deadline=None)
settings.load_profile("qingting")


def pytest_report_header() -> str:
    """Say whether the third-party texts that some tests need are there."""
    if SHARED.is_dir():
        return "texts beside the checkout: found, nothing is left out for want of them"
    return "texts beside the checkout (../shared): not found; tests on real third-party texts are skipped"
