"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support import demo as demos

settings.register_profile("gate", deadline=None, max_examples=100)
settings.register_profile("nightly", deadline=None, max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


@pytest.fixture(scope="module")
def demo() -> Iterator[demos.Demo]:
    """A demo of two cameras, shared by a file's tests."""
    with demos.running("--cameras", "2") as running:
        yield running
