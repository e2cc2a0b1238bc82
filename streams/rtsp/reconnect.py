"""When to try a camera again. Pure: time and chance are arguments."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from streams.errors import StreamFault


@dataclass(frozen=True, slots=True)
class ReconnectSettings:
    """Delays in seconds. Cameras lock accounts after about five bad logins, hence the long pause after a refusal."""

    first_s: float = 1.0
    cap_s: float = 30.0
    credentials_s: float = 90.0
    busy_s: float = 10.0
    hopeless_s: float = (
        30.0  # wrong codec, no video, no such path, unknown certificate: a person has to change something
    )
    stable_s: float = 30.0  # a pull that lived this long starts the back-off anew
    nudge_s: float = 3.0  # how soon after a failure a new viewer may cause a try out of turn


class ReconnectPolicy:
    """Capped, jittered back-off of one stream; it outlives pulls, so that viewers who come and go hammer no camera.

    `chance` returns numbers in [0, 1).
    """

    def __init__(self, settings: ReconnectSettings | None = None, chance: Callable[[], float] = random.random) -> None:
        self._settings = settings or ReconnectSettings()
        self._chance = chance
        self._failures = 0
        self._fault: StreamFault | None = None
        self._failed_at_s = 0.0
        self._retry_at_s = 0.0

    def fresh(self) -> ReconnectPolicy:
        """The same settings without a history, for when the camera's address or credentials have changed."""
        return ReconnectPolicy(self._settings, self._chance)

    @property
    def fault(self) -> StreamFault | None:
        """Why the last try ended; None before the first failure and after a success."""
        return self._fault

    def failed(self, fault: StreamFault, now_s: float, lived_s: float = 0.0) -> float:
        """Note that a pull ended after living `lived_s`; the seconds to wait before the next try."""
        if lived_s >= self._settings.stable_s:
            self._failures = 0
        self._failures += 1
        self._fault = fault
        self._failed_at_s = now_s
        delay_s = self._delay_s(fault)
        self._retry_at_s = now_s + delay_s
        return delay_s

    def succeeded(self) -> None:
        """A picture came. The back-off itself starts anew only after a stable time."""
        self._fault = None
        self._retry_at_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """How long a new pull has to wait; 0 when it may start."""
        return max(0.0, self._retry_at_s - now_s)

    def nudge(self, now_s: float) -> bool:
        """A viewer asks now: whether a try out of turn is harmless; if so the wait is over."""
        if self._fault in (StreamFault.BAD_CREDENTIALS, StreamFault.BUSY):
            return self.wait_s(now_s) == 0
        if now_s - self._failed_at_s < self._settings.nudge_s and self._fault is not None:
            return self.wait_s(now_s) == 0
        self._retry_at_s = now_s
        return True

    def _delay_s(self, fault: StreamFault) -> float:
        settings = self._settings
        backoff_s = min(settings.cap_s, settings.first_s * 2.0 ** min(self._failures - 1, 16))
        jittered_s = backoff_s * (0.5 + 0.5 * self._chance())
        if fault is StreamFault.BAD_CREDENTIALS:
            return settings.credentials_s * (1 + 0.2 * self._chance()) * min(self._failures, 5)
        if fault is StreamFault.BUSY:
            return max(settings.busy_s * (1 + 0.2 * self._chance()), jittered_s)
        if fault in (StreamFault.CODEC, StreamFault.NO_VIDEO, StreamFault.NOT_FOUND, StreamFault.CERTIFICATE):
            return max(settings.hopeless_s, jittered_s)
        return jittered_s
