"""Pull points of the Events service: subscriptions with a life of their own and a bounded queue each.

Pure but for the asyncio.Event that wakes a waiting PullMessages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from simulators.onvif.xml import Xml

MAX_PULL_POINTS = 10
QUEUE_LENGTH = 100


@dataclass(slots=True)
class PullPoint:
    """One subscription; `ends_s` is on the monotonic clock."""

    ends_s: float
    messages: deque[Xml] = field(default_factory=lambda: deque(maxlen=QUEUE_LENGTH))
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, message: Xml) -> None:
        """Queue a message; the oldest is lost when the queue is full."""
        self.messages.append(message)
        self.woken.set()

    def take(self, limit: int) -> list[Xml]:
        """Up to `limit` messages, oldest first."""
        taken = [self.messages.popleft() for _ in range(min(limit, len(self.messages)))]
        if not self.messages:
            self.woken.clear()
        return taken


class PullPoints:
    """All subscriptions of one camera."""

    def __init__(self) -> None:
        self._points: dict[str, PullPoint] = {}
        self._next = 1

    def create(self, ends_s: float, now_s: float) -> str | None:
        """A new subscription's id; None when there are too many."""
        self._expire(now_s)
        if len(self._points) >= MAX_PULL_POINTS:
            return None
        name, self._next = str(self._next), self._next + 1
        self._points[name] = PullPoint(ends_s)
        return name

    def get(self, name: str, now_s: float) -> PullPoint | None:
        """A living subscription."""
        self._expire(now_s)
        return self._points.get(name)

    def remove(self, name: str) -> None:
        """End a subscription; a PullMessages that waits for it returns."""
        point = self._points.pop(name, None)
        if point is not None:
            point.woken.set()

    def end(self, point: PullPoint) -> None:
        """End a subscription that was looked up."""
        for name in [name for name, each in self._points.items() if each is point]:
            self.remove(name)

    def publish(self, message: Xml, now_s: float) -> None:
        """Put a message into every queue."""
        self._expire(now_s)
        for point in self._points.values():
            point.put(message)

    def _expire(self, now_s: float) -> None:
        for name in [name for name, point in self._points.items() if point.ends_s <= now_s]:
            self.remove(name)
