"""How busy this process is: how late its event loop runs, and what a packet costs. Time is passed in but for `Load`."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from streams.tally import Histogram

EVERY_S = 0.1
_LAG_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_LAGS = 10  # looks of which the mean is taken: one second
_COSTS = 10  # seconds over which a packet's cost is taken


class LoadFigures:
    """The numbers: `late` after each look, `second` once a second."""

    def __init__(self) -> None:
        self.lags = Histogram(_LAG_BOUNDS_S)
        self._recent: deque[float] = deque(maxlen=_LAGS)
        self._costs: deque[tuple[float, int]] = deque(maxlen=_COSTS + 1)

    def late(self, late_s: float) -> None:
        """The loop came to a timer so late."""
        late_s = max(0.0, late_s)
        self.lags.observe(late_s)
        self._recent.append(late_s)

    def second(self, cpu_s: float, packets: int) -> None:
        """The process's CPU time and the packets it has sent, since its beginning."""
        self._costs.append((cpu_s, packets))

    @property
    def lag_s(self) -> float:
        """The mean of the last second."""
        return sum(self._recent) / len(self._recent) if self._recent else 0.0

    @property
    def cpu_per_packet_s(self) -> float:
        """CPU seconds of the whole process per packet sent in the last ten seconds; 0 when there were none."""
        if len(self._costs) < 2:
            return 0.0
        (cpu_s, packets), (cpu_now_s, packets_now) = self._costs[0], self._costs[-1]
        return (cpu_now_s - cpu_s) / (packets_now - packets) if packets_now > packets else 0.0


class Load:
    """Looks at the running loop ten times a second. `on_second` gets the lag, `packets` says what was sent."""

    def __init__(self, packets: Callable[[], int], on_second: Callable[[float], None]) -> None:
        self.figures = LoadFigures()
        self._packets = packets
        self._on_second = on_second
        self._looks = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; a second start is nothing."""
        if self._timer is None:
            self._wait()

    def stop(self) -> None:
        """End; idempotent."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + EVERY_S
        self._timer = loop.call_at(due_s, self._look, due_s)

    def _look(self, due_s: float) -> None:
        self.figures.late(asyncio.get_running_loop().time() - due_s)
        self._wait()
        self._looks += 1
        if self._looks % round(1 / EVERY_S) == 0:
            self.figures.second(time.process_time(), self._packets())
            self._on_second(self.figures.lag_s)
