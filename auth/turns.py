"""One at a time for each person, so that a burst of guesses gets no further than guesses one by one."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from auth.errors import ThrottledError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LANES = 64
_MOST_WAITING = 1000
_BUSY_RETRY_S = 5.0


class Turns:
    """Lanes that people share by a hash of their ids; at most `most_waiting` callers wait, ThrottledError above."""

    def __init__(self, lanes: int = _LANES, most_waiting: int = _MOST_WAITING) -> None:
        self._lanes = [asyncio.Lock() for _ in range(lanes)]
        self._most_waiting = most_waiting
        self._waiting = 0

    @asynccontextmanager
    async def of(self, person_id: str) -> AsyncIterator[None]:
        """This person's turn."""
        if self._waiting >= self._most_waiting:
            raise ThrottledError(_BUSY_RETRY_S)
        lane = self._lanes[zlib.crc32(person_id.encode()) % len(self._lanes)]
        self._waiting += 1
        try:
            await lane.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            lane.release()
