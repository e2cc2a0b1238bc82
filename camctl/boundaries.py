"""The city's boundaries at work: the newest import, indexed, until another process imports a newer one.

Every question asks the database for the version first (one row by its primary key); only a new version is read and
indexed. There is no task in the background and nobody to be told.
"""

from __future__ import annotations

import asyncio
import threading

from camctl.areas.locate import Inside, Proposed, locate
from camctl.areas.outlines import OutlineIndex
from camctl.areas.tree import AreaTree
from camctl.store.boundaries import BoundaryStore


class Boundaries:
    """In which area a place lies. Thread-safe."""

    def __init__(self, tree: AreaTree, store: BoundaryStore) -> None:
        self.tree = tree
        self._store = store
        self._loading = threading.Lock()
        self._version = 0
        self._index: OutlineIndex | None = None

    async def at(self, lat: float, lon: float) -> Inside | Proposed:
        """As `at_now`, beside the event loop."""
        return await asyncio.to_thread(self.at_now, lat, lon)

    def at_now(self, lat: float, lon: float) -> Inside | Proposed:
        """Where a place in degrees lies, by the import that is the newest at this moment. Blocks.

        Raises:
            PlaceError: a number is no latitude or longitude.
            StoreError: the database does not answer.
        """
        return locate(self.tree, self._newest(), lat, lon)

    def _newest(self) -> OutlineIndex | None:
        version = self._store.version()
        with self._loading:
            if version > self._version:
                stored = self._store.load()
                known = {code: wkb for code, wkb in stored.outlines.items() if code in self.tree}
                self._index, self._version = OutlineIndex(known), stored.version
            return self._index
