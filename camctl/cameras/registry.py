"""All cameras that may be steered: one session each, kept connected, and the rounds that run on them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from camctl.cameras.backoff import Backoff
from camctl.cameras.model import CameraEntry, CameraPolicy
from camctl.cameras.records import ControlHistory, LeaseRecord, LeaseRecords
from camctl.cameras.rounds import RoundRunner
from camctl.cameras.session import CameraSession
from camctl.metrics import ControlMetrics
from camctl.ptz import events as ev
from camctl.ptz.ports import CameraDriver, CameraError, CameraFault, MotionGuard
from camctl.ptz.rules import Rules
from camctl.supervisor import Supervisor

_log = logging.getLogger(__name__)

HEALTH_CHECK_S = 15.0
VIEW_ONLY_CHECK_S = 60.0  # a camera without motors has no light question; it is asked everything again
_GONE = frozenset({CameraFault.UNREACHABLE, CameraFault.TIMEOUT, CameraFault.BAD_CREDENTIALS})


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sessions have in common."""

    rules: Rules
    metrics: ControlMetrics
    supervisor: Supervisor
    make_driver: Callable[[CameraEntry], CameraDriver]
    guard: MotionGuard | None = None
    records: LeaseRecords | None = None
    history: ControlHistory | None = None
    on_steerable: Callable[[CameraEntry], None] = lambda _entry: None
    stop_on_start: bool = True
    patrol_idle_s: float = 30.0
    time_zone: str = "Asia/Jakarta"


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera's session and the runner of its rounds."""

    session: CameraSession
    rounds: RoundRunner

    def set_policy(self, policy: CameraPolicy) -> None:
        """How it is shared from now on; what is shown of an event ends where it is for emergencies only now."""
        was = self.session.entry
        self.session.set_policy(policy)
        if policy.emergency_only and not was.emergency_only:
            self.rounds.end_event()


class Cameras:
    """The sessions of these cameras; a Part of the control process."""

    def __init__(self, entries: Iterable[CameraEntry], shared: Shared) -> None:
        self._shared = shared
        self._cameras = {entry.id: self._make(entry) for entry in entries}
        self._tasks: list[asyncio.Task[None]] = []

    def _make(self, entry: CameraEntry) -> Camera:
        shared = self._shared
        session = CameraSession(
            entry,
            shared.make_driver(entry),
            rules=shared.rules,
            metrics=shared.metrics,
            guard=shared.guard,
            records=shared.records,
            history=shared.history,
        )
        rounds = RoundRunner(
            session,
            idle_s=shared.patrol_idle_s,
            time_zone=shared.time_zone,
            travel_limit_s=shared.rules.travel_limit_s,
        )
        return Camera(session, rounds)

    def get(self, camera_id: str) -> Camera | None:
        """The camera, or None for an unknown id."""
        return self._cameras.get(camera_id)

    def __iter__(self) -> Iterator[Camera]:
        return iter(self._cameras.values())

    def __len__(self) -> int:
        return len(self._cameras)

    def restore(self, records: dict[str, LeaseRecord], fences: dict[str, int]) -> None:
        """Go on with the leases on record; new fences are above these and those on record. Before `start`."""
        wall = time.time()
        for camera_id, camera in self._cameras.items():
            camera.session.restore(records.get(camera_id), fences.get(camera_id, 0), wall)

    async def start(self) -> None:
        """Begin to connect to every camera; returns at once, a camera that is off is no reason to wait."""
        spawn = self._shared.supervisor.spawn
        # Those that somebody steers come first: after a restart they are waited for.
        for camera in sorted(self, key=lambda camera: camera.session.control_view().holder is None):
            camera_id = camera.session.entry.id
            self._tasks.append(spawn(self._keep_connected(camera.session), f"camera {camera_id}"))
            self._tasks.append(spawn(camera.rounds.run(), f"rounds {camera_id}"))

    async def stand(self) -> list[str]:
        """Stop what moves, on all cameras at once, and begin no motion any more; who did not confirm in time."""
        for task in self._tasks:
            task.cancel()
        stood = await asyncio.gather(*(camera.session.stand() for camera in self))
        return [camera_id for camera_id, is_still in zip(self._cameras, stood, strict=True) if not is_still]

    async def close(self) -> None:
        """Stop what moves, and close the sessions."""
        await self.stand()
        await asyncio.gather(*(camera.session.close() for camera in self))

    def revoke(self, sign_in: str) -> None:
        """End every lease of a sign-in that lost its right."""
        for camera in self:
            camera.session.revoke(sign_in)

    def record_changed(self) -> None:
        """It began or ceased that nothing can be put on record."""
        for camera in self:
            camera.session.record_changed()

    async def _keep_connected(self, session: CameraSession) -> None:
        backoff = Backoff()
        must_stop = self._shared.stop_on_start
        while True:
            try:
                # All at once: the driver bounds what costs threads, and a camera that is away must not be waited for by
                # one that is there.
                await session.connect()
            except CameraError as error:
                await self._wait_offline(session, error, backoff)
                continue
            backoff.succeeded()
            if session.facts is not None:
                _log.info("camera %s: %s %s is live", session.entry.id, session.facts.manufacturer, session.facts.model)
            if session.abilities.can_steer:
                self._shared.on_steerable(session.entry)
                if must_stop:
                    session.command(ev.ForceStop(ev.StopReason.START))
                    must_stop = False
            gone = await self._until_gone(session)
            await self._wait_offline(session, gone, backoff)

    async def _wait_offline(self, session: CameraSession, error: CameraError, backoff: Backoff) -> None:
        if session.health.detail != error.detail:  # say it once, not at every attempt
            _log.warning("camera %s: offline: %s", session.entry.id, error.detail)
        session.lost(error)
        await asyncio.sleep(backoff.failed(error.fault))

    async def _until_gone(self, session: CameraSession) -> CameraError:
        """Ask now and then, never beside a motion; returns the error that shows that the camera is gone."""
        while True:
            await session.wait_for_trouble(HEALTH_CHECK_S if session.abilities.can_steer else VIEW_ONLY_CHECK_S)
            if session.arbiter.is_moving:
                continue
            try:
                if session.abilities.can_steer:
                    await session.status()
                else:
                    await session.connect()
            except CameraError as error:
                if error.fault in _GONE:
                    return error
                _log.info("camera %s: health check: %s", session.entry.id, error.detail)
