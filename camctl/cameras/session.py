"""One camera's live session: carries out what its arbiter decides and tells everyone who watches.

Everything here runs on the event loop, in one thread, so the arbiter has a single writer. The driver's calls run
elsewhere and come back as events.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from camctl.cameras.model import CameraEntry, CameraState, Health
from camctl.metrics import Metrics
from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter, Lease, Phase, Rules
from camctl.ptz.model import MoveStatus, Position, PtzAbilities
from camctl.ptz.ports import CameraDriver, CameraError, CameraFacts, CameraFault, MotionGuard, NoGuard

_log = logging.getLogger(__name__)

TRAVEL_POLL_S = 0.4
STANDSTILL_POLLS = 5
_CLOSE_STOP_S = 2.0
_GONE = frozenset({CameraFault.UNREACHABLE, CameraFault.TIMEOUT})
_CERTAINLY_NOT_DONE = frozenset({CameraFault.REFUSED, CameraFault.UNSUPPORTED, CameraFault.BAD_CREDENTIALS})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: `refusal` is None when it was accepted.

    `call` is there when the command caused a call to the camera; it ends with the seconds the camera took and raises
    CameraError when the call failed.
    """

    refusal: ev.Refusal | None = None
    call: asyncio.Task[float] | None = None


class CameraSession:
    """The single owner of a camera's control state."""

    def __init__(
        self,
        entry: CameraEntry,
        driver: CameraDriver | None,
        *,
        rules: Rules,
        metrics: Metrics,
        guard: MotionGuard | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.entry = entry
        self.driver = driver
        self.facts: CameraFacts | None = None
        self.health = Health(CameraState.UNKNOWN if driver is None else CameraState.CONNECTING)
        self.position: Position | None = None
        self.arbiter = Arbiter(rules)
        self._metrics = metrics
        self._guard = guard or NoGuard()
        self._clock = clock
        self._watchers: set[Callable[[], None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._tasks: set[asyncio.Task[Any]] = set()
        self._trouble = asyncio.Event()  # a call said that the camera is gone
        self._is_closed = False

    # Reading it -----------------------------------------------------------------------------------------------------

    @property
    def abilities(self) -> PtzAbilities:
        """What the camera proved; nothing before it was reached."""
        return self.facts.abilities if self.facts else PtzAbilities()

    @property
    def lease(self) -> Lease | None:
        """Who holds the camera now."""
        lease = self.arbiter.lease
        return lease if lease is not None and self._clock() < self.arbiter.lease_ends_at() else None

    def lease_ends_in_s(self) -> float:
        """How long the present lease lasts without another command."""
        return max(0.0, self.arbiter.lease_ends_at() - self._clock())

    def subscribe(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` after every change of state; returns what ends that."""
        self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    def publish(self) -> None:
        """Tell everyone watching that something changed."""
        for watcher in tuple(self._watchers):
            watcher()

    # Commands -------------------------------------------------------------------------------------------------------

    def command(self, event: ev.Event) -> Outcome:
        """Let the arbiter decide on `event` and carry out what it says."""
        refusal: ev.Refusal | None = None
        call: asyncio.Task[float] | None = None
        if self._is_closed:
            return Outcome()
        for action in self.arbiter.handle(event, self._clock()):
            match action:
                case ev.Refuse(code=code):
                    refusal = code
                case ev.Publish():
                    self.publish()
                case ev.SendStop():
                    call = self._spawn(self._send_stop(action), f"stop {self.entry.id}")
                case ev.SendMove() | ev.SendTravel():
                    # Told first, and written to its socket before this returns: should we die right after the move has
                    # left, the one who stops the camera knows of it.
                    self._guard.arm(self.entry.id)
                    call = self._spawn(self._send_move(action), f"move {self.entry.id}")
        if self.arbiter.is_settled:
            self._guard.disarm(self.entry.id)
        self._arm()
        return Outcome(refusal, call)

    def revoke(self, sign_in: str) -> None:
        """End the lease of a sign-in that lost its right here; nothing happens if it has none."""
        self.command(ev.Revoke(sign_in))

    def _arm(self) -> None:
        deadline = self.arbiter.deadline()
        if deadline == self._timer_at or self._is_closed:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = deadline
        if deadline < math.inf:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, deadline - self._clock()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        self.command(ev.Tick())

    def _spawn(self, coroutine: Coroutine[Any, Any, float], name: str) -> asyncio.Task[float]:
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_call_done)
        return task

    def _on_call_done(self, task: asyncio.Task[float]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        if not isinstance(error, CameraError):
            # A bug of ours must not take the other cameras' control away: said loudly, and the camera is asked again.
            _log.error("camera %s: a command failed unexpectedly", self.entry.id, exc_info=error)
            return
        _log.info("%s: %s", task.get_name(), error.detail)
        if error.fault in _GONE:
            self._trouble.set()

    async def _send_move(self, action: ev.SendMove | ev.SendTravel) -> float:
        driver = self._driver()
        answered = ev.MoveAnswered(action.number, ok=False)
        operation = "move" if isinstance(action, ev.SendMove) else "travel"
        started = self._clock()
        try:
            if isinstance(action, ev.SendMove):
                await driver.continuous_move(action.velocity, action.timeout_s)
            elif action.preset is None:
                await driver.goto_home()
            else:
                await driver.goto_preset(action.preset)
            answered = ev.MoveAnswered(action.number, ok=True)
        except CameraError as error:
            answered = ev.MoveAnswered(action.number, ok=False, refused=error.fault in _CERTAINLY_NOT_DONE)
            _log.warning("camera %s: %s failed: %s", self.entry.id, operation, error.detail)
            raise
        finally:
            took_s = self._clock() - started
            self._metrics.camera_calls_s.labels(operation).observe(took_s)
            self.command(answered)
            if isinstance(action, ev.SendTravel) and answered.ok:
                self._spawn(self._follow_travel(), f"travel {self.entry.id}")
        return took_s

    async def _send_stop(self, action: ev.SendStop) -> float:
        driver = self._driver()
        ok = False
        started = self._clock()
        try:
            await driver.stop()
            ok = True
        except CameraError as error:
            _log.warning("camera %s: Stop (%s) not confirmed: %s", self.entry.id, action.reason, error.detail)
            raise
        finally:
            took_s = self._clock() - started
            self._metrics.camera_calls_s.labels("stop").observe(took_s)
            self._metrics.stops.labels(action.reason.value, "confirmed" if ok else "unconfirmed").inc()
            self.command(ev.StopAnswered(action.number, ok=ok))
            if ok:
                self._look_where_it_stands()
        return took_s

    def _look_where_it_stands(self) -> None:
        name = f"position {self.entry.id}"
        # A camera that has never said where it looks is not asked after each Stop.
        if self.position is not None and not self._is_closed and all(task.get_name() != name for task in self._tasks):
            self._spawn(self._follow_standstill(), name)

    async def _follow_standstill(self) -> float:
        """Ask where the camera came to rest and tell everyone; a new motion ends the asking."""
        started = self._clock()
        for _ in range(STANDSTILL_POLLS):
            await asyncio.sleep(TRAVEL_POLL_S)
            if self.arbiter.is_moving or self._is_closed:
                break
            status = await self._driver().status()
            self.position = status.position
            self.publish()
            if status.move_status is not MoveStatus.MOVING:
                break
        return self._clock() - started

    async def _follow_travel(self) -> float:
        """Ask for the position until the camera stands still; the arbiter's limit ends it otherwise."""
        started = self._clock()
        while self.arbiter.phase is Phase.TRAVELLING and not self._is_closed:
            await asyncio.sleep(TRAVEL_POLL_S)
            status = await self._driver().status()
            self.position = status.position
            if status.move_status is MoveStatus.IDLE:
                self.command(ev.StandstillSeen())
        return self._clock() - started

    def want_key_frame(self) -> None:
        """Ask the camera for a key frame, if it is one that can be asked and is not being asked already."""
        name = f"key frame {self.entry.id}"
        if self.facts is None or self._is_closed or any(task.get_name() == name for task in self._tasks):
            return
        self._spawn(self._request_key_frame(), name)

    async def _request_key_frame(self) -> float:
        started = self._clock()
        await self._driver().request_key_frame()
        return self._clock() - started

    def _driver(self) -> CameraDriver:
        if self.driver is None:
            raise CameraError(CameraFault.UNSUPPORTED, "this camera shares its picture only; it cannot be steered")
        return self.driver

    # Life -----------------------------------------------------------------------------------------------------------

    def connected(self, facts: CameraFacts) -> None:
        """The camera answered and said what it can do."""
        self.facts = facts
        self._trouble.clear()
        self.set_health(Health(CameraState.LIVE))

    def set_health(self, health: Health) -> None:
        """Take note of whether the camera answers; everyone watching is told of a change."""
        if health != self.health:
            self.health = health
            self.publish()

    async def wait_for_trouble(self, timeout_s: float) -> bool:
        """Wait until a call says that the camera is gone, and forget it; False when `timeout_s` passed first."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._trouble.wait()
        except TimeoutError:
            return False
        self._trouble.clear()
        return True

    async def close(self) -> None:
        """Stop the camera if it turns, then give everything back."""
        if self.driver is not None and self.arbiter.is_moving:
            call = self.command(ev.ForceStop(ev.StopReason.SHUTDOWN)).call
            if call is not None:
                await asyncio.wait({call}, timeout=_CLOSE_STOP_S)
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=_CLOSE_STOP_S)
        if self.driver is not None:
            await self.driver.close()
