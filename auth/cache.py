"""Sign-ins remembered for a moment, so that a busy page does not ask the database for every request."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auth.records import SessionRecord


class SignInCache:
    """Records by token digest, at most `max_entries`, each believed for `fresh_s`.

    `generation` grows with every drop: what was read before a drop must not be put in after it (`put` refuses it).
    """

    def __init__(self, fresh_s: float, max_entries: int) -> None:
        self._fresh_s = fresh_s
        self._max_entries = max_entries
        self._entries: OrderedDict[str, tuple[SessionRecord, float]] = OrderedDict()
        self.generation = 0

    def get(self, token_sha256: str, now_s: float) -> SessionRecord | None:
        """The record, if it is fresh."""
        found = self._entries.get(token_sha256)
        if found is None or not 0.0 <= now_s - found[1] < self._fresh_s:
            return None
        return found[0]

    def put(self, token_sha256: str, record: SessionRecord, read_at_s: float, generation: int) -> None:
        """Remember what was read at `read_at_s`, when the generation was `generation`."""
        if generation != self.generation:
            return
        self._entries[token_sha256] = (record, read_at_s)
        self._entries.move_to_end(token_sha256)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def drop_person(self, person_id: str) -> None:
        """Forget every sign-in of a person."""
        self.generation += 1
        gone = [key for key, (record, _) in self._entries.items() if record.person.id == person_id]
        for key in gone:
            del self._entries[key]

    def __len__(self) -> int:
        return len(self._entries)
