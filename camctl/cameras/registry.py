"""All cameras: one session each, kept connected."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator

from camctl.cameras.backoff import Backoff
from camctl.cameras.model import CameraEntry, CameraState, Health
from camctl.cameras.session import CameraSession
from camctl.metrics import Metrics
from camctl.ptz import events as ev
from camctl.ptz.arbiter import Rules
from camctl.ptz.ports import CameraDriver, CameraError, CameraFault, MotionGuard
from camctl.supervisor import Supervisor

_log = logging.getLogger(__name__)

HEALTH_CHECK_S = 15.0
VIEW_ONLY_CHECK_S = 60.0  # a camera without motors has no light question; it is asked everything again
CONNECTING_AT_ONCE = 8


class Cameras:
    """The catalogue with its live sessions; a Part of the service."""

    def __init__(
        self,
        entries: Iterable[CameraEntry],
        make_driver: Callable[[CameraEntry], CameraDriver | None],
        *,
        rules: Rules,
        metrics: Metrics,
        supervisor: Supervisor,
        stop_on_start: bool = True,
        guard: MotionGuard | None = None,
        on_steerable: Callable[[CameraEntry], None] = lambda _entry: None,
    ) -> None:
        self._supervisor = supervisor
        self._stop_on_start = stop_on_start
        self._on_steerable = on_steerable
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self._sessions = {
            entry.id: CameraSession(entry, make_driver(entry), rules=rules, metrics=metrics, guard=guard)
            for entry in entries
        }

    def get(self, camera_id: str) -> CameraSession | None:
        """The camera's session, or None for an unknown id."""
        return self._sessions.get(camera_id)

    def __iter__(self) -> Iterator[CameraSession]:
        return iter(self._sessions.values())

    def __len__(self) -> int:
        return len(self._sessions)

    async def start(self) -> None:
        """Begin to connect to every ONVIF camera; returns at once, a camera that is off is no reason to wait."""
        for session in self:
            if session.driver is not None:
                self._supervisor.spawn(self._keep_connected(session, session.driver), f"camera {session.entry.id}")

    async def close(self) -> None:
        """Stop what moves, on all cameras at once, and close the sessions."""
        await asyncio.gather(*(session.close() for session in self))

    def revoke(self, sign_in: str) -> None:
        """End every lease of a sign-in that lost its right."""
        for session in self:
            session.revoke(sign_in)

    async def _keep_connected(self, session: CameraSession, driver: CameraDriver) -> None:
        backoff = Backoff()
        must_stop = self._stop_on_start
        while True:
            try:
                async with self._connecting:
                    facts = await driver.connect()
            except CameraError as error:
                await self._wait_offline(session, error, backoff)
                continue
            backoff.succeeded()
            session.connected(facts)
            _log.info("camera %s: %s %s is live", session.entry.id, facts.manufacturer, facts.model)
            if facts.abilities.can_steer:
                self._on_steerable(session.entry)
            if must_stop and facts.abilities.can_steer:
                session.command(ev.ForceStop(ev.StopReason.START))
                must_stop = False
            gone = await self._until_gone(session, driver)
            await self._wait_offline(session, gone, backoff)

    async def _wait_offline(self, session: CameraSession, error: CameraError, backoff: Backoff) -> None:
        if session.health.detail != error.detail:  # say it once, not at every attempt
            _log.warning("camera %s: offline: %s", session.entry.id, error.detail)
        session.set_health(Health(CameraState.OFFLINE, error.detail, error.fault.value))
        await asyncio.sleep(backoff.failed(error.fault))

    async def _until_gone(self, session: CameraSession, driver: CameraDriver) -> CameraError:
        """Ask now and then, never beside a motion; returns the error that shows that the camera is gone."""
        while True:
            await session.wait_for_trouble(HEALTH_CHECK_S if session.abilities.can_steer else VIEW_ONLY_CHECK_S)
            if session.arbiter.is_moving:
                continue
            try:
                if session.abilities.can_steer:
                    session.position = (await driver.status()).position
                else:
                    session.connected(await driver.connect())
            except CameraError as error:
                if error.fault in {CameraFault.UNREACHABLE, CameraFault.TIMEOUT, CameraFault.BAD_CREDENTIALS}:
                    return error
                _log.info("camera %s: health check: %s", session.entry.id, error.detail)
