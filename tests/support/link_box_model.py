"""What a link does to packets: when each leaves it, or that it is lost. Pure: sizes and times in, times out."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

KNOT_S = 0.05  # how often a wandering delay takes a new value
HELD_BYTES = 256 * 1024  # what a link keeps at most during an outage that holds


@dataclass(frozen=True, slots=True)
class Path:
    """One direction of a link.

    `delay_ms` wanders within +/- `jitter_ms`, slowly enough that packets keep their order; without `keeps_order` each
    packet draws its own and may overtake others. `loss` is the share of packets lost, in bursts of `burst` packets on
    average (1: each for itself). `rate_bps` is how fast packets get onto the link, from a queue in which none waits
    longer than `queue_ms`; None: at once.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    burst: float = 1.0
    rate_bps: float | None = None
    queue_ms: float = 100.0
    keeps_order: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.jitter_ms <= self.delay_ms:
            raise ValueError("jitter_ms must lie between 0 and delay_ms: no packet leaves before it came")
        if not 0 <= self.loss <= 1 or self.burst < 1:
            raise ValueError("loss is a share of 0 to 1, burst a mean length of at least 1")
        if (self.rate_bps is not None and self.rate_bps <= 0) or self.queue_ms < 0:
            raise ValueError("rate_bps must be above 0 (or None), queue_ms not below it")


@dataclass(frozen=True, slots=True)
class Outage:
    """Nothing gets onto the link for `for_s`, from `at_s` after its beginning; what comes is lost, or kept if `holds`.

    Packets that are under way already arrive.
    """

    at_s: float
    for_s: float
    holds: bool = False

    @property
    def ends_s(self) -> float:
        """When packets get through again."""
        return self.at_s + self.for_s


@dataclass(frozen=True, slots=True)
class Profile:
    """A link: `up` from the client to the service, `down` back; outages hit both. The same `seed`, the same link."""

    up: Path = field(default_factory=Path)
    down: Path = field(default_factory=Path)
    outages: tuple[Outage, ...] = ()
    seed: int = 1

    @classmethod
    def both(cls, path: Path, *outages: Outage) -> Profile:
        """The same in both directions."""
        return cls(path, path, outages)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Profile:
        """What dataclasses.asdict made of one."""
        outages = tuple(Outage(**each) for each in value["outages"])
        return cls(Path(**value["up"]), Path(**value["down"]), outages, value["seed"])


# One table for everything that needs a link that is not perfect.
PROFILES: dict[str, Profile] = {
    "clean": Profile(),
    # A good mobile network.
    "lte": Profile.both(Path(delay_ms=25, jitter_ms=10, loss=0.002)),
    # The link for which control's figures are promised: round trip 300 +/- 60 ms, 2 % lost in each direction.
    "mobile": Profile.both(Path(delay_ms=150, jitter_ms=30, loss=0.02)),
    # A phone that loses sight of its mast: what is lost is lost in a row.
    "burst": Profile.both(Path(delay_ms=60, jitter_ms=20, loss=0.03, burst=8)),
    # A shared line at a partner's site.
    "thin": Profile.both(Path(delay_ms=20, rate_bps=1_000_000, queue_ms=100)),
    # Two paths of different length: later packets overtake.
    "reordering": Profile.both(Path(delay_ms=60, jitter_ms=50, keeps_order=False)),
    # Video's bad link: 3 Mb/s, round trip 80 ms, 1 % lost; as deep a queue as base stations have.
    "bad": Profile(
        up=Path(delay_ms=40, loss=0.01, rate_bps=1_000_000, queue_ms=250),
        down=Path(delay_ms=40, loss=0.01, rate_bps=3_000_000, queue_ms=250),
    ),
    # The link on which video must not freeze: round trip 60 +/- 20 ms, 3 % lost in each direction.
    "lossy": Profile.both(Path(delay_ms=30, jitter_ms=10, loss=0.03)),
    # The same link as "bad", at the edge of a cell: less than a main stream needs, more than a sub stream.
    "narrow": Profile(
        up=Path(delay_ms=40, rate_bps=300_000, queue_ms=250), down=Path(delay_ms=40, rate_bps=700_000, queue_ms=250)
    ),
    # A change of cells: everything is lost for a while; or kept for a while and then delivered at once.
    "outage-1.5s": Profile.both(Path(delay_ms=40, jitter_ms=10), Outage(3.0, 1.5)),
    "stall-1.5s": Profile.both(Path(delay_ms=40, jitter_ms=10), Outage(3.0, 1.5, holds=True)),
    "gone": Profile.both(Path(loss=1.0)),
}


class Lane:
    """One direction at work. Times are seconds since the link's beginning and never run backwards."""

    def __init__(self, path: Path, outages: tuple[Outage, ...] = (), seed: int = 1) -> None:
        self._path = path
        self._outages = list(outages)
        self._losing = random.Random(f"loss {seed}")
        self._wandering = f"delay {seed}"
        self._own_delays = random.Random(f"delays {seed}")
        self._knots: dict[int, float] = {}
        self._is_bad = False
        self._free_at = -math.inf  # when the last packet of the queue will be on the link
        self._last_leaves_at = -math.inf
        self._held: Counter[float] = Counter()  # bytes kept, by the end of the outage
        self.passed = 0
        self.lost: Counter[str] = Counter()  # by reason: "loss", "queue", "outage"

    def cut(self, outage: Outage) -> None:
        """One more outage."""
        self._outages.append(outage)

    def leaves_at(self, size_bytes: int, now: float) -> float | None:
        """When a packet that comes `now` leaves at the far end; None when it is lost."""
        begins_at, path = now, self._path
        for outage in self._outages:
            if outage.at_s <= now < outage.ends_s:
                if not outage.holds or self._held[outage.ends_s] + size_bytes > HELD_BYTES:
                    return self._lose("outage")
                self._held[outage.ends_s] += size_bytes
                begins_at = max(begins_at, outage.ends_s)
        if path.rate_bps is not None:
            waits_until = max(self._free_at, begins_at)
            if waits_until - begins_at > path.queue_ms / 1000:
                return self._lose("queue")
            begins_at = self._free_at = waits_until + size_bytes * 8 / path.rate_bps
        if self._is_lost():
            return self._lose("loss")
        leaves_at = begins_at + self._delay_s(begins_at)
        if path.keeps_order:
            leaves_at = self._last_leaves_at = max(leaves_at, self._last_leaves_at)
        self.passed += 1
        return leaves_at

    def _lose(self, reason: str) -> float | None:
        self.lost[reason] += 1
        return None

    def _is_lost(self) -> bool:
        """Two states (Gilbert): in the bad one everything is lost; it lasts `burst` packets on average."""
        loss, burst = self._path.loss, self._path.burst
        if burst <= 1 or loss in {0.0, 1.0}:
            return self._losing.random() < loss
        leaves, enters = 1 / burst, loss / (burst * (1 - loss))
        self._is_bad = self._losing.random() >= leaves if self._is_bad else self._losing.random() < enters
        return self._is_bad

    def _delay_s(self, at_s: float) -> float:
        path = self._path
        if not path.keeps_order:
            return (path.delay_ms + path.jitter_ms * self._own_delays.uniform(-1, 1)) / 1000
        index, share = divmod(at_s / KNOT_S, 1.0)
        here, there = self._knot(int(index)), self._knot(int(index) + 1)
        return (path.delay_ms + path.jitter_ms * (here + (there - here) * share)) / 1000

    def _knot(self, index: int) -> float:
        """Where in -1..1 the delay is at a knot; the same whenever and however often it is asked."""
        if index not in self._knots:
            if len(self._knots) > 64:
                self._knots.clear()
            self._knots[index] = random.Random(f"{self._wandering} {index}").uniform(-1, 1)
        return self._knots[index]


class Transit:
    """A lane with the packets that are under way on it."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._under_way: list[tuple[float, int, bytes]] = []
        self._numbers = itertools.count()

    def put(self, packet: bytes, now: float) -> None:
        """A packet comes."""
        leaves_at = self.lane.leaves_at(len(packet), now)
        if leaves_at is not None:
            heapq.heappush(self._under_way, (leaves_at, next(self._numbers), packet))

    @property
    def next_at(self) -> float:
        """When the next packet leaves; inf when none is under way."""
        return self._under_way[0][0] if self._under_way else math.inf

    def take(self, now: float) -> tuple[float, bytes] | None:
        """The next packet that has to leave by `now`, with the time when it had to; None when there is none."""
        if self.next_at > now:
            return None
        leaves_at, _, packet = heapq.heappop(self._under_way)
        return leaves_at, packet
