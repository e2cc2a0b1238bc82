"""What one control socket may send: not too old, not too often. Pure; time is an argument."""

from __future__ import annotations

import math


class StaleFilter:
    """Drops moves that were long under way: after an outage a link delivers its backlog at once.

    The best (smallest) difference between our clock and the client's seen so far stands for the two clocks' offset; a
    message that took `limit_s` longer than that one is stale. The best is forgotten slowly, so that a client whose
    clock drifts, or whose path changed for the worse, is heard again.
    """

    def __init__(self, limit_s: float = 0.3, forget_s_per_s: float = 0.005) -> None:
        self._limit_s = limit_s
        self._forget_s_per_s = forget_s_per_s
        self._best_s = math.inf
        self._seen_at = 0.0

    def is_stale(self, client_s: float, now: float) -> bool:
        """Whether a message stamped `client_s` (client's clock) that arrives at `now` (ours) is too old to obey."""
        difference_s = now - client_s
        relaxed_s = self._best_s + max(0.0, now - self._seen_at) * self._forget_s_per_s
        self._best_s = min(relaxed_s, difference_s)
        self._seen_at = now
        return difference_s > self._best_s + self._limit_s


class TokenBucket:
    """Allows `rate_per_s` on average and `burst` at once."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = burst
        self._at = -math.inf

    def allows(self, now: float) -> bool:
        """Take one token if there is one."""
        if self._at > -math.inf:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate_per_s)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
