"""Which notes of changes are news: pure bookkeeping for reading a table that other processes append to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auth.writing import Change

OVERLAP_IDS = 100
"""How far behind the newest id a note may still turn up: rows show when their transaction ends, in any order."""


class ChangeReader:
    """Remembers what was seen. Ask the table for ids above `after`, pass what came to `news`."""

    def __init__(self) -> None:
        self._newest = 0
        self._seen: set[int] = set()

    @property
    def after(self) -> int:
        """Ids above this one may be news."""
        return self._newest - OVERLAP_IDS

    def news(self, changes: Iterable[Change]) -> list[str]:
        """The persons, each once, of notes not seen before."""
        persons: dict[str, None] = {}
        for change in changes:
            if change.id > self.after and change.id not in self._seen:
                persons[change.person_id] = None
                self.saw(change)
        self._newest = max(self._seen, default=self._newest)
        self._seen = {known for known in self._seen if known > self.after}
        return list(persons)

    def saw(self, change: Change) -> None:
        """Remember a note that this process wrote itself."""
        self._seen.add(change.id)
