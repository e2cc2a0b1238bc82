"""Who watches what: viewers' sessions, how many there may be, and what nobody may see now."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from auth.model import Person
from auth.roles import ViewingRank
from camctl.admission import FALLBACK, Admission, NoPlaceError, Places, Scope, Seat, TooManySessionsError
from camctl.control.client import ControlClient, RemoteCamera
from camctl.metrics import Metrics
from camctl.sources import Sources, quality_of, stream_key
from camctl.video import NoViews, Pool, VideoSession, ViewEnd, Views, refuse_hidden
from streams.errors import StreamError, StreamFault
from streams.feed_relay import FeedViewer
from streams.pool import PatchResult, SessionAnswer, SessionNotFoundError
from streams.quality import Demand, Quality, Why

_log = logging.getLogger(__name__)


class Media:
    """Opens and closes viewers' sessions, remembers whose they are, and withholds what nobody may see."""

    def __init__(
        self, cameras: ControlClient, sources: Sources, *, places: Places, metrics: Metrics, views: Views | None = None
    ) -> None:
        self._cameras = cameras
        self._sources = sources
        self._admission = Admission(places)
        self._metrics = metrics
        self._views = views or NoViews()
        self._sessions: dict[str, VideoSession] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._pool: Pool | None = None
        self._hearers: dict[str, Callable[[str], None]] = {}  # by video session
        self._watchers: dict[str, set[Callable[[], None]]] = {}  # by camera
        self._mourners: dict[tuple[str, str], set[Callable[[str], None]]] = {}  # by camera and sign-in
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
        session = self.forget(session_id, ViewEnd.LOST)
        if session is None:
            return
        for hear in tuple(self._mourners.get((session.camera_id, session.sign_in), ())):
            hear(session_id)

    def send_datagram(self, session_id: str, text: str) -> None:
        """Send over the session's data channel; may be lost, and is when there is no such session or channel."""
        if self._pool is not None and session_id in self._sessions:
            self._pool.send_datagram(session_id, text)

    async def open(
        self,
        camera: RemoteCamera,
        demand: Demand,
        offer: str,
        *,
        sign_in: str,
        person: str,
        rank: ViewingRank,
        viewer: Person | None = None,
    ) -> tuple[str, SessionAnswer]:
        """Answer a viewer's offer.

        Raises:
            PictureHiddenError: the picture is withheld now.
            TooManySessionsError: the person's share is used up.
            NoPlaceError: no place is left for this rank, or somebody of a higher one took it meanwhile.
            StreamError: the stream cannot be had, or the offer is unusable.
        """
        session = VideoSession(secrets.token_urlsafe(24), camera.entry.id, sign_in, person, demand, viewer=viewer)
        # Registered before the first await: whoever revokes meanwhile finds it, and no share can be overdrawn.
        ending = self._admit(camera, session, rank)
        try:
            await asyncio.shield(ending)  # those who give way, before the worker counts its sessions
            main, sub = await self._sources.pair(camera)
            answer = await self._workers().open_session(session.id, main, offer, sub=sub, demand=demand)
        except BaseException:
            self.forget(session.id, ViewEnd.FAILED)
            raise
        if session.id not in self._sessions:  # revoked, or shed, while the camera was being asked
            await self._end(session)
            raise self.why_ended(session)
        self._views.began(session, camera.entry)
        return session.id, answer

    def admit(
        self,
        camera: RemoteCamera,
        *,
        sign_in: str,
        person: str,
        rank: ViewingRank,
        on_end: Callable[[], None],
        viewer: Person | None = None,
    ) -> VideoSession:
        """Count one more session, which is none of the media workers' and is ended by `on_end`.

        Raises:
            PictureHiddenError, TooManySessionsError, NoPlaceError: as `open`.
        """
        session = VideoSession(
            secrets.token_urlsafe(24), camera.entry.id, sign_in, person, on_end=on_end, viewer=viewer
        )
        self._admit(camera, session, rank)
        self._views.began(session, camera.entry)
        return session

    def _admit(self, camera: RemoteCamera, session: VideoSession, rank: ViewingRank) -> asyncio.Task[None]:
        """Register a session; the task ends those who give way to it.

        Raises:
            PictureHiddenError, TooManySessionsError, NoPlaceError: see `open`.
        """
        refuse_hidden(camera)
        placing = self._workers().placing(stream_key(camera, Quality.MAIN))
        worker = FALLBACK if session.on_end else placing.worker
        seat = Seat(session.id, session.person, session.sign_in, session.camera_id, worker, rank)
        try:
            shed = self._admission.admit(seat, lag_s=placing.lag_s, now_s=time.monotonic())
        except (NoPlaceError, TooManySessionsError) as error:
            outcome = error.scope.value if isinstance(error, NoPlaceError) else "person"
            self._metrics.admissions.labels(rank.name.lower(), f"refused-{outcome}").inc()
            raise
        self._metrics.admissions.labels(rank.name.lower(), "admitted").inc()
        self._sessions[session.id] = session
        self._viewers_changed(session.camera_id)
        gone = []
        for victim in shed:
            self._metrics.admissions.labels(victim.rank.name.lower(), "shed").inc()
            _log.info("a %s viewer of %s gives way to a %s one", victim.rank.name, victim.camera, rank.name)
            gone.append(self.forget(victim.session_id, ViewEnd.GAVE_WAY))
        task = asyncio.create_task(self._end_all([one for one in gone if one is not None]), name="shed sessions")
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        return task

    async def _end_all(self, sessions: Sequence[VideoSession]) -> None:
        for session in sessions:
            try:
                await self._end(session)
            except StreamError as error:  # a worker that hangs is restarted, and its sessions are gone with it
                _log.warning("a session that gives way could not be ended: %s", error.detail)

    def why_ended(self, session: VideoSession) -> NoPlaceError | StreamError:
        """Why a session is over that nobody here closed on its own viewer's wish."""
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

    async def close(self, session_id: str, why: ViewEnd = ViewEnd.CLOSED) -> None:
        """End a session; idempotent."""
        session = self.forget(session_id, why)
        if session is not None:
            await self._end(session)

    async def close_where(self, matches: Callable[[VideoSession], bool]) -> None:
        """End every session that `matches`, all at the same time: its right was withdrawn.

        Raises:
            StreamError: one could not be ended; the others are.
        """
        doomed = [session.id for session in self._sessions.values() if matches(session)]
        ends = await asyncio.gather(*(self.close(each, ViewEnd.REVOKED) for each in doomed), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end

    async def feed(self, camera: RemoteCamera, quality: Quality) -> FeedViewer:
        """Watch as fragmented MP4, for an admitted session.

        Raises:
            StreamError: the stream cannot be had.
        """
        return await self._workers().open_feed(await self._sources.get(camera, quality))

    async def snapshot(self, camera: RemoteCamera, quality: Quality, *, small: bool = False) -> bytes:
        """The newest picture as JPEG.

        Raises:
            PictureHiddenError: the picture is withheld now.
            StreamError: the stream cannot be had.
        """
        refuse_hidden(camera)
        jpeg = await self._workers().snapshot(await self._sources.get(camera, quality), small=small)
        refuse_hidden(camera)  # the camera may have been turned while its picture was on the way
        return jpeg

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
                camera = self._sources.camera_of(key)
                if camera is not None:
                    camera.want_key_frame(quality_of(key).value)
            case {"type": "stream_state", "key": str(key)}:
                self._sources.on_stream_state(key, event)

    def _workers(self) -> Pool:
        if self._pool is None:
            raise StreamError(StreamFault.CLOSED, "the media workers are not running")
        return self._pool

    async def _end(self, session: VideoSession) -> None:
        if session.on_end is not None:
            session.on_end()
            return
        try:
            await self._workers().close_session(session.id)
        except SessionNotFoundError:
            _log.debug("a session had ended already")

    def forget(self, session_id: str, why: ViewEnd = ViewEnd.CLOSED) -> VideoSession | None:
        """Count a session no more, without ending it; None when it was not counted."""
        session = self._sessions.pop(session_id, None)
        if session is None:
            return None
        self._admission.leave(session_id)
        self._hearers.pop(session_id, None)
        self._views.ended(session, why)
        self._viewers_changed(session.camera_id)
        return session
