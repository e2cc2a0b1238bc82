"""The calls to one camera that its arbiter asks for: each in a task of its own, measured, answered as an event."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from camctl.cameras.records import LeaseBook
from camctl.metrics import ControlMetrics
from camctl.ptz import events as ev
from camctl.ptz.model import PtzStatus
from camctl.ptz.ports import CameraDriver, CameraError, CameraFault, StreamName

_log = logging.getLogger(__name__)

_GONE = frozenset({CameraFault.UNREACHABLE, CameraFault.TIMEOUT})
_CERTAINLY_NOT_DONE = frozenset(
    {CameraFault.REFUSED, CameraFault.UNSUPPORTED, CameraFault.BAD_CREDENTIALS, CameraFault.NOT_ON_RECORD}
)
_NOT_ON_RECORD = "the record of who controls could not be written, so the camera is not moved"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: `refusal` is None when it was accepted.

    `call` is there when the command caused a call to the camera; it ends with the seconds the camera took and raises
    CameraError when the call failed.
    """

    refusal: ev.Refusal | None = None
    call: asyncio.Task[float] | None = None


class CameraCalls:
    """Carries out one camera's actions. `act` takes the answers; `book` says whether a move may leave."""

    def __init__(
        self,
        camera_id: str,
        driver: CameraDriver,
        book: LeaseBook,
        metrics: ControlMetrics,
        act: Callable[[ev.Event], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._camera_id = camera_id
        self._driver = driver
        self._book = book
        self._metrics = metrics
        self._act = act
        self._clock = clock
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stops = 0
        self.trouble = asyncio.Event()  # a call said that the camera is gone

    def move(self, action: ev.SendMove | ev.SendTravel) -> asyncio.Task[float]:
        """Send a move or travel, once its holder is on record, and while more can be put there."""
        return self._spawn(self._move(action, self._stops), f"move {self._camera_id}")

    def stop(self, action: ev.SendStop) -> asyncio.Task[float]:
        """Send a Stop; it waits for nothing."""
        self._stops += 1
        return self._spawn(self._stop(action), f"stop {self._camera_id}")

    async def status(self) -> PtzStatus:
        """Ask where it looks; raises CameraError."""
        try:
            return await self._driver.status()
        except CameraError as error:
            if error.fault in _GONE:
                self.trouble.set()
            raise

    def want_key_frame(self, stream: StreamName) -> None:
        """Ask for a key frame of this stream, unless that is being asked already."""
        name = f"key frame {self._camera_id}/{stream}"
        if all(task.get_name() != name for task in self._tasks):
            self._spawn(self._key_frame(stream), name)

    async def close(self, within_s: float) -> None:
        """End what still runs."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=within_s)

    async def _move(self, action: ev.SendMove | ev.SendTravel, stops: int) -> float:
        # Whatever the driver waits for after this, its own count of Stops keeps a move from overtaking one.
        answered = ev.MoveAnswered(action.number, ok=False)
        operation = "move" if isinstance(action, ev.SendMove) else "travel"
        try:
            if not self._book.is_durable or self._book.problem:
                await self._on_record(stops)
            with self._metrics.camera_calls_s.labels(operation).time():
                began = self._clock()
                await self._send(action)
                took_s = self._clock() - began
            answered = ev.MoveAnswered(action.number, ok=True)
        except CameraError as error:
            answered = ev.MoveAnswered(action.number, ok=False, refused=error.fault in _CERTAINLY_NOT_DONE)
            _log.warning("camera %s: %s failed: %s", self._camera_id, operation, error.detail)
            raise
        finally:
            self._act(answered)
        return took_s

    async def _on_record(self, stops: int) -> None:
        """Wait until the holder is on record; a Stop that was asked for meanwhile ends the move."""
        try:
            await self._book.wait_durable()
        except OSError as error:
            why = error.strerror or "the disk does not answer"
            _log.warning("camera %s: its holder is not on record: %s", self._camera_id, why)
            raise CameraError(CameraFault.NOT_ON_RECORD, _NOT_ON_RECORD) from None
        if self._book.problem:  # the holder is on record, but what becomes of this move would not be
            raise CameraError(CameraFault.NOT_ON_RECORD, _NOT_ON_RECORD)
        if self._stops != stops:
            raise CameraError(CameraFault.REFUSED, "the move was not sent: Stop was asked for meanwhile")

    async def _send(self, action: ev.SendMove | ev.SendTravel) -> None:
        if isinstance(action, ev.SendMove):
            await self._driver.continuous_move(action.velocity, action.timeout_s)
        elif action.preset is None:
            await self._driver.goto_home()
        else:
            await self._driver.goto_preset(action.preset, action.speed)

    async def _stop(self, action: ev.SendStop) -> float:
        ok = False
        began = self._clock()
        try:
            await self._driver.stop(action.attempt)
            ok = True
        except CameraError as error:
            _log.warning("camera %s: Stop (%s) not confirmed: %s", self._camera_id, action.reason, error.detail)
            raise
        finally:
            took_s = self._clock() - began
            self._metrics.camera_calls_s.labels("stop").observe(took_s)
            self._metrics.stops.labels(action.reason.value, "confirmed" if ok else "unconfirmed").inc()
            self._act(ev.StopAnswered(action.number, ok=ok))
        return took_s

    async def _key_frame(self, stream: StreamName) -> float:
        began = self._clock()
        await self._driver.request_key_frame(stream)
        return self._clock() - began

    def _spawn(self, coroutine: Coroutine[Any, Any, float], name: str) -> asyncio.Task[float]:
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[float]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        if not isinstance(error, CameraError):
            # A bug of ours must not take the other cameras' control away: said loudly, and the camera is asked again.
            _log.error("camera %s: a command failed unexpectedly", self._camera_id, exc_info=error)
            return
        _log.info("%s: %s", task.get_name(), error.detail)
        if error.fault in _GONE:
            self.trouble.set()
