"""A database in which everybody of the matrix lives, made once, and a fresh copy of it for each row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from camctl.api import revocation
from tests.unit.camctl.api.matrix.rows import CAPABILITIES
from tests.unit.camctl.api.matrix.world import Inhabited, World, make_inhabited, opened_world


@pytest.fixture(scope="session")
def inhabited(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Inhabited:
    return asyncio.run(make_inhabited(empty_database, tmp_path_factory.mktemp("matrix"), CAPABILITIES))


@pytest.fixture
async def world(inhabited: Inhabited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    # Rows open things for who has no right to them; to be swept away is no doing of the request that is judged.
    monkeypatch.setattr(revocation, "SWEEP_S", 3600.0)
    async with opened_world(inhabited, tmp_path) as opened:
        yield opened
