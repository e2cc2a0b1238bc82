"""How long packets were under way from the camera to viewers, who see none of the camera's numbers. Pure.

A relay gives each viewer timestamps of its own, which differ from the camera's by one number. Key pictures, which have
many more packets than the others, tell it: the key picture that a viewer gets is the last one that the camera sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.report import percentile

_WRAP = 1 << 32
_KEY_FACTOR = 2.5  # a key picture has so many times as many packets as the median one, at least


@dataclass(frozen=True, slots=True)
class Lags:
    """Milliseconds under way, packet by packet; `unmatched` are packets whose picture is not known."""

    ms: NDArray[np.float64]
    unmatched: int

    def percentile_ms(self, share: float) -> float:
        """See `report.percentile`."""
        return percentile(self.ms.tolist(), share)


def lags(
    sent: Sequence[tuple[int, int, bool]],
    viewers: NDArray[np.int64],
    timestamps: NDArray[np.int64],
    arrived_ns: NDArray[np.int64],
) -> Lags:
    """Of each packet. `sent` are the camera's pictures in order: timestamp, wall clock in ns when sent, is a key."""
    keys = [(timestamp, at_ns) for timestamp, at_ns, is_key in sent if is_key]
    sent_ns = {timestamp % _WRAP: at_ns for timestamp, at_ns, _ in sent}
    found, unmatched = [], 0
    for viewer in np.unique(viewers):
        mine = viewers == viewer
        offset = _offset(keys, timestamps[mine], arrived_ns[mine])
        if offset is None:
            unmatched += int(mine.sum())
            continue
        pictures, places = np.unique((timestamps[mine] - offset) % _WRAP, return_inverse=True)
        left_ns = np.array([sent_ns.get(int(each), -1) for each in pictures], dtype=np.int64)[places]
        known = left_ns >= 0
        found.append((arrived_ns[mine][known] - left_ns[known]) / 1e6)
        unmatched += int((~known).sum())
    return Lags(np.concatenate(found) if found else np.zeros(0), unmatched)


def _offset(keys: list[tuple[int, int]], timestamps: NDArray[np.int64], arrived_ns: NDArray[np.int64]) -> int | None:
    """The viewer's timestamps less the camera's; None when no whole key picture was seen, or they disagree."""
    pictures, first, packets = np.unique(timestamps, return_index=True, return_counts=True)
    least = _KEY_FACTOR * float(np.median(packets))
    offsets = set()
    for picture, index, count in zip(pictures, first, packets, strict=True):
        before = [timestamp for timestamp, at_ns in keys if at_ns <= arrived_ns[index]]
        if count >= least and before:
            offsets.add((int(picture) - before[-1]) % _WRAP)
    return offsets.pop() if len(offsets) == 1 else None
