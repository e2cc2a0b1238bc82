"""Video sessions of viewers who cannot take WebRTC: admitted, counted and ended like all others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from auth.model import Person
from auth.policy import Standing
from auth.service import utc_now
from camctl.control.client import RemoteCamera
from camctl.media import Media
from camctl.metrics import Metrics
from camctl.video import VideoSession, ViewEnd


class Way(StrEnum):
    """How a picture reaches a viewer without WebRTC."""

    MP4 = "mp4"
    JPEG = "jpeg"


@dataclass(frozen=True, slots=True)
class FallbackSeat:
    """A viewer's place; `ended` is set when the session is to end."""

    session: VideoSession
    ended: asyncio.Event


class Fallback:
    """Seats for viewers whose pictures go through this process; a Part of the service."""

    def __init__(self, media: Media, metrics: Metrics) -> None:
        self._media = media
        self._metrics = metrics
        self._seats: set[str] = set()

    async def start(self) -> None:
        """Nothing to begin."""

    async def close(self) -> None:
        """End every session, so that no answer without an end keeps the server from stopping."""
        for session_id in tuple(self._seats):
            await self._media.close(session_id, ViewEnd.SHUTDOWN)

    @contextlib.contextmanager
    def seat(self, camera: RemoteCamera, way: Way, *, sign_in: str, person: Person) -> Iterator[FallbackSeat]:
        """One session for the length of the block.

        Raises:
            PictureHiddenError, TooManySessionsError, NoPlaceError: as `Media.admit`.
        """
        ended = asyncio.Event()
        rank = Standing(person, utc_now()).viewing_rank()
        session = self._media.admit(
            camera, sign_in=sign_in, person=person.id, rank=rank, on_end=ended.set, viewer=person
        )
        self._seats.add(session.id)
        gauge = self._metrics.fallback_sessions.labels(way.value)
        gauge.inc()
        try:
            yield FallbackSeat(session, ended)
        finally:
            gauge.dec()
            self._seats.discard(session.id)
            self._media.forget(session.id)
