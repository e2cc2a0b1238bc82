"""From a camera to its streams: which address is pulled, whether it may be, and who has how many sessions on it."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from auth.roles import ViewingRank
from camctl.admission import Admission, NoPlaceError, Places, Scope, Seat, TooManySessionsError
from camctl.cameras.model import CameraState, Health
from camctl.control.client import ControlClient, RemoteCamera
from camctl.egress import EgressPolicy, EgressRefusedError, resolve_pinned
from camctl.metrics import Metrics
from camctl.ptz.limits import Hidden
from streams.errors import StreamError, StreamFault
from streams.pool import PatchResult, Placing, SessionAnswer, SessionNotFoundError, StreamSource
from streams.quality import Demand, Quality, Why

_log = logging.getLogger(__name__)

_RTSP = frozenset({"rtsp", "rtsps"})


_B_FRAMES = (
    "The camera's {} stream has B-frames, which jerk in browsers: turn them off in the camera's encoder settings "
    "(profile Baseline, or B-frames 0)."
)


class Pool(Protocol):
    """What is needed of streams.pool.MediaPool."""

    async def open_session(
        self, session_id: str, source: StreamSource, offer_sdp: str, *, sub: StreamSource | None, demand: Demand
    ) -> SessionAnswer:
        """Answer a viewer's offer; raises StreamError."""

    async def ask_quality(self, session_id: str, demand: Demand) -> None:
        """Let a running session have what `demand` says; SessionNotFoundError when there is none."""

    async def patch_session(self, session_id: str, fragment: str, if_match: str | None) -> PatchResult:
        """Trickle or restart ICE; raises StreamError."""

    async def close_session(self, session_id: str) -> None:
        """End a viewer's session; SessionNotFoundError when there is none."""

    async def snapshot(self, source: StreamSource) -> bytes:
        """The stream's newest picture as JPEG; raises StreamError."""

    def send_datagram(self, session_id: str, text: str) -> None:
        """Send over the session's data channel if it has one; never raises, may be lost."""

    def hide(self, stream_key_prefix: str, hidden: bool) -> None:
        """Let no picture of these streams out while `hidden`; sessions stay."""

    def placing(self, stream_key: str) -> Placing:
        """The worker that would serve the stream's next viewer, and how busy it is."""


@dataclass(frozen=True, slots=True)
class VideoSession:
    """One person's running view of one camera, what is wanted and what is shown (None: nothing yet)."""

    id: str
    camera_id: str
    sign_in: str
    person: str
    demand: Demand = field(default_factory=Demand)
    quality: Quality | None = None
    why: Why = Why.START


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

    def __init__(self, cameras: ControlClient, egress: EgressPolicy, *, places: Places, metrics: Metrics) -> None:
        self._cameras = cameras
        self._egress = egress
        self._admission = Admission(places)
        self._metrics = metrics
        self._sessions: dict[str, VideoSession] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._pool: Pool | None = None
        self._hearers: dict[str, Callable[[str], None]] = {}  # by video session
        self._watchers: dict[str, set[Callable[[], None]]] = {}  # by camera
        self._mourners: dict[tuple[str, str], set[Callable[[str], None]]] = {}  # by camera and sign-in
        self._hidden: set[str] = set()
        self._jerky: set[str] = set()  # streams with B-frames, by key
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
        self._metrics.video_sessions.set(len(self._sessions))
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

    def on_lost(self, camera_id: str, sign_in: str, hear: Callable[[str], None]) -> Callable[[], None]:
        """Call `hear` with the id of each session of this sign-in on this camera that ends and that nobody here ended.

        Returns what ends that.
        """
        key = (camera_id, sign_in)
        self._mourners.setdefault(key, set()).add(hear)

        def forget() -> None:
            hearers = self._mourners.get(key, set())
            hearers.discard(hear)
            if not hearers:
                self._mourners.pop(key, None)

        return forget

    def _lost(self, session_id: str) -> None:
        session = self._sessions.get(session_id)
        if session is None or not self._forget(session_id):
            return
        for hear in tuple(self._mourners.get((session.camera_id, session.sign_in), ())):
            hear(session_id)

    def send_datagram(self, session_id: str, text: str) -> None:
        """Send over the session's data channel; may be lost, and is when there is no such session or channel."""
        if self._pool is not None and session_id in self._sessions:
            self._pool.send_datagram(session_id, text)

    async def open(
        self, camera: RemoteCamera, demand: Demand, offer: str, *, sign_in: str, person: str, rank: ViewingRank
    ) -> tuple[str, SessionAnswer]:
        """Answer a viewer's offer.

        Raises:
            PictureHiddenError: the picture is withheld now.
            TooManySessionsError: the person's share is used up.
            NoPlaceError: no place is left for this rank, or somebody of a higher one took it meanwhile.
            StreamError: the stream cannot be had, or the offer is unusable.
        """
        _refuse_hidden(camera)
        session = VideoSession(secrets.token_urlsafe(24), camera.entry.id, sign_in, person, demand)
        # Registered before the first await: whoever revokes meanwhile finds it, and no share can be overdrawn.
        ending = self._admit(session, _key(camera, Quality.MAIN), rank)
        try:
            await asyncio.shield(ending)  # those who give way, before the worker counts its sessions
            main, sub = await self._sources(camera)
            answer = await self._workers().open_session(session.id, main, offer, sub=sub, demand=demand)
        except BaseException:
            self._forget(session.id)
            raise
        if session.id not in self._sessions:  # revoked, or shed, while the camera was being asked
            await self._end(session.id)
            raise self._why_ended(session)
        return session.id, answer

    def _admit(self, session: VideoSession, stream_key: str, rank: ViewingRank) -> asyncio.Task[None]:
        """Register a session; await the task, which ends those who give way to it.

        Raises:
            TooManySessionsError, NoPlaceError: see `open`.
        """
        placing = self._workers().placing(stream_key)
        seat = Seat(session.id, session.person, session.sign_in, session.camera_id, placing.worker, rank)
        try:
            shed = self._admission.admit(seat, lag_s=placing.lag_s, now_s=time.monotonic())
        except (NoPlaceError, TooManySessionsError) as error:
            outcome = error.scope.value if isinstance(error, NoPlaceError) else "person"
            self._metrics.admissions.labels(rank.name.lower(), f"refused-{outcome}").inc()
            raise
        self._metrics.admissions.labels(rank.name.lower(), "admitted").inc()
        self._sessions[session.id] = session
        self._viewers_changed(session.camera_id)
        for victim in shed:
            self._metrics.admissions.labels(victim.rank.name.lower(), "shed").inc()
            _log.info("a %s viewer of %s gives way to a %s one", victim.rank.name, victim.camera, rank.name)
            self._forget(victim.session_id)
        task = asyncio.create_task(self._end_all([victim.session_id for victim in shed]), name="shed sessions")
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        return task

    async def _end_all(self, session_ids: Sequence[str]) -> None:
        for session_id in session_ids:
            try:
                await self._end(session_id)
            except StreamError as error:  # a worker that hangs is restarted, and its sessions are gone with it
                _log.warning("a session that gives way could not be ended: %s", error.detail)

    def _why_ended(self, session: VideoSession) -> Exception:
        if self._admission.gave_way(session.sign_in, session.camera_id, time.monotonic()):
            return NoPlaceError(Scope.CAMERA, self._admission.limits.retry_after_s, gave_way=True)
        return StreamError(StreamFault.CLOSED, "the session was ended while it was being set up")

    async def patch(self, session_id: str, fragment: str, if_match: str | None) -> PatchResult:
        """Trickle or restart ICE."""
        return await self._workers().patch_session(session_id, fragment, if_match)

    async def ask_quality(self, session_id: str, demand: Demand) -> None:
        """Let a running session have what `demand` says; SessionNotFoundError when it is over."""
        await self._workers().ask_quality(session_id, demand)
        if session_id in self._sessions:
            self._sessions[session_id] = replace(self._sessions[session_id], demand=demand)

    async def close(self, session_id: str) -> None:
        """End a session; idempotent."""
        if self._forget(session_id):
            await self._end(session_id)

    async def close_where(self, matches: Callable[[VideoSession], bool]) -> None:
        """End every session that `matches`."""
        for session in [s for s in self._sessions.values() if matches(s)]:
            await self.close(session.id)

    async def snapshot(self, camera: RemoteCamera, quality: Quality) -> bytes:
        """The newest picture as JPEG.

        Raises:
            PictureHiddenError: the picture is withheld now.
            StreamError: the stream cannot be had.
        """
        _refuse_hidden(camera)
        jpeg = await self._workers().snapshot(await self.source(camera, quality))
        _refuse_hidden(camera)  # the camera may have been turned while its picture was on the way
        return jpeg

    async def _sources(self, camera: RemoteCamera) -> tuple[StreamSource, StreamSource | None]:
        """The main stream, and the smaller one if the camera has one of its own."""
        main = await self.source(camera, Quality.MAIN)
        if self._url(camera, Quality.SUB) == self._url(camera, Quality.MAIN):
            return main, None
        try:
            return main, await self.source(camera, Quality.SUB)
        except StreamError as error:  # it is a help on bad links, not a condition
            _log.warning("camera %s has no usable sub stream: %s", camera.entry.id, error.detail)
            return main, None

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
        return StreamSource(
            _key(camera, quality),
            target.url,
            target.address,
            entry.username,
            entry.password,
            entry.rtsp_transport,
            entry.tls_fingerprint,
        )

    async def find_source(self, key: str) -> StreamSource:
        """As `source`, by the stream's key ("cam-1/main").

        Raises:
            StreamError: NOT_FOUND, and as `source`.
        """
        camera_id, _, quality = key.rpartition("/")
        camera = self._cameras.get(camera_id)
        if camera is None or quality not in set(Quality):
            raise StreamError(StreamFault.NOT_FOUND, "there is no such stream")
        return await self.source(camera, Quality(quality))

    def on_event(self, event: dict[str, object]) -> None:
        """What a media worker reports: ended sessions, datagrams and the state of streams."""
        match event:
            case {"type": "session_state", "state": "closed", "session_id": str(session_id)}:
                self._lost(session_id)
            case {"type": "session_quality", "session_id": str(session_id), "quality": quality, "why": why}:
                if session_id in self._sessions:
                    seen = replace(self._sessions[session_id], quality=Quality(str(quality)), why=Why(str(why)))
                    self._sessions[session_id] = seen
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
                if camera is not None:
                    self._note_b_frames(camera, key, event)
                # A plain feed has nothing but its stream to say whether it is there.
                if camera is not None and not camera.is_steered:
                    camera.set_health(_health(event))

    def _note_b_frames(self, camera: RemoteCamera, key: str, event: dict[str, object]) -> None:
        """Kept while nobody watches, until the next pull shows otherwise."""
        if event.get("b_frames") is True:
            self._jerky.add(key)
        elif event.get("state") == "connecting":
            self._jerky.discard(key)
        names = [quality.value for quality in Quality if f"{camera.entry.id}/{quality.value}" in self._jerky]
        camera.note_video(_B_FRAMES.format(" and ".join(names)) if names else "")

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

    def _forget(self, session_id: str) -> bool:
        session = self._sessions.pop(session_id, None)
        if session is None:
            return False
        self._admission.leave(session_id)
        self._hearers.pop(session_id, None)
        self._viewers_changed(session.camera_id)
        return True


def _key(camera: RemoteCamera, quality: Quality) -> str:
    return f"{camera.entry.id}/{quality.value}"


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
