"""Which media worker serves a viewer: the camera's own one, until too many watch there. Pure bookkeeping."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection


def camera_of(key: str) -> str:
    """The camera's part of a stream's key: "cam-1" of "cam-1/main"."""
    return key.partition("/")[0]


def place(key: str, workers: int) -> int:
    """The worker that owns a stream, by rendezvous hashing of its camera: a camera's streams share one worker.

    Few cameras move when the number of workers changes.
    """
    camera = camera_of(key)
    return max(
        range(workers), key=lambda number: hashlib.blake2b(f"{number}/{camera}".encode(), digest_size=8).digest()
    )


class Placement:
    """Counts viewers by worker and camera, and says where the next one goes.

    A camera's viewers go to its owner, the one worker that pulls it. Once the owner has `spread_after` viewers, of
    whatever camera, the next go to the worker with the fewest; a worker that does not carry the camera yet has to have
    a quarter of `spread_after` fewer than the owner, because the streams are then sent from worker to worker.
    """

    def __init__(self, workers: int, spread_after: int) -> None:
        if workers < 1 or spread_after < 1:
            raise ValueError("placement needs a worker, and at least one viewer before it spreads")
        self._workers = workers
        self._spread_after = spread_after
        self._hop = max(1, spread_after // 4)
        self._loads = [0] * workers
        self._viewers: Counter[tuple[str, int]] = Counter()

    def owner(self, key: str) -> int:
        """The worker that pulls this stream from its camera."""
        return place(key, self._workers)

    def load(self, worker: int) -> int:
        """How many viewers a worker has."""
        return self._loads[worker]

    def viewers(self, key: str, worker: int) -> int:
        """How many of them watch this stream's camera."""
        return self._viewers[camera_of(key), worker]

    def choose(self, key: str, up: Collection[int]) -> int:
        """Where the next viewer of this stream goes; `up` are the workers that serve now, the owner counts anyway."""
        owner = self.owner(key)
        if self._loads[owner] < self._spread_after:
            return owner
        candidates = [worker for worker in range(self._workers) if worker == owner or worker in up]
        return min(candidates, key=lambda worker: self._cost(key, worker, owner))

    def joined(self, key: str, worker: int) -> None:
        """A viewer of this stream was sent to this worker."""
        self._loads[worker] += 1
        self._viewers[camera_of(key), worker] += 1

    def left(self, key: str, worker: int) -> None:
        """It is gone; call once for each `joined`."""
        self._loads[worker] -= 1
        self._viewers[camera_of(key), worker] -= 1
        if self._viewers[camera_of(key), worker] <= 0:
            del self._viewers[camera_of(key), worker]

    def _cost(self, key: str, worker: int, owner: int) -> tuple[int, bool, bool, int]:
        is_new = worker != owner and not self.viewers(key, worker)
        return self._loads[worker] + (self._hop if is_new else 0), worker == owner, is_new, worker
