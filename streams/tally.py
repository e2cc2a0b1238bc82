"""What is counted of one stream and of joins: plain numbers that only grow. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

JOIN_BOUNDS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Histogram:
    """Values counted by size, as Prometheus' histograms are: `bounds` are the buckets' inclusive upper ends."""

    __slots__ = ("_counts", "bounds", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.total = 0.0
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def payload(self) -> dict[str, Any]:
        """For messages: `bounds`, `counts` (not cumulated, one more than bounds) and `sum`."""
        return {"bounds": list(self.bounds), "counts": list(self._counts), "sum": self.total}


class Joins:
    """How long viewers waited, from their offer to the first packet sent, and to being connected altogether."""

    def __init__(self) -> None:
        self.first_packet_s = Histogram(JOIN_BOUNDS_S)
        self.live_s = Histogram(JOIN_BOUNDS_S)


class Sending(Protocol):
    """One viewer's counters, as `streams.rtp.fanout.Receiver` has them."""

    packets: int
    octets: int
    dropped: int
    resent: int


class Sent(NamedTuple):
    """Packets and payload bytes sent, packets that the socket did not take, packets sent again."""

    packets: int = 0
    octets: int = 0
    dropped: int = 0
    resent: int = 0


class StreamTally:
    """One stream's counters, for all the viewers it ever had.

    A viewer counts from `join` to `leave`, so it may come from another stream with counters that have run before.
    `joins` is shared by the streams of a worker.
    """

    def __init__(self, joins: Joins | None = None) -> None:
        self.joins = joins or Joins()
        self.nacked = 0  # packets that viewers asked for again
        self.reported_lost = 0  # packets that viewers say they never got
        self.key_requests = 0  # PLI and FIR of viewers
        self.bad_rtcp = 0  # forged, replayed or damaged reports
        self.key_frames = 0  # from the camera
        self.key_frames_sent = 0  # to viewers
        self._gone = Sent()
        self._marks: dict[Sending, Sent] = {}

    def join(self, viewer: Sending) -> None:
        """What this viewer is sent from now on counts."""
        self._marks[viewer] = _counts(viewer)

    def leave(self, viewer: Sending) -> None:
        """No more of this viewer; idempotent."""
        mark = self._marks.pop(viewer, None)
        if mark is not None:
            self._gone = _add(self._gone, _counts(viewer), mark)

    def sent(self) -> Sent:
        """All that was sent, to those who left too."""
        total = self._gone
        for viewer, mark in self._marks.items():
            total = _add(total, _counts(viewer), mark)
        return total


def _counts(viewer: Sending) -> Sent:
    return Sent(viewer.packets, viewer.octets, viewer.dropped, viewer.resent)


def _add(total: Sent, now: Sent, before: Sent) -> Sent:
    return Sent(*(have + new - old for have, new, old in zip(total, now, before, strict=True)))
