"""From a camera to its streams: which address is pulled, whether it may be, and who has how many sessions on it."""

from __future__ import annotations

import functools
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from camctl.cameras.model import CameraState, Health
from camctl.control.client import ControlClient, RemoteCamera
from camctl.egress import EgressPolicy, EgressRefusedError, resolve_pinned
from camctl.metrics import Metrics
from camctl.ptz.limits import Hidden
from streams.errors import StreamError, StreamFault
from streams.pool import PatchResult, SessionAnswer, SessionNotFoundError, StreamSource
from streams.feed_relay import FeedViewer

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

    async def snapshot(self, source: StreamSource, *, small: bool) -> bytes:
        """The stream's newest picture as JPEG; raises StreamError."""

    async def open_feed(self, source: StreamSource) -> FeedViewer:
        """Watch the stream as fragmented MP4; raises StreamError."""

    def send_datagram(self, session_id: str, text: str) -> None:
        """Send over the session's data channel if it has one; never raises, may be lost."""

    def hide(self, stream_key_prefix: str, hidden: bool) -> None:
        """Let no picture of these streams out while `hidden`; sessions stay."""


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


_WHY_HIDDEN = {
    Hidden.POSITION_UNKNOWN: "This camera has views that nobody may see, and it has not proved yet where it looks.",
    Hidden.POSITION_STALE: "This camera has views that nobody may see, and it does not say where it looks now.",
    Hidden.SECTOR: "The camera looks where nobody may look; turn it away and the picture comes back.",
}


class PictureHiddenError(Exception):
    """The camera's picture is withheld now; `why` is a value of Hidden."""

    def __init__(self, why: str) -> None:
        super().__init__(_WHY_HIDDEN.get(Hidden(why), "The picture of this camera is withheld now."))
        self.why = why


class Media:
    """Opens and closes viewers' sessions, remembers whose they are, and withholds what nobody may see."""

    def __init__(
        self, cameras: ControlClient, egress: EgressPolicy, *, sessions_per_person: int, metrics: Metrics
    ) -> None:
        self._cameras = cameras
        self._egress = egress
        self._limit = sessions_per_person
        self._gauge = metrics.video_sessions
        self._sessions: dict[str, VideoSession] = {}
        self._count: Counter[str] = Counter()
        self._pool: Pool | None = None
        self._enders: dict[str, Callable[[], None]] = {}  # by video session that is not WebRTC's
        self._hearers: dict[str, Callable[[str], None]] = {}  # by video session
        self._watchers: dict[str, set[Callable[[], None]]] = {}  # by camera
        self._hidden: set[str] = set()
        for camera in cameras:
            camera.subscribe(functools.partial(self._follow_hidden, camera))

    @property
    def pool(self) -> Pool | None:
        """The media workers; set by the composition root before the first request."""
        return self._pool

    @pool.setter
    def pool(self, pool: Pool) -> None:
        self._pool = pool
        for camera in self._cameras:
            self._follow_hidden(camera)

    def _follow_hidden(self, camera: RemoteCamera) -> None:
        is_hidden = camera.hidden is not None
        if self._pool is None or is_hidden is (camera.entry.id in self._hidden):
            return
        (self._hidden.add if is_hidden else self._hidden.discard)(camera.entry.id)
        self._pool.hide(f"{camera.entry.id}/", is_hidden)

    def get(self, session_id: str) -> VideoSession | None:
        """The running session, or None."""
        return self._sessions.get(session_id)

    def sessions(self) -> list[VideoSession]:
        """All running sessions."""
        return list(self._sessions.values())

    def viewers(self, camera_id: str) -> int:
        """How many sessions watch this camera."""
        return sum(session.camera_id == camera_id for session in self._sessions.values())

    def subscribe(self, camera_id: str, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` whenever the number of the camera's viewers changes; returns what ends that."""
        watchers = self._watchers.setdefault(camera_id, set())
        watchers.add(watcher)
        return lambda: watchers.discard(watcher)

    def _viewers_changed(self, camera_id: str) -> None:
        self._gauge.set(len(self._sessions))
        for watcher in tuple(self._watchers.get(camera_id, ())):
            watcher()

    def listen(self, session_id: str, hear: Callable[[str], None]) -> Callable[[], None]:
        """Call `hear` with each datagram of this running session, instead of who heard them before.

        Returns what ends that. It ends with the session.
        """
        self._hearers[session_id] = hear

        def unlisten() -> None:
            if self._hearers.get(session_id) is hear:
                del self._hearers[session_id]

        return unlisten

    def send_datagram(self, session_id: str, text: str) -> None:
        """Send over the session's data channel; may be lost, and is when there is no such session or channel."""
        if self._pool is not None and session_id in self._sessions:
            self._pool.send_datagram(session_id, text)

    async def open(
        self, camera: RemoteCamera, quality: Quality, offer: str, *, sign_in: str, person: str
    ) -> tuple[str, SessionAnswer]:
        """Answer a viewer's offer.

        Raises:
            PictureHiddenError: the picture is withheld now.
            TooManySessionsError: the person's share is used up.
            StreamError: the stream cannot be had, or the offer is unusable.
        """
        session = self.admit(camera, sign_in=sign_in, person=person)
        try:
            answer = await self._workers().open_session(session.id, await self.source(camera, quality), offer)
        except BaseException:
            self.forget(session.id)
            raise
        if session.id not in self._sessions:  # revoked while the camera was being asked
            await self._end(session.id)
            raise StreamError(StreamFault.CLOSED, "the session was ended while it was being set up")
        return session.id, answer

    def admit(
        self, camera: RemoteCamera, *, sign_in: str, person: str, on_end: Callable[[], None] | None = None
    ) -> VideoSession:
        """Count one more session of this person's, which `close` ends by `on_end`, or else in the media workers.

        Raises:
            PictureHiddenError: the picture is withheld now.
            TooManySessionsError: the person's share is used up.
        """
        _refuse_hidden(camera)
        if self._count[person] >= self._limit:
            raise TooManySessionsError(self._limit)
        session = VideoSession(secrets.token_urlsafe(24), camera.entry.id, sign_in, person)
        # Registered before the first await: whoever revokes meanwhile finds it, and the share cannot be overdrawn.
        self._sessions[session.id] = session
        if on_end is not None:
            self._enders[session.id] = on_end
        self._count[person] += 1
        self._viewers_changed(camera.entry.id)
        return session

    async def patch(self, session_id: str, fragment: str, if_match: str | None) -> PatchResult:
        """Trickle or restart ICE."""
        return await self._workers().patch_session(session_id, fragment, if_match)

    async def close(self, session_id: str) -> None:
        """End a session; idempotent."""
        end = self._enders.get(session_id)
        if not self.forget(session_id):
            return
        if end is not None:
            end()
        else:
            await self._end(session_id)

    async def close_where(self, matches: Callable[[VideoSession], bool]) -> None:
        """End every session that `matches`."""
        for session in [s for s in self._sessions.values() if matches(s)]:
            await self.close(session.id)

    async def feed(self, camera: RemoteCamera, quality: Quality) -> FeedViewer:
        """Watch as fragmented MP4, for an admitted session.

        Raises:
            StreamError: the stream cannot be had.
        """
        return await self._workers().open_feed(await self.source(camera, quality))

    async def snapshot(self, camera: RemoteCamera, quality: Quality, *, small: bool = False) -> bytes:
        """The newest picture as JPEG.

        Raises:
            PictureHiddenError: the picture is withheld now.
            StreamError: the stream cannot be had.
        """
        _refuse_hidden(camera)
        jpeg = await self._workers().snapshot(await self.source(camera, quality), small=small)
        _refuse_hidden(camera)  # the camera may have been turned while its picture was on the way
        return jpeg

    async def source(self, camera: RemoteCamera, quality: Quality) -> StreamSource:
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
            if not camera.is_steered:  # a plain feed: nobody else finds out
                camera.set_health(Health(CameraState.OFFLINE, detail, StreamFault.UNREACHABLE.value))
            raise StreamError(StreamFault.UNREACHABLE, detail) from None
        return StreamSource(f"{entry.id}/{quality.value}", target.url, target.address, entry.username, entry.password)

    def on_event(self, event: dict[str, object]) -> None:
        """What a media worker reports: ended sessions, datagrams and the state of streams."""
        match event:
            case {"type": "session_state", "state": "closed", "session_id": str(session_id)}:
                self.forget(session_id)
            case {"type": "datagram", "session_id": str(session_id), "text": str(text)}:
                hear = self._hearers.get(session_id)
                if hear is not None:
                    hear(text)
            case {"type": "key_wanted", "key": str(key)}:
                camera = self._cameras.get(key.rpartition("/")[0])
                if camera is not None:
                    camera.want_key_frame()
            case {"type": "stream_state", "key": str(key)}:
                camera = self._cameras.get(key.rpartition("/")[0])
                # A plain feed has nothing but its stream to say whether it is there.
                if camera is not None and not camera.is_steered:
                    camera.set_health(_health(event))

    def _url(self, camera: RemoteCamera, quality: Quality) -> str:
        entry = camera.entry
        if entry.rtsp_main is not None:
            return entry.rtsp_sub or entry.rtsp_main if quality is Quality.SUB else entry.rtsp_main
        if camera.facts is None:
            detail = camera.health.detail or "the camera is being connected; try again in a moment"
            fault = camera.health.fault
            raise StreamError(StreamFault(fault) if fault in set(StreamFault) else StreamFault.UNREACHABLE, detail)
        uris = camera.facts.streams
        return uris.sub or uris.main if quality is Quality.SUB else uris.main

    def _workers(self) -> Pool:
        if self._pool is None:
            raise StreamError(StreamFault.CLOSED, "the media workers are not running")
        return self._pool

    async def _end(self, session_id: str) -> None:
        try:
            await self._workers().close_session(session_id)
        except SessionNotFoundError:
            _log.debug("a session had ended already")

    def forget(self, session_id: str) -> bool:
        """Count a session no more, without ending it; False when it was not counted."""
        session = self._sessions.pop(session_id, None)
        if session is None:
            return False
        self._count[session.person] -= 1
        if not self._count[session.person]:
            del self._count[session.person]
        self._hearers.pop(session_id, None)
        self._enders.pop(session_id, None)
        self._viewers_changed(session.camera_id)
        return True


def _refuse_hidden(camera: RemoteCamera) -> None:
    if camera.hidden is not None:
        raise PictureHiddenError(camera.hidden)


def _health(event: dict[str, object]) -> Health:
    state, detail = str(event.get("state", "")), str(event.get("detail") or "")
    if state == "live":
        return Health(CameraState.LIVE)
    if state == "connecting":
        return Health(CameraState.CONNECTING)
    if state == "waiting":
        return Health(CameraState.OFFLINE, detail, str(event.get("fault") or ""))
    return Health(CameraState.UNKNOWN)
