"""What one control socket may send: not too old, not too often, and how long it counts. Pure; time is an argument."""

from __future__ import annotations

import math


class Lateness:
    """How much longer than the fastest one a message was under way, whatever the two clocks' offset.

    The best (smallest) difference between our clock and the client's seen so far stands for the offset. It is forgotten
    slowly, so that a client whose clock drifts, or whose path changed for the worse, is heard again.
    """

    def __init__(self, forget_s_per_s: float = 0.005) -> None:
        self._forget_s_per_s = forget_s_per_s
        self._best_s = math.inf
        self._seen_at = 0.0

    def of(self, client_s: float, now: float) -> float:
        """Seconds by which a message stamped `client_s` (client's clock) that arrives at `now` (ours) is late."""
        difference_s = now - client_s
        relaxed_s = self._best_s + max(0.0, now - self._seen_at) * self._forget_s_per_s
        self._best_s = min(relaxed_s, difference_s)
        self._seen_at = now
        return difference_s - self._best_s


class StaleFilter:
    """Drops moves that were long under way: after an outage a link delivers its backlog at once."""

    def __init__(self, limit_s: float = 0.3, forget_s_per_s: float = 0.005) -> None:
        self._limit_s = limit_s
        self._lateness = Lateness(forget_s_per_s)

    def is_stale(self, client_s: float, now: float) -> bool:
        """Whether a message stamped `client_s` (client's clock) that arrives at `now` (ours) is too old to obey."""
        return self._lateness.of(client_s, now) > self._limit_s


class LinkLife:
    """How long a move lives unless it is repeated: short on a steady link, longer where messages come unevenly.

    A steady phone that sends ten moves a second has sent five of them within the shortest life; a link that now and
    then holds a message back for some time gets that time on top, up to the longest. A late one counts fully at first
    and is forgotten with a time constant of `FORGET_S`.
    """

    FORGET_S = 30.0
    INTERVAL_S = 0.1  # between two moves of a held finger
    PRESS_S = 0.6  # a longer pause without the client's clock is a new press, not a late message

    def __init__(self, min_s: float, max_s: float) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._lateness = Lateness()
        self._peak_s = 0.0
        self._heard_at = -math.inf

    def heard(self, client_s: float | None, now: float) -> None:
        """A move came at `now`; `client_s` is the client's clock when it was sent, None where it does not say."""
        pause_s = now - self._heard_at
        late_s = 0.0
        if client_s is not None:
            late_s = self._lateness.of(client_s, now)
        elif pause_s < self.PRESS_S:
            late_s = max(0.0, pause_s - self.INTERVAL_S)
        faded_s = self._peak_s * math.exp(-max(0.0, pause_s) / self.FORGET_S) if self._peak_s else 0.0
        self._peak_s = max(late_s, faded_s)
        self._heard_at = now

    @property
    def life_s(self) -> float:
        """The life of a move that is sent now."""
        return min(self._max_s, self._min_s + self._peak_s)


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
