"""Runs a camera's patrols and events: the I/O shell around camctl.ptz.round_machine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from camctl.cameras.model import CameraEntry, CameraState, Health
from camctl.ptz import events as ev
from camctl.ptz.arbiter import Rules
from camctl.ptz.model import PtzAbilities
from camctl.ptz.ports import CameraError, CameraFault
from camctl.ptz.round_machine import RoundMachine, Seen
from camctl.ptz.rounds import Round, RoundView
from camctl.ptz.view import ControlView

_log = logging.getLogger(__name__)

# Of one waking; no round needs more than three (give back another's control, travel, keep).
_MOST_COMMANDS = 8
TRAVEL_LIMIT_S = Rules().travel_limit_s
_STATION_REFUSED = frozenset({CameraFault.REFUSED, CameraFault.UNSUPPORTED})


class CommandOutcome(Protocol):
    """What became of a command; `call` ends with the camera's answer and raises CameraError."""

    @property
    def refusal(self) -> ev.Refusal | None:
        """Why the arbiter refused it."""

    @property
    def call(self) -> asyncio.Task[Any] | None:
        """The call to the camera that it caused."""


class RoundSession(Protocol):
    """What a runner needs of a camera's session."""

    @property
    def entry(self) -> CameraEntry:
        """The camera."""

    @property
    def abilities(self) -> PtzAbilities:
        """What it proved."""

    @property
    def health(self) -> Health:
        """Whether it answers."""

    def control_view(self) -> ControlView:
        """Who controls it."""

    def command(self, event: ev.Event) -> CommandOutcome:
        """Put a command to its arbiter."""

    def subscribe(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` after every change; returns what ends that."""

    def publish(self) -> None:
        """Tell everyone watching that something changed."""


class RoundRunner:
    """One camera's rounds. `run` is one task, for the supervisor, that goes on until it is cancelled.

    Everything here runs on the event loop, in one thread. `time_zone` is an IANA name; `clock` is the session's.
    """

    def __init__(
        self,
        session: RoundSession,
        *,
        idle_s: float,
        time_zone: str,
        travel_limit_s: float = TRAVEL_LIMIT_S,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] | None = None,
    ) -> None:
        self._session = session
        self._machine = RoundMachine(idle_s=idle_s, travel_limit_s=travel_limit_s)
        self._clock = clock
        zone = ZoneInfo(time_zone)
        self._wall = wall or (lambda: datetime.now(zone))
        self._wake = asyncio.Event()
        self._travel: asyncio.Task[Any] | None = None
        self._view: RoundView | None = None

    @property
    def view(self) -> RoundView | None:
        """The round that runs or waits; None when none is due. Its changes are told by `session.publish`."""
        return self._view

    def set_patrols(self, patrols: Sequence[Round]) -> None:
        """Take these patrols, in their running order, instead of all that there were."""
        self._machine.set_patrols(patrols)
        self._wake.set()

    def show_event(self, event: Round) -> None:
        """Show an event's preset (kind EVENT; one stop, whose dwell says how long) before any patrol."""
        self._machine.show_event(event, self._clock())
        self._wake.set()

    def end_event(self) -> None:
        """Show no event any longer."""
        self._machine.end_event()
        self._wake.set()

    async def run(self) -> None:
        """Go the rounds."""
        unsubscribe = self._session.subscribe(self._on_change)
        try:
            self._machine.notice(self._session.control_view())
            while True:
                self._wake.clear()
                self._hear_camera()
                self._act()
                self._tell()
                await self._until_next()
        finally:
            unsubscribe()

    def _on_change(self) -> None:
        self._machine.notice(self._session.control_view())
        self._wake.set()

    async def _until_next(self) -> None:
        """Wait for a change, the camera's answer or the machine's deadline."""
        delay_s = self._machine.deadline() - self._clock()
        try:
            async with asyncio.timeout(None if delay_s == float("inf") else max(0.0, delay_s)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _act(self) -> None:
        for _ in range(_MOST_COMMANDS):
            commands = self._machine.look(self._see(), self._clock())
            if not commands:
                return
            for command in commands:
                if not self._carry_out(command):
                    self._machine.denied(self._clock())
                    return
        self._machine.denied(self._clock())

    def _see(self) -> Seen:
        local = self._wall()
        minute = local.hour * 60 + local.minute + (local.second + local.microsecond / 1e6) / 60
        return Seen(self._session.control_view(), local.weekday(), minute, self._trouble())

    def _trouble(self) -> str:
        health, abilities = self._session.health, self._session.abilities
        if health.state is not CameraState.LIVE:
            return health.detail or "the camera is not connected yet"
        if not abilities.can_steer:
            return "the camera cannot be steered"
        return "" if abilities.presets else "the camera has no presets"

    def _carry_out(self, command: ev.Event) -> bool:
        """Whether the command was accepted; a travel must have left for the camera as well."""
        outcome = self._session.command(command)
        if isinstance(command, ev.Travel):
            self._travel = outcome.call
            if outcome.call is not None:
                outcome.call.add_done_callback(lambda _task: self._wake.set())
            return outcome.refusal is None and outcome.call is not None
        return outcome.refusal is None

    def _hear_camera(self) -> None:
        """Tell the machine what the camera answered to its newest travel."""
        call = self._travel
        if call is None or not call.done():
            return
        self._travel = None
        error = None if call.cancelled() else call.exception()
        if error is None and not call.cancelled():
            self._machine.answered()
        elif isinstance(error, CameraError) and error.fault in _STATION_REFUSED:
            _log.info("camera %s: a round's station was refused: %s", self._session.entry.id, error.detail)
            self._machine.refused(error.detail, self._clock())
        else:
            detail = error.detail if isinstance(error, CameraError) else "the command was not carried out"
            self._machine.lost(detail, self._clock())

    def _tell(self) -> None:
        view = self._machine.view()
        if view == self._view:
            return
        if view is None or self._view is None or (view.id, view.state) != (self._view.id, self._view.state):
            said = f"{view.kind.value} {view.name!r} is {view.state}" if view else "no round"
            _log.info("camera %s: %s", self._session.entry.id, said)
        self._view = view
        self._session.publish()
