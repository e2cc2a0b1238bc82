"""Sign-ins remembered for a moment, so that a busy page does not ask the database for every request."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

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


class SharedReads:
    """One read for all who ask for the same sign-in at the same time: what ran out is not read once a request.

    Nobody is given what began to be read `fresh_s` before they asked, or before a drop: that read is not theirs.
    """

    def __init__(self, fresh_s: float) -> None:
        self._fresh_s = fresh_s
        self._under_way: dict[str, tuple[asyncio.Task[SessionRecord | None], float, int]] = {}

    async def get(
        self,
        token_sha256: str,
        now_s: float,
        generation: int,
        read: Callable[[str], Coroutine[Any, Any, SessionRecord | None]],
    ) -> SessionRecord | None:
        """What `read` gives, begun now or a moment ago; what it raises. `generation` is the cache's at this moment."""
        known = self._under_way.get(token_sha256)
        if known is None or known[2] != generation or not 0.0 <= now_s - known[1] < self._fresh_s:
            task = asyncio.create_task(read(token_sha256), name="reading a sign-in")
            known = self._under_way[token_sha256] = (task, now_s, generation)
            task.add_done_callback(lambda done: self._over(token_sha256, done))
        # Whoever gives up waiting, as a client does that hangs up, does not take it from the others.
        return await asyncio.shield(known[0])

    def _over(self, token_sha256: str, done: asyncio.Task[SessionRecord | None]) -> None:
        if not done.cancelled():
            done.exception()  # told to who still waits; nobody may
        known = self._under_way.get(token_sha256)
        if known is not None and known[0] is done:
            del self._under_way[token_sha256]
