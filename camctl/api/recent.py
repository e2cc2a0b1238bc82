"""Sign-ins that this process authenticated lately: enough to let their holder stop a camera without the database."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime

from auth.model import SignIn
from auth.tokens import digest
from camctl.api.edges import Edges


@dataclass(frozen=True, slots=True)
class _Seen:
    sign_in: SignIn
    at: float


class RecentSignIns:
    """Who was let in with which token, for at most `idle_s` after the last time; what changes is forgotten at once.

    It is asked for one thing only, a Stop by the holder of a camera (`camctl.api.access.StoppingAt`). Tokens are kept
    as digests. At most `max_entries`, the least recently seen go first.
    """

    def __init__(self, idle_s: float, max_entries: int = 10_000) -> None:
        self._idle_s = idle_s
        self._max_entries = max_entries
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        # An edited role forgets a thousand people at once: none of them may cost a look through everybody's.
        self._of_person: dict[str, set[str]] = {}
        self.edges = Edges(max_entries)

    def saw(self, token: str, sign_in: SignIn, now: float) -> None:
        """This token was found to hold at `now` (monotonic)."""
        key = digest(token)
        if key is None:
            return
        if key in self._seen:
            self._seen.move_to_end(key)
        else:  # whose a token is never changes
            self._of_person.setdefault(sign_in.person.id, set()).add(key)
        self._seen[key] = _Seen(sign_in, now)
        self.edges.saw(sign_in.person, datetime.now(UTC))
        if len(self._seen) > self._max_entries:
            self._drop(next(iter(self._seen)))

    def get(self, token: str, now: float) -> SignIn | None:
        """The sign-in that this token had, if that was within the idle time and its end has not come."""
        seen = self._seen.get(digest(token) or "")
        if seen is None or now - seen.at >= self._idle_s or seen.sign_in.expires_at <= datetime.now(UTC):
            return None
        return seen.sign_in

    def forget_person(self, person_id: str) -> set[str]:
        """Something about this person changed: forget their sign-ins; returns the ids of those that there were."""
        gone = [self._drop(key) for key in tuple(self._of_person.get(person_id, ()))]
        return {seen.sign_in.session_id for seen in gone if seen is not None}

    def _drop(self, key: str) -> _Seen | None:
        seen = self._seen.pop(key, None)
        if seen is not None:
            keys = self._of_person[seen.sign_in.person.id]
            keys.discard(key)
            if not keys:
                del self._of_person[seen.sign_in.person.id]
        return seen
