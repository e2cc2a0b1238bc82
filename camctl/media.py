"""From a camera to its streams: which address is pulled, whether it may be, and who has how many sessions on it."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from camctl.cameras.model import CameraState, Health
from camctl.cameras.registry import Cameras
from camctl.cameras.session import CameraSession
from camctl.egress import EgressPolicy, EgressRefusedError, resolve_pinned
from camctl.metrics import Metrics
from streams.errors import StreamError, StreamFault
from streams.pool import PatchResult, SessionAnswer, SessionNotFoundError, StreamSource

_log = logging.getLogger(__name__)

_RTSP = frozenset({"rtsp"})


class Quality(StrEnum):
    """Which of a camera's two streams."""

    MAIN = "main"
    SUB = "sub"


class Pool(Protocol):
    """What is needed of streams.pool.MediaPool."""

    async def open_session(self, session_id: str, source: StreamSource, offer_sdp: str) -> SessionAnswer:
        """Answer a viewer's offer; raises StreamError."""

    async def patch_session(self, session_id: str, fragment: str, if_match: str | None) -> PatchResult:
        """Trickle or restart ICE; raises StreamError."""

    async def close_session(self, session_id: str) -> None:
        """End a viewer's session; SessionNotFoundError when there is none."""

    async def snapshot(self, source: StreamSource) -> bytes:
        """The stream's newest picture as JPEG; raises StreamError."""


@dataclass(frozen=True, slots=True)
class VideoSession:
    """One person's running view of one camera."""

    id: str
    camera_id: str
    sign_in: str
    person: str


class TooManySessionsError(Exception):
    """The person has as many video sessions open as the configuration allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"you have {limit} video sessions open, which is the most one person may have; close one")


class Media:
    """Opens and closes viewers' sessions and remembers whose they are."""

    def __init__(self, cameras: Cameras, egress: EgressPolicy, *, sessions_per_person: int, metrics: Metrics) -> None:
        self._cameras = cameras
        self._egress = egress
        self._limit = sessions_per_person
        self._gauge = metrics.video_sessions
        self._sessions: dict[str, VideoSession] = {}
        self._count: Counter[str] = Counter()
        self.pool: Pool | None = None  # set by the composition root before the first request

    def get(self, session_id: str) -> VideoSession | None:
        """The running session, or None."""
        return self._sessions.get(session_id)

    def sessions(self) -> list[VideoSession]:
        """All running sessions."""
        return list(self._sessions.values())

    def viewers(self, camera_id: str) -> int:
        """How many sessions watch this camera."""
        return sum(session.camera_id == camera_id for session in self._sessions.values())

    async def open(
        self, camera: CameraSession, quality: Quality, offer: str, *, sign_in: str, person: str
    ) -> tuple[str, SessionAnswer]:
        """Answer a viewer's offer.

        Raises:
            TooManySessionsError: the person's share is used up.
            StreamError: the stream cannot be had, or the offer is unusable.
        """
        if self._count[person] >= self._limit:
            raise TooManySessionsError(self._limit)
        session = VideoSession(secrets.token_urlsafe(24), camera.entry.id, sign_in, person)
        # Registered before the first await: whoever revokes meanwhile finds it, and the share cannot be overdrawn.
        self._sessions[session.id] = session
        self._count[person] += 1
        self._gauge.set(len(self._sessions))
        try:
            answer = await self._pool().open_session(session.id, await self.source(camera, quality), offer)
        except BaseException:
            self._forget(session.id)
            raise
        if session.id not in self._sessions:  # revoked while the camera was being asked
            await self._end(session.id)
            raise StreamError(StreamFault.CLOSED, "the session was ended while it was being set up")
        return session.id, answer

    async def patch(self, session_id: str, fragment: str, if_match: str | None) -> PatchResult:
        """Trickle or restart ICE."""
        return await self._pool().patch_session(session_id, fragment, if_match)

    async def close(self, session_id: str) -> None:
        """End a session; idempotent."""
        if self._forget(session_id):
            await self._end(session_id)

    async def close_where(self, matches: Callable[[VideoSession], bool]) -> None:
        """End every session that `matches`."""
        for session in [s for s in self._sessions.values() if matches(s)]:
            await self.close(session.id)

    async def snapshot(self, camera: CameraSession, quality: Quality) -> bytes:
        """The newest picture as JPEG.

        Raises:
            StreamError: the stream cannot be had.
        """
        return await self._pool().snapshot(await self.source(camera, quality))

    async def source(self, camera: CameraSession, quality: Quality) -> StreamSource:
        """Where the stream is pulled from, past the egress guard.

        Raises:
            StreamError: the camera is not live yet, or its address is not approved.
        """
        url = self._url(camera, quality)
        entry = camera.entry
        try:
            target = await resolve_pinned(self._egress, url, schemes=_RTSP)
        except EgressRefusedError as error:
            detail = f"the camera's video address is not allowed: {error}"
            if camera.driver is None:  # a plain feed: nobody else finds out
                camera.set_health(Health(CameraState.OFFLINE, detail, StreamFault.UNREACHABLE.value))
            raise StreamError(StreamFault.UNREACHABLE, detail) from None
        return StreamSource(f"{entry.id}/{quality.value}", target.url, target.address, entry.username, entry.password)

    def on_event(self, event: dict[str, object]) -> None:
        """What a media worker reports: ended sessions and the state of streams."""
        match event:
            case {"type": "session_state", "state": "closed", "session_id": str(session_id)}:
                self._forget(session_id)
            case {"type": "key_wanted", "key": str(key)}:
                camera = self._cameras.get(key.rpartition("/")[0])
                if camera is not None:
                    camera.want_key_frame()
            case {"type": "stream_state", "key": str(key)}:
                camera = self._cameras.get(key.rpartition("/")[0])
                # A plain feed has nothing but its stream to say whether it is there.
                if camera is not None and camera.driver is None:
                    camera.set_health(_health(event))

    def _url(self, camera: CameraSession, quality: Quality) -> str:
        entry = camera.entry
        if entry.rtsp_main is not None:
            return entry.rtsp_sub or entry.rtsp_main if quality is Quality.SUB else entry.rtsp_main
        if camera.facts is None:
            detail = camera.health.detail or "the camera is being connected; try again in a moment"
            fault = camera.health.fault
            raise StreamError(StreamFault(fault) if fault in set(StreamFault) else StreamFault.UNREACHABLE, detail)
        uris = camera.facts.streams
        return uris.sub or uris.main if quality is Quality.SUB else uris.main

    def _pool(self) -> Pool:
        if self.pool is None:
            raise StreamError(StreamFault.CLOSED, "the media workers are not running")
        return self.pool

    async def _end(self, session_id: str) -> None:
        try:
            await self._pool().close_session(session_id)
        except SessionNotFoundError:
            _log.debug("a session had ended already")

    def _forget(self, session_id: str) -> bool:
        session = self._sessions.pop(session_id, None)
        if session is None:
            return False
        self._count[session.person] -= 1
        if not self._count[session.person]:
            del self._count[session.person]
        self._gauge.set(len(self._sessions))
        return True


def _health(event: dict[str, object]) -> Health:
    state, detail = str(event.get("state", "")), str(event.get("detail") or "")
    if state == "live":
        return Health(CameraState.LIVE)
    if state == "connecting":
        return Health(CameraState.CONNECTING)
    if state == "waiting":
        return Health(CameraState.OFFLINE, detail, str(event.get("fault") or ""))
    return Health(CameraState.UNKNOWN)
