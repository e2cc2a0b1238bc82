"""The same again and again as one row with a count, so that nobody floods the record. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

REST: Final = "everything beyond"


@dataclass(slots=True)
class _Seen:
    until_s: float
    more: int = 0


class Repeats:
    """Says of each happening whether it is news; those within `window_s` after the first are counted.

    At most `most` kinds are remembered; beyond that everything is one kind, `REST`.
    """

    def __init__(self, window_s: float = 60.0, most: int = 10_000) -> None:
        self.window_s = window_s
        self._most = most
        self._seen: dict[Hashable, _Seen] = {}

    def kind(self, key: Hashable) -> Hashable:
        """The kind as which this one is counted: its own, or `REST` while there is no room for one more."""
        return key if key in self._seen or len(self._seen) < self._most else REST

    def is_news(self, key: Hashable, now_s: float) -> bool:
        """Whether this is the first of its kind (`kind`) within the window."""
        key = self.kind(key)
        seen = self._seen.get(key)
        if seen is None or now_s >= seen.until_s:
            self._seen[key] = _Seen(now_s + self.window_s, seen.more if seen else 0)
            return True
        seen.more += 1
        return False

    def over(self, key: Hashable) -> int:
        """How many more there were; its window is over."""
        seen = self._seen.pop(key, None)
        return seen.more if seen is not None else 0
