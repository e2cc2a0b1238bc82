"""Asks a camera where it looks, whenever somebody has to know: after a Stop, on a travel, near a limit."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from camctl.cameras.standstill import Report, StandstillJudge, is_same
from camctl.ptz import events as ev
from camctl.ptz.arbiter import Phase
from camctl.ptz.limits import STALE_S, TURNING_STALE_S, Hidden, Limits, hides, restrict
from camctl.ptz.model import MoveStatus, Position, PtzStatus, Velocity
from camctl.ptz.ports import CameraError, CameraFault

_log = logging.getLogger(__name__)

TRAVEL_POLL_S = 0.4
STOP_POLL_S = 0.25
LIMIT_POLL_S = 0.2
SECTOR_POLL_S = 1.5
ARRIVED_S = 0.8  # a travel whose camera tells no move status: standing so long after its start is having arrived
_SLOWEST_S = 5.0
_NEVER = frozenset({CameraFault.REFUSED, CameraFault.UNSUPPORTED})
_TURNING = frozenset({Phase.MOVING, Phase.TRAVELLING})


class PositionWatch:
    """One camera's. `act` takes the events that follow from what was seen; `publish` is called when something changed.

    `reports`: the camera is believed to tell its position. Everything is on the event loop, one question at a time.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        ask: Callable[[], Awaitable[PtzStatus]],
        act: Callable[[ev.Event], object],
        publish: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._ask = ask
        self._act = act
        self._publish = publish
        self._clock = clock
        self._judge = StandstillJudge()
        self._phase = Phase.STILL
        self._since = -math.inf  # no question before this is of use: when the Stop left, when the travel began
        self._asked_at = self._answered_at = -math.inf  # our newest question
        self._last: Report | None = None
        self._seen_at = -math.inf
        self._failures = 0
        self._before: Position | None = None  # where it looked when our newest motion began
        self._turns_since = -math.inf
        self._wish: Velocity | None = None
        self._allowed: Velocity | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stale: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._is_closed = False
        self.reports = False
        self.is_proved = False
        self.position: Position | None = None
        self.hidden: Hidden | None = hides(None, math.inf, False, limits)

    # What the session tells -----------------------------------------------------------------------------------------

    def follow(self, phase: Phase) -> None:
        """The arbiter's phase after an event; decides when to ask next."""
        if phase in _TURNING:
            if self._phase not in _TURNING:
                self._before = self.position
                self._turns_since = self._clock()
            self._judge.moved()
        else:
            self._wish = None
        has_changed = phase is not self._phase
        self._phase = phase
        if has_changed and self._limits.sectors and self._judge_hidden():
            self._publish()
        self._schedule()

    def stop_sent(self) -> None:
        """A Stop leaves."""
        self._since = self._clock()
        self._judge.stop_sent(self._since)
        self._failures = 0

    def stop_confirmed(self) -> None:
        """The camera says that it stopped."""
        self._judge.stop_confirmed(self._clock())

    def travel_began(self) -> None:
        """The camera accepted a travel."""
        self._since = self._clock()
        self._schedule()

    def restricted(self, velocity: Velocity) -> Velocity:
        """What of a wanted velocity the limits allow now."""
        if not self._limits.need_position or not self.is_proved or self.position is None:
            return velocity
        if self._is_blind():
            return Velocity(zoom=velocity.zoom)
        return restrict(velocity, self.position, self._limits)

    def _is_blind(self) -> bool:
        """Whether it has been turning for longer than anybody may without a look at where it is."""
        if self._phase not in _TURNING:
            return False
        return self._clock() - max(self._seen_at, self._turns_since) > TURNING_STALE_S

    def wished(self, velocity: Velocity, allowed: Velocity) -> None:
        """The arbiter took a move: `velocity` was asked for, `allowed` given."""
        self._wish, self._allowed = velocity, allowed

    def saw(self, status: PtzStatus, asked_at: float) -> None:
        """A status, whoever asked for it at `asked_at`."""
        position = status.position
        self._failures = 0
        if position.pan is None and position.tilt is None and position.zoom is None:
            self._look_at_travel(status, None, asked_at)
            return
        self.reports = True
        if self._before is None:
            self._before = position if self._phase in _TURNING else None
        elif not is_same(self._before, position):
            self.is_proved = True
        before, self.position = self.position, position
        self._seen_at = asked_at
        is_hidden = self._judge_hidden()
        is_told = before != position or is_hidden
        report = Report(asked_at, self._clock(), position)
        self._look_at_travel(status, self._rested_at(report), asked_at)
        verdict = self._judge.report(report)
        if verdict is not None:
            self._act(ev.StandstillSeen() if verdict else ev.TurningSeen())
        self._keep_limits()
        if is_told:
            self._publish()

    def _rested_at(self, report: Report) -> Position | None:
        """Where it was in an earlier report of this travel, if one comparable to `report` is late enough to tell."""
        last = self._last
        if last is not None and not report.is_apart_from(last):
            return None
        self._last = report
        return last.position if last is not None and last.asked_at >= self._since + ARRIVED_S else None

    def _look_at_travel(self, status: PtzStatus, rested: Position | None, asked_at: float) -> None:
        if self._phase is not Phase.TRAVELLING or asked_at < self._since:
            return
        has_arrived = status.move_status is MoveStatus.IDLE
        if status.move_status is MoveStatus.UNKNOWN and rested is not None:
            has_arrived = is_same(rested, status.position)
        if has_arrived:
            self._act(ev.StandstillSeen())

    def _keep_limits(self) -> None:
        if self._phase is not Phase.MOVING or self._wish is None:
            return
        allowed = self.restricted(self._wish)
        if allowed != self._allowed:
            self._allowed = allowed
            self._act(ev.Adjust(allowed))

    def _judge_hidden(self) -> bool:
        """Whether it changed that the picture is withheld."""
        before = self.hidden
        travels = self._phase is Phase.TRAVELLING
        age_s = math.inf if self._is_blind() else self._clock() - self._seen_at
        self.hidden = hides(self.position, age_s, self.is_proved, self._limits, travels=travels)
        if self._stale is not None:
            self._stale.cancel()
            self._stale = None
        if self._limits.sectors and not self._is_closed:
            stale_at = self._seen_at + STALE_S
            if self._phase in _TURNING:
                stale_at = max(self._seen_at, self._turns_since) + TURNING_STALE_S
            left_s = stale_at - self._clock()
            if left_s > 0:
                self._stale = asyncio.get_running_loop().call_later(left_s + 0.01, self._went_stale)
        return self.hidden != before

    def _went_stale(self) -> None:
        """Nobody knows where it looks: neither shown nor turned on."""
        self._stale = None
        is_told = self._judge_hidden()
        self._keep_limits()
        if is_told:
            self._publish()

    # Asking ---------------------------------------------------------------------------------------------------------

    def _pause_s(self) -> float | None:
        """How long after the last question the next one is due; None: nobody has to know."""
        pause_s: float | None = None
        if self._phase is Phase.TRAVELLING:
            pause_s = LIMIT_POLL_S if self.reports and self._limits.sectors else TRAVEL_POLL_S
        elif not self.reports:
            return None
        elif self._phase is Phase.MOVING:
            pause_s = LIMIT_POLL_S if self._limits.need_position else None
        elif self._judge.is_unclear:
            pause_s = STOP_POLL_S
        elif self._limits.sectors:
            pause_s = SECTOR_POLL_S
        if pause_s is None or not self._failures:
            return pause_s
        return min(_SLOWEST_S, pause_s * 2.0**self._failures)

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pause_s = self._pause_s()
        if pause_s is None or self._looking is not None or self._is_closed:
            return
        after = self._asked_at if self._phase is Phase.MOVING else max(self._answered_at, self._since)
        wait_s = max(0.0, after + pause_s - self._clock())
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._look)

    def _look(self) -> None:
        self._timer = None
        self._looking = asyncio.get_running_loop().create_task(self._ask_once(), name="position")
        self._looking.add_done_callback(self._looked)

    async def _ask_once(self) -> None:
        asked_at = self._asked_at = self._clock()
        try:
            status = await self._ask()
        except CameraError as error:
            self._failures = min(self._failures + 1, 8)
            if error.fault in _NEVER:
                self.reports = False  # it said so; nothing can be judged by its position
            return
        self.saw(status, asked_at)

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        self._answered_at = self._clock()
        if not task.cancelled() and task.exception() is not None:
            # A bug of ours must not take the other cameras' control away.
            _log.error("looking at a camera's position failed unexpectedly", exc_info=task.exception())
            self._failures = 8
        self._schedule()

    def close(self) -> None:
        """Ask nothing more."""
        self._is_closed = True
        for timer in (self._timer, self._stale):
            if timer is not None:
                timer.cancel()
        if self._looking is not None:
            self._looking.cancel()
