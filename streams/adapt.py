"""Main or sub stream for one viewer: a state machine over `Phase`, by loss, round trip and the viewer's own estimate.

Pure; time is an argument (seconds of any monotonic clock). It sends nothing: `streams.viewing` does what it says.
What always holds (tests/property/test_adapt.py):
* a pinned viewer, and one with a single stream, is never moved;
* from sub to main only after the link was without trouble for `proof_s`, and where it can be, was probed;
* after a fall, and after a probe in vain, the next try waits longer, up to a cap.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum

from streams.quality import Demand, Quality, Why, Wish

NEAR_S = 0.025  # a round trip of a wire or a good wireless network; nothing mobile is as quick
_LOSS, _HEAVY_LOSS = 0.10, 0.30  # below the first, what is lost is sent again in time
_LOSS_WINDOW_S, _FEW_PACKETS = 2.0, 40
_QUEUE_S = 0.25  # so much more than the shortest round trip seen is a queue that grows
_PROBE_QUEUE_S = 0.12
_ESTIMATE = 0.8  # of what the stream needs
_DROP, _PEAK_S = 0.85, 5.0  # an estimate that has not grown yet is low too: only one that fell tells of trouble
_SETTLE_S = 3.0  # a burst upsets estimates
_STRIKES, _STRIKES_WITHIN_S = 2, 3.0
_FIRST_PROOF_S, _PROOF_S, _PROOF_MORE_S, _PROOF_CAP_S = 1.0, 4.0, 2.0, 12.0
_BLIND_PROOF_S, _BLIND_CAP_S = 10.0, 60.0  # without probes a try in vain is a freeze
_VERDICT_S = 4.0
_PROVED_S = 30.0


class Phase(Enum):
    """What the governor is about."""

    FIXED = "fixed"  # nothing to choose
    HIGH = "high"  # on main
    LOW = "low"  # on sub, until the link has proved itself
    PROBING = "probing"  # on sub; a probe was sent and its report has not come


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What a receiver report says since the beginning: packets lost, and the highest sequence number (32 bits).

    `rtt_s` is the round trip (None: unknown), `sr_sent_s` when the sender report was sent that it answers.
    """

    lost: int
    highest: int
    rtt_s: float | None = None
    sr_sent_s: float = -math.inf


class LossMeter:
    """The share of packets lost over the last seconds: single reports are of too few packets to tell."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque(maxlen=64)

    def add(self, report: LinkReport, now_s: float) -> float:
        """Note a report; the loss (0 to 1) over the window, 0 while too few packets were sent."""
        self._seen.append((now_s, report.lost, report.highest))
        while len(self._seen) > 2 and self._seen[1][0] <= now_s - _LOSS_WINDOW_S:
            self._seen.popleft()
        _, lost, highest = self._seen[0]
        sent = (report.highest - highest) & 0xFFFF_FFFF
        return max(0, report.lost - lost) / sent if _FEW_PACKETS <= sent < 1 << 31 else 0.0


class Governor:
    """One viewer's. Read `target` and `why` after every call; when `wants_probe`, probe and call `probed`."""

    def __init__(self, demand: Demand, *, has_both: bool, can_probe: bool = True) -> None:
        self.target = demand.wants or Quality.MAIN
        self.why = Why.ONLY
        self.phase = Phase.FIXED
        self.demand = demand
        self.loss = 0.0  # over the last seconds
        self._has_both = has_both
        self._can_probe = can_probe
        self._base_rtt_s = math.inf
        self._settled_s = math.inf
        self._losses = LossMeter()
        self._estimates: deque[tuple[float, float]] = deque(maxlen=64)
        self._strikes: list[float] = []
        self._clean_since_s = -math.inf
        self._high_since_s = -math.inf
        self._proof_s = _FIRST_PROOF_S
        self._probed_s: float | None = None
        self._asked_s = -math.inf

    @property
    def wants_probe(self) -> bool:
        """Whether a probe is to be sent now."""
        return self.phase is Phase.PROBING and self._probed_s is None

    def begin(self, now_s: float, rtt_s: float | None) -> None:
        """The viewer is connected; the handshake's round trip is all that is known of its link."""
        self._base_rtt_s = math.inf if rtt_s is None else rtt_s
        self._settle(now_s)
        is_near = rtt_s is not None and rtt_s < NEAR_S and not self.demand.is_slow
        if self._choose_fixed():
            return
        self._enter(Phase.HIGH if is_near else Phase.LOW, Why.GOOD if is_near else Why.START, now_s)

    def ask(self, demand: Demand, now_s: float) -> None:
        """The viewer wants something else."""
        before, self.demand = self.demand, demand
        if self._choose_fixed() or before == demand:
            return
        if self.phase is Phase.FIXED:  # free to choose again; where it is, is where it begins
            is_high = self.target is Quality.MAIN
            self._enter(Phase.HIGH if is_high else Phase.LOW, Why.GOOD if is_high else Why.START, now_s)
            self._proof_s = _FIRST_PROOF_S

    def report(self, report: LinkReport, now_s: float) -> None:
        """A receiver report came."""
        rtt_s = report.rtt_s
        loss = self.loss = self._losses.add(report, now_s)
        if rtt_s is not None:
            self._base_rtt_s = min(self._base_rtt_s, rtt_s)
        queue_s = 0.0 if rtt_s is None else rtt_s - self._base_rtt_s
        if self.phase is Phase.PROBING and self._probed_s is not None and report.sr_sent_s >= self._probed_s:
            if queue_s < _PROBE_QUEUE_S and loss < _LOSS:
                self._rise(now_s)
            else:
                self._fall(now_s)
        elif loss > _HEAVY_LOSS:
            self._strike(now_s, _STRIKES)
        elif loss > _LOSS or queue_s > _QUEUE_S:
            self._strike(now_s)

    def estimate(self, bits_per_s: float, needed_bits_per_s: float, now_s: float) -> None:
        """The viewer estimates what its link carries (REMB); the stream that it gets needs so much."""
        self._estimates.append((now_s, bits_per_s))
        while self._estimates[0][0] < now_s - _PEAK_S:
            self._estimates.popleft()
        has_dropped = bits_per_s < _DROP * max(value for _, value in self._estimates)
        if now_s >= self._settled_s and has_dropped and bits_per_s < _ESTIMATE * needed_bits_per_s:
            self._strike(now_s)

    def probed(self, now_s: float) -> None:
        """A probe was sent, and a sender report at its end, at `now_s`."""
        if self.phase is Phase.PROBING:
            self._probed_s = now_s

    def failed(self, now_s: float) -> None:
        """What `target` names did not come; go on with the other one and try again later."""
        if self.phase is Phase.HIGH:
            self._fall(now_s)
        elif self.phase in (Phase.LOW, Phase.PROBING):
            self._enter(Phase.HIGH, Why.GOOD, now_s)

    def tick(self, now_s: float) -> None:
        """Time passes."""
        if self.phase is Phase.HIGH and now_s - self._high_since_s > _PROVED_S:
            self._proof_s = _PROOF_S if self._can_probe else _BLIND_PROOF_S
        elif self.phase is Phase.LOW and now_s - self._clean_since_s >= self._proof_s:
            if not self._can_probe:
                self._rise(now_s)
                return
            self.phase = Phase.PROBING
            self._probed_s, self._asked_s = None, now_s
        elif self.phase is Phase.PROBING and now_s - self._asked_s > _VERDICT_S:
            self._fall(now_s)

    def _choose_fixed(self) -> bool:
        """Whether there is nothing to choose; settles it then."""
        wanted = self.demand.wants
        if self._has_both and wanted is None:
            return False
        self.phase = Phase.FIXED
        self.target = wanted or Quality.MAIN
        pinned = Why.TILE if self.demand.wish is Wish.AUTO else Why.PINNED
        self.why = pinned if self._has_both else Why.ONLY
        return True

    def _enter(self, phase: Phase, why: Why, now_s: float) -> None:
        self.phase, self.why = phase, why
        self.target = Quality.MAIN if phase is Phase.HIGH else Quality.SUB
        self._strikes.clear()
        self._clean_since_s = self._high_since_s = now_s
        self._settle(now_s)

    def _settle(self, now_s: float) -> None:
        self._settled_s = now_s + _SETTLE_S

    def _rise(self, now_s: float) -> None:
        self._enter(Phase.HIGH, Why.GOOD, now_s)

    def _fall(self, now_s: float) -> None:
        """The link does not carry main now; the next try comes later than the one before."""
        if not self._can_probe:
            self._proof_s = min(_BLIND_CAP_S, max(_BLIND_PROOF_S, self._proof_s * 2))
        elif self._proof_s < _PROOF_S:
            self._proof_s = _PROOF_S
        else:
            self._proof_s = min(_PROOF_CAP_S, self._proof_s + _PROOF_MORE_S)
        self._enter(Phase.LOW, Why.LINK, now_s)

    def _strike(self, now_s: float, weight: int = 1) -> None:
        """A sign of trouble; several within a short time mean it."""
        self._clean_since_s = now_s
        if self.phase is Phase.PROBING:
            self._fall(now_s)
            return
        if self.phase is not Phase.HIGH:
            return
        self._strikes = [at for at in self._strikes if now_s - at < _STRIKES_WITHIN_S] + [now_s] * weight
        if len(self._strikes) >= _STRIKES:
            self._fall(now_s)
