"""One side's DTLS flights: sent again soon when nothing answers, and timed.

OpenSSL waits a second before it sends a flight again (RFC 6347 section 4.2.4.1): on a link that loses one packet in a
hundred that is a second without a picture for every fifteenth phone. What is sent here are the very same datagrams:
for the peer a network that doubles packets, which DTLS has to bear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_AGAIN_S = (0.12, 0.3, 0.6)  # after the flight; then OpenSSL's own timer takes over
_MAX_DATAGRAMS = 16


class Flight:
    """The newest flight. `rtt_s` is the shortest time that an answer took, None while there is none."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.rtt_s: float | None = None
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._datagrams: list[bytes] = []
        self._sent_s = 0.0
        self._timers: list[asyncio.TimerHandle] = []
        self._is_answered = self._is_repeated = False

    def sent(self, data: bytes) -> None:
        """We sent this; after an answer it begins the next flight."""
        if self._is_answered:
            self.end()
        if not self._datagrams:
            self._sent_s = self._loop.time()
            self._timers = [self._loop.call_later(delay, self._again) for delay in _AGAIN_S]
        if len(self._datagrams) < _MAX_DATAGRAMS:
            self._datagrams.append(data)

    def answered(self) -> None:
        """The peer sent something. It may be what it said before, because our flight was lost: that goes on."""
        if not self._datagrams:
            return
        if not self._is_answered and not self._is_repeated:
            took_s = self._loop.time() - self._sent_s
            self.rtt_s = took_s if self.rtt_s is None else min(took_s, self.rtt_s)
        self._is_answered = True

    def end(self) -> None:
        """Send nothing again; idempotent."""
        for timer in self._timers:
            timer.cancel()
        self._timers, self._datagrams = [], []
        self._is_answered = self._is_repeated = False

    def _again(self) -> None:
        self._is_repeated = True
        for data in self._datagrams:
            self._send(data)
