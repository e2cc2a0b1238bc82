"""One camera's live session: carries out what its arbiter decides and tells everyone who watches.

Everything here runs on the event loop, in one thread, so the arbiter has a single writer. The driver's calls run
elsewhere and come back as events.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from camctl.cameras.calls import CameraCalls, Outcome
from camctl.cameras.model import CameraEntry, CameraPolicy, CameraState, Health
from camctl.cameras.positions import PositionWatch
from camctl.cameras.records import ControlHistory, LeaseBook, LeaseRecord, LeaseRecords, NoHistory, NoRecords
from camctl.metrics import ControlMetrics
from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter
from camctl.ptz.history import GestureWatch
from camctl.ptz.limits import Hidden
from camctl.ptz.model import Position, Preset, PtzAbilities, PtzStatus
from camctl.ptz.ports import CameraDriver, CameraError, CameraFacts, MotionGuard, NoGuard, StreamName
from camctl.ptz.rules import Rules
from camctl.ptz.view import ControlView

__all__ = ["CameraSession", "Outcome"]

CLOSE_STOP_S = 2.0


class CameraSession:
    """The single owner of a camera's control state."""

    def __init__(
        self,
        entry: CameraEntry,
        driver: CameraDriver,
        *,
        rules: Rules,
        metrics: ControlMetrics,
        guard: MotionGuard | None = None,
        records: LeaseRecords | None = None,
        history: ControlHistory | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.entry = entry
        self.facts: CameraFacts | None = None
        self.health = Health(CameraState.CONNECTING)
        self.arbiter = Arbiter(rules)
        self._driver = driver
        self._guard = guard or NoGuard()
        self._clock = clock
        self._history = history or NoHistory()
        self._book = LeaseBook(entry, records or NoRecords(), clock, history=self._history)
        self._gestures = GestureWatch()
        self._calls = CameraCalls(entry.id, driver, self._book, metrics, self._answered, clock)
        self._watch = PositionWatch(
            entry.limits, ask=self._calls.status, act=self.command, publish=self.publish, clock=clock
        )
        self._watchers: set[Callable[[], None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._is_ending = False
        self._is_closed = False

    # Reading it -----------------------------------------------------------------------------------------------------

    @property
    def abilities(self) -> PtzAbilities:
        """What the camera proved; nothing before it was reached."""
        return self.facts.abilities if self.facts else PtzAbilities()

    @property
    def position(self) -> Position | None:
        """Where it last said that it looks."""
        return self._watch.position

    @property
    def hidden(self) -> Hidden | None:
        """Why its picture is withheld now."""
        return self._watch.hidden

    def control_view(self) -> ControlView:
        """Holder, queue and motion at this moment."""
        return self.arbiter.view()

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
        if self._is_closed or (self._is_ending and isinstance(event, ev.Move | ev.Travel)):
            return Outcome()
        asked = event
        if isinstance(event, ev.Move) and self.entry.limits.need_position:
            event = replace(event, velocity=self._watch.restricted(event.velocity))
        refusal: ev.Refusal | None = None
        call: asyncio.Task[float] | None = None
        actions = self._decide(event)
        for action in actions:
            match action:
                case ev.Refuse(code=code):
                    refusal = code
                case ev.Publish():
                    self._book.follow(self.arbiter.view().holder, event)
                    self.publish()
                case ev.SendStop():
                    call = self._send_stop(action)
                case ev.SendMove() | ev.SendTravel():
                    # Told first, and written to its socket before this returns: should we die right after the move has
                    # left, the one who stops the camera knows of it.
                    self._guard.arm(self.entry.id)
                    call = self._calls.move(action)
        if isinstance(event, ev.Move) and isinstance(asked, ev.Move) and refusal is None:
            self._watch.wished(asked.velocity, event.velocity)
        if self.arbiter.is_settled:
            self._guard.disarm(self.entry.id)
        self._watch.follow(self.arbiter.phase)
        self._arm()
        self._record(event, actions, refusal)
        return Outcome(refusal, call)

    def _decide(self, event: ev.Event) -> Sequence[ev.Action]:
        """What the arbiter says; without a record nothing is begun, and everything can be ended."""
        if self._book.problem and isinstance(event, ev.Beginning):
            return [ev.Refuse(ev.Refusal.NOT_ON_RECORD)]
        return self.arbiter.handle(event, self._clock())

    def _record(self, event: ev.Event, actions: Sequence[ev.Action], refusal: ev.Refusal | None) -> None:
        """Last of all: nothing that stops the camera comes after it."""
        for told in self._gestures.saw(event, actions, self.arbiter.lease_source, self._clock()):
            self._history.gesture(self.entry, told)
        if refusal is not None:
            self._history.refused(self.entry, event, refusal)

    def revoke(self, sign_in: str) -> None:
        """End the lease and the waiting of a sign-in that lost its right here; nothing happens if it has none."""
        self.command(ev.Revoke(sign_in))

    def record_changed(self) -> None:
        """Nothing can be put on record any more: stop what still moves; or it can again: write what is missing."""
        if not self._book.problem:
            self._book.catch_up()
        elif not self._is_closed and not self.arbiter.is_settled:
            self.command(ev.ForceStop(ev.StopReason.NOT_ON_RECORD))

    def _send_stop(self, action: ev.SendStop) -> asyncio.Task[float]:
        if action.reason is ev.StopReason.STILL_TURNING:
            self._guard.arm(self.entry.id)  # it was believed to stand
        self._watch.stop_sent()
        return self._calls.stop(action)

    def _answered(self, event: ev.Event) -> None:
        if isinstance(event, ev.StopAnswered) and event.ok:
            self._watch.stop_confirmed()
        self.command(event)
        if isinstance(event, ev.MoveAnswered) and event.ok:
            self._watch.travel_began()

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

    # Questions ------------------------------------------------------------------------------------------------------

    async def status(self) -> PtzStatus:
        """Ask the camera where it looks; raises CameraError."""
        asked_at = self._clock()
        status = await self._calls.status()
        self._watch.saw(status, asked_at)
        return status

    async def presets(self) -> list[Preset]:
        """Ask the camera for its stored views; raises CameraError."""
        return await self._driver.presets()

    def want_key_frame(self, stream: StreamName) -> None:
        """Ask the camera for a key frame of this stream, if it is one that can be asked."""
        if self.facts is not None and not self._is_closed:
            self._calls.want_key_frame(stream)

    # Life -----------------------------------------------------------------------------------------------------------

    def set_policy(self, policy: CameraPolicy) -> None:
        """Be on record under this name and area from now on; who may still steer is decided elsewhere."""
        self.entry = self.entry.under(policy)
        self._book.know_as(self.entry)

    def restore(self, record: LeaseRecord | None, fence: int, wall: float) -> None:
        """Go on where an earlier life ended: fences above `fence`, and the lease on `record` if it has time left.

        `wall` is the present time of the wall clock. To be called before the first command.
        """
        offset_s = self._clock() - wall
        holder = record.holder_view(offset_s) if record is not None else None
        self.arbiter.restore(max(fence, record.fence if record is not None else 0), holder, self._clock())
        self._book.restored(self.arbiter.view().holder)
        self._arm()

    async def connect(self) -> None:
        """Reach the camera and find out what it can do; raises CameraError."""
        self.connected(await self._driver.connect())

    def connected(self, facts: CameraFacts) -> None:
        """The camera answered and said what it can do."""
        self.facts = facts
        self._watch.reports = facts.abilities.status_position or self._watch.position is not None
        self._watch.follow(self.arbiter.phase)
        self._calls.trouble.clear()
        self._set_health(Health(CameraState.LIVE), even_if_same=True)

    def lost(self, error: CameraError) -> None:
        """The camera does not answer."""
        self._set_health(Health(CameraState.OFFLINE, error.detail, error.fault.value))

    def _set_health(self, health: Health, *, even_if_same: bool = False) -> None:
        if health != self.health or even_if_same:
            self.health = health
            self.publish()

    async def wait_for_trouble(self, timeout_s: float) -> bool:
        """Wait until a call says that the camera is gone, and forget it; False when `timeout_s` passed first."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._calls.trouble.wait()
        except TimeoutError:
            return False
        self._calls.trouble.clear()
        return True

    async def stand(self) -> bool:
        """Stop the camera if it may turn; whether it confirmed in time. No motion is begun from now on."""
        self._is_ending = True
        if not self._is_closed and not self.arbiter.is_settled:
            still = asyncio.Event()
            unsubscribe = self.subscribe(lambda: None if self.arbiter.is_moving else still.set())
            self.command(ev.ForceStop(ev.StopReason.SHUTDOWN))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_STOP_S):
                    await still.wait()
            unsubscribe()
        return not self.arbiter.is_moving

    async def close(self) -> None:
        """Stop the camera if it turns, then give everything back."""
        await self.stand()
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._watch.close()
        await self._calls.close(CLOSE_STOP_S)
        await self._driver.close()
