"""When a picture may be shown, and how a key picture is asked for so that viewers can go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

CAMERA_DELAY_S = 0.5  # what cameras take from light to packet; what comes sooner after the unhiding was seen before it
ASK_EVERY_S = 1.0
_TIMER_S = 0.01  # what an event loop may call too early


class Curtain:
    """Whether pictures may be shown. Pure; times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self.is_hidden = False
        self.hidings = 0  # a picture of before the last one is none any more
        self._fresh_s = float("-inf")

    def hide(self) -> bool:
        """Let no picture through; False if it was so already."""
        was_hidden, self.is_hidden = self.is_hidden, True
        self.hidings += not was_hidden
        return not was_hidden

    def show(self, now_s: float) -> bool:
        """Let pictures through that were taken from now on; False if it was so already."""
        was_hidden, self.is_hidden = self.is_hidden, False
        if was_hidden:
            self._fresh_s = now_s + CAMERA_DELAY_S
        return was_hidden

    def lets(self, arrived_s: float) -> bool:
        """Whether a picture that arrived then may be shown."""
        return not self.is_hidden and arrived_s >= self._fresh_s


class KeyAsker:
    """Calls `ask` for a key picture, at most once a second, and only while one could be shown."""

    def __init__(self, ask: Callable[[], None], curtain: Curtain, clock: Callable[[], float]) -> None:
        self.wanted = 0  # how often viewers wanted one
        self._ask = ask
        self._curtain = curtain
        self._clock = clock
        self._asked_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def want(self) -> None:
        """Somebody cannot decode on."""
        self.wanted += 1
        now_s = self._clock()
        if now_s - self._asked_s >= ASK_EVERY_S and self._curtain.lets(now_s):
            self._asked_s = now_s
            self._ask()

    def beg(self, delay_s: float, is_needed: Callable[[], bool | None]) -> None:
        """Ask after `delay_s` and then every second, until `is_needed` says False; None is "not now".

        Asked less than a second ago, as for the pull before, it asks when that second is over.
        """
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._beg, is_needed)

    def renew(self, is_needed: Callable[[], bool | None]) -> None:
        """The curtain has gone up: what was asked for before does not count."""
        self._asked_s = float("-inf")
        self.beg(CAMERA_DELAY_S + _TIMER_S, is_needed)

    def stop(self) -> None:
        """Beg no more; idempotent."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _beg(self, is_needed: Callable[[], bool | None]) -> None:
        answer = is_needed()
        if answer is False:
            return
        if answer:
            self.want()
        early_s = self._asked_s + ASK_EVERY_S - self._clock()
        self.beg(early_s + _TIMER_S if 0 < early_s < ASK_EVERY_S else ASK_EVERY_S, is_needed)
