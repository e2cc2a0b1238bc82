"""How long to wait before a camera is tried again: growing, capped, spread, and long after a bad password."""

from __future__ import annotations

import random
from collections.abc import Callable

from camctl.ptz.ports import CameraFault

FIRST_S = 1.0
LONGEST_S = 30.0
BAD_CREDENTIALS_S = 300.0  # cameras lock an account after about five bad sign-ins
SPREAD = 0.2  # a power cut ends for a whole street at once; its cameras are not to be asked at once


class Backoff:
    """Pauses between attempts. `chance` gives numbers from 0 to 1 (random by default)."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._failures = 0

    def succeeded(self) -> None:
        """The camera answered: the next failure starts from the shortest pause."""
        self._failures = 0

    def failed(self, fault: CameraFault) -> float:
        """Seconds to wait after this failure."""
        base_s = min(LONGEST_S, FIRST_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        if fault is CameraFault.BAD_CREDENTIALS:
            base_s = BAD_CREDENTIALS_S
        return base_s * (1.0 + SPREAD * (2.0 * self._chance() - 1.0))
