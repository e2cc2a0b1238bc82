"""Everything that runs on somebody's right, and its end within a second of that right's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterator, Set
from typing import TYPE_CHECKING

from auth.errors import AuthUnavailableError
from auth.model import SignIn
from auth.policy import Standing
from auth.roles import Capability
from auth.service import AuthService, utc_now
from camctl.api.messages import CLOSE_NO_CAMERA, CLOSE_RESTART, CLOSE_SIGNED_OUT
from camctl.api.recent import RecentSignIns
from camctl.control.client import ControlClient, RemoteCamera
from camctl.media import Media
from camctl.ptz.events import Source, SourceKind
from camctl.supervisor import Supervisor
from camctl.video import VideoSession
from streams.errors import StreamError

if TYPE_CHECKING:
    from camctl.api.control_socket import ControlSocket

_log = logging.getLogger(__name__)

SWEEP_S = 15.0
EDGE_S = 0.2
# What was commanded just before a right was withdrawn shows in the mirrors of the cameras by then.
LOOK_AGAIN_S = 0.4


class LiveUses:
    """Knows the open sockets, and with Media and the cameras all that is in use; a Part of the service.

    `idle_s`: how long a sign-in that nobody uses is remembered in `recent`.
    """

    def __init__(
        self, auth: AuthService, cameras: ControlClient, media: Media, supervisor: Supervisor, idle_s: float = 43_200.0
    ) -> None:
        self.recent = RecentSignIns(idle_s)
        self._auth = auth
        self._cameras = cameras
        self._media = media
        self._supervisor = supervisor
        self._sockets: set[ControlSocket] = set()
        self._changed: dict[str, set[str]] = {}  # people, and the sign-ins of theirs that were seen lately

    async def start(self) -> None:
        """Listen to changes of people and look for sign-ins that simply ran out."""
        self._auth.on_change.append(self._on_change)
        self._supervisor.spawn(self._auth.watch_changes(), "changes of rights")
        self._supervisor.spawn(self._sweep(), "ended sign-ins")
        self._supervisor.spawn(self._follow_hours(), "grants that begin and end")

    async def close(self) -> None:
        """End every socket."""
        for socket in tuple(self._sockets):
            socket.end(CLOSE_RESTART, "the service is being restarted")

    @contextlib.contextmanager
    def registered(self, socket: ControlSocket) -> Iterator[None]:
        """Hold the socket where a withdrawn right finds it."""
        self._sockets.add(socket)
        try:
            yield
        finally:
            self._sockets.discard(socket)

    def _on_change(self, person_id: str) -> None:
        lately = self.recent.forget_person(person_id)
        if not self._changed:  # one look for all whom the same change concerns: a role may be a thousand people's
            self._supervisor.spawn(self._recheck_changed(), "recheck of people")
        self._changed.setdefault(person_id, set()).update(lately)

    def recheck_cameras(self, camera_ids: Collection[str]) -> None:
        """Judge everybody anew who uses these cameras: whose they are, or how they are shared, has changed."""
        self._supervisor.spawn(self._recheck_at(frozenset(camera_ids)), "recheck of cameras")

    async def _recheck_at(self, cameras: Set[str]) -> None:
        await self._recheck(None, cameras=cameras)
        await asyncio.sleep(LOOK_AGAIN_S)
        await self._recheck(None, cameras=cameras)

    async def _recheck_changed(self) -> None:
        changed, self._changed = self._changed, {}
        lately = set().union(*changed.values())
        await self._recheck(changed.keys(), lately)
        await asyncio.sleep(LOOK_AGAIN_S)
        await self._recheck(changed.keys(), lately)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            await self._recheck(None)

    async def _follow_hours(self) -> None:
        while True:
            await asyncio.sleep(EDGE_S)
            due = self.recent.edges.due(utc_now())
            if due:  # beside this loop: a slow cut must not make the next person's end late
                self._supervisor.spawn(self._recheck(set(due)), "grants that ended")

    async def _recheck(
        self, people: Set[str] | None, also: Set[str] = frozenset(), cameras: Set[str] | None = None
    ) -> None:
        try:
            await self._recheck_all(people, also, cameras)
        except AuthUnavailableError:
            # Nobody can be asked: what was allowed goes on, and the next sweep asks again. Cutting everybody's control
            # because a database hiccups would be the greater harm.
            _log.exception("rights could not be checked again; they will be with the next sweep")
        except StreamError:
            # Everything else was cut. The sessions of a media worker that does not answer end with it: its keeper kills
            # it. To fail here would end the whole service, and with it everybody's pictures and leases.
            _log.exception("a stream could not be ended: its media worker does not answer")

    def _sign_ins_in_use(self, people: Set[str] | None, cameras: Set[str] | None = None) -> set[str]:
        """Those of these people, at these cameras; None for all."""
        visits = (socket.visit for socket in self._sockets)
        used = {(visit.camera.entry.id, visit.sign_in.person.id, visit.sign_in.session_id) for visit in visits}
        used |= {(v.camera_id, v.person, v.sign_in) for v in self._media.sessions()}
        used |= {(camera.entry.id, s.person, s.sign_in) for camera in self._cameras for s in _people_at(camera)}
        return {
            sign_in
            for camera, person, sign_in in used
            if (people is None or person in people) and (cameras is None or camera in cameras)
        }

    async def _recheck_all(self, people: Set[str] | None, also: Set[str], cameras: Set[str] | None) -> None:
        in_use = self._sign_ins_in_use(people, cameras)
        asked = in_use | also
        holding = await self._auth.recheck_all(asked)
        standings = {id_: Standing(sign_in.person, utc_now()) for id_, sign_in in holding.items()}
        for sign_in_id in asked:
            sign_in = holding.get(sign_in_id)
            if sign_in is None:
                self._cut(sign_in_id)
            else:
                self.recent.edges.saw(sign_in.person, utc_now())
                self._cut_what_is_not_allowed(sign_in, standings[sign_in_id])

        def is_forbidden(video: VideoSession) -> bool:
            standing, camera = standings.get(video.sign_in), self._cameras.get(video.camera_id)
            return video.sign_in in asked and (
                standing is None or camera is None or not standing.allows(Capability.LIVE, camera.entry.ref)
            )

        await self._media.close_where(is_forbidden)
        if people is None and cameras is None:  # nothing is waiting for the sweep: it counts what is in use as used
            for sign_in_id in in_use & holding.keys():
                await self._auth.recheck(sign_in_id, used=True)

    def _cut(self, sign_in_id: str) -> None:
        _log.info("a sign-in ended: its sockets, streams and leases end with it")
        self._cameras.revoke(sign_in_id)
        for socket in [s for s in self._sockets if s.visit.sign_in.session_id == sign_in_id]:
            socket.end(CLOSE_SIGNED_OUT, "this sign-in has ended")

    def _cut_what_is_not_allowed(self, sign_in: SignIn, standing: Standing) -> None:
        for camera in self._cameras:
            is_there = any(source.sign_in == sign_in.session_id for source in _people_at(camera))
            if is_there and not standing.allows(Capability.CONTROL, camera.entry.ref):
                camera.revoke(sign_in.session_id)
        for socket in [s for s in self._sockets if s.visit.sign_in.session_id == sign_in.session_id]:
            socket.renew(sign_in)
            if not standing.allows(
                Capability.LIVE, socket.visit.ref
            ):  # without it the socket would not have been opened
                socket.end(CLOSE_NO_CAMERA, "you may no longer watch this camera")


def _people_at(camera: RemoteCamera) -> Iterator[Source]:
    """The person who holds this camera and those who wait for it; patrols and events have no sign-in of the store's."""
    control = camera.control
    if control.holder is not None and control.holder.source.kind is SourceKind.PERSON:
        yield control.holder.source
    for waiter in control.queue:
        yield waiter.source
