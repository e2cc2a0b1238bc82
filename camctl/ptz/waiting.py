"""Those who wait for a camera: served by priority, then by arrival. Plain data; time is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from camctl.ptz.events import Source
from camctl.ptz.view import WaiterView

_HTTP = ":http"  # how the channel of a sign-in's plain HTTP commands ends: nothing tells when such a caller has gone


@dataclass(frozen=True, slots=True)
class _Place:
    view: WaiterView
    expires_at: float = math.inf

    @property
    def order(self) -> tuple[int, int]:
        return (-self.view.source.priority, self.view.ticket)


class WaitingList:
    """One camera's queue: at most `queue_max` sign-ins, one place each."""

    def __init__(self, queue_max: int, http_wait_s: float) -> None:
        self._queue_max = queue_max
        self._http_wait_s = http_wait_s
        self._places: tuple[_Place, ...] = ()  # in the order in which they will be served
        self._ticket = 0

    def views(self) -> tuple[WaiterView, ...]:
        """All places, first to be served first."""
        return tuple(place.view for place in self._places)

    def oldest_since(self) -> float:
        """When the first of those who wait now began to; inf when nobody waits."""
        return min((place.view.since for place in self._places), default=math.inf)

    def deadline(self) -> float:
        """When the next place expires; inf when none does."""
        return min((place.expires_at for place in self._places), default=math.inf)

    def join(self, source: Source, reason: str, now: float) -> bool:
        """Add a place, or renew the sign-in's present one with its new channel and reason; False when all are taken."""
        old = next((place.view for place in self._places if place.view.source.sign_in == source.sign_in), None)
        if old is None:
            if len(self._places) >= self._queue_max:
                return False
            self._ticket += 1
            view = WaiterView(self._ticket, source, now, reason)
        else:
            view = replace(old, source=source, reason=reason)
            self.leave(source.sign_in)
        expires_at = now + self._http_wait_s if source.channel.endswith(_HTTP) else math.inf
        self._places = tuple(sorted((*self._places, _Place(view, expires_at)), key=lambda place: place.order))
        return True

    def leave(self, sign_in: str) -> bool:
        """Give up the place of `sign_in`; False when it has none."""
        kept = tuple(place for place in self._places if place.view.source.sign_in != sign_in)
        has_left = len(kept) < len(self._places)
        self._places = kept
        return has_left

    def close_channel(self, channel: str) -> None:
        """Give up the places that were asked for over this channel."""
        self._places = tuple(place for place in self._places if place.view.source.channel != channel)

    def expire(self, now: float) -> None:
        """Give up the places that nobody renewed."""
        if now >= self.deadline():
            self._places = tuple(place for place in self._places if now < place.expires_at)

    def find(self, ticket: int) -> WaiterView | None:
        """The place with this ticket."""
        return next((place.view for place in self._places if place.view.ticket == ticket), None)
