"""Video sessions of viewers who cannot take WebRTC: admitted, counted and ended like all others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from enum import StrEnum

from camctl.control.client import RemoteCamera
from camctl.media import Media
from camctl.metrics import Metrics
from streams.errors import StreamError, StreamFault


class Way(StrEnum):
    """How a picture reaches a viewer without WebRTC."""

    MP4 = "mp4"
    JPEG = "jpeg"


class Fallback:
    """Seats for viewers whose pictures go through this process, so their number is limited; a Part of the service."""

    def __init__(self, media: Media, limit: int, metrics: Metrics) -> None:
        self._media = media
        self._limit = limit
        self._metrics = metrics
        self._seats: set[str] = set()

    async def start(self) -> None:
        """Nothing to begin."""

    async def close(self) -> None:
        """End every session, so that no answer without an end keeps the server from stopping."""
        for session_id in tuple(self._seats):
            await self._media.close(session_id)

    @contextlib.contextmanager
    def seat(self, camera: RemoteCamera, way: Way, *, sign_in: str, person: str) -> Iterator[asyncio.Event]:
        """One session for the length of the block; the event is set when it is to end.

        Raises:
            PictureHiddenError, TooManySessionsError: as `Media.admit`.
            StreamError: OVERLOADED, when all seats are taken.
        """
        if len(self._seats) >= self._limit:
            detail = "as many people as this service can serve watch without WebRTC"
            raise StreamError(StreamFault.OVERLOADED, detail)
        ended = asyncio.Event()
        session = self._media.admit(camera, sign_in=sign_in, person=person, on_end=ended.set)
        self._seats.add(session.id)
        gauge = self._metrics.fallback_sessions.labels(way.value)
        gauge.inc()
        try:
            yield ended
        finally:
            gauge.dec()
            self._seats.discard(session.id)
            self._media.forget(session.id)
