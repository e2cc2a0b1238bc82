"""What may go over a viewer's data channel: texts of bounded size and rate. Pure."""

from __future__ import annotations

LABEL = "control"  # of the one channel that is listened to
MAX_TEXT_BYTES = 4096
MAX_WAITING_BYTES = 64 << 10  # for a viewer that takes nothing


def fits(text: str) -> bool:
    """Whether a text can be sent: it is UTF-8, and short enough."""
    try:
        return len(text) <= MAX_TEXT_BYTES and len(text.encode()) <= MAX_TEXT_BYTES
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can carry and UTF-8 cannot
        return False


class Allowance:
    """So many a second, with as many at once after a pause. Times are seconds of any monotonic clock."""

    __slots__ = ("_at_s", "_left", "_per_s")

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._left = per_s
        self._at_s = float("-inf")

    def take(self, now_s: float, count: int = 1) -> bool:
        """Use `count` up; False, using nothing, when that is more than is left."""
        passed_s = max(0.0, now_s - self._at_s)
        self._left = min(self._per_s, self._left + passed_s * self._per_s)
        self._at_s = now_s
        if count > self._left:
            return False
        self._left -= count
        return True
