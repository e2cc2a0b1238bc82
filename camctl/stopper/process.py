"""The stopper itself. It learns every camera while all is well, so that nothing has to be found out in the emergency.

Its socket's end is the signal: the kernel closes it whatever killed the other side. What was written before the end is
still read, so an order that was sent before a move counts even when the sender died right after it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from typing import Protocol

from camctl.egress import EgressPolicy
from camctl.onvif.driver import OnvifDrivers
from camctl.ptz.ports import CameraError, CameraFacts
from camctl.stopper.orders import ARM, DISARM, KNOW, StopOrder
from streams.wire import Payload, Peer

_log = logging.getLogger("camctl.stopper")

STOP_WITHIN_S = 30.0
_RETRY_S = 0.25
_RETRY_MAX_S = 2.0
_LEARN_AT_ONCE = 4
_LEARN_AGAIN_S = 30.0


class Stoppable(Protocol):
    """What the stopper needs of a driver."""

    async def connect(self) -> CameraFacts:
        """Find out how it is stopped."""

    async def stop(self, attempt: int = 0) -> None:
        """Stop it; each further attempt goes on to the next way."""


class Stopper:
    """Keeps a driver for every camera it was told of, and a list of those that move."""

    def __init__(self, make: Callable[[StopOrder], Stoppable]) -> None:
        self._make = make
        self._known: dict[str, StopOrder] = {}
        self._drivers: dict[str, Stoppable] = {}
        self._learning: dict[str, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(_LEARN_AT_ONCE)
        self.armed: dict[str, None] = {}

    def on_event(self, kind: str, payload: Payload, _blob: bytes) -> None:
        """One message of the parent's."""
        if kind == KNOW:
            self._know(StopOrder.from_payload(payload))
        elif kind == ARM:
            self.armed[str(payload["camera_id"])] = None
        elif kind == DISARM:
            self.armed.pop(str(payload["camera_id"]), None)
        else:
            _log.error("an unknown message was dropped: %s", kind)

    def _know(self, order: StopOrder) -> None:
        if self._known.get(order.camera_id) == order:
            return
        self._known[order.camera_id] = order
        self._drivers[order.camera_id] = self._make(order)
        previous = self._learning.pop(order.camera_id, None)
        if previous is not None:
            previous.cancel()
        task = asyncio.create_task(self._learn(order.camera_id), name=f"learn {order.camera_id}")
        task.add_done_callback(_log_failure)
        self._learning[order.camera_id] = task

    async def _learn(self, camera_id: str) -> None:
        """Connect until it worked once: what stops this camera is then known for good."""
        while True:
            try:
                async with self._gate:
                    await self._drivers[camera_id].connect()
            except CameraError as error:
                _log.info("camera %s: %s", camera_id, error.detail)
                await asyncio.sleep(_LEARN_AGAIN_S)
            else:
                return

    async def stop_all(self) -> list[str]:
        """Stop every armed camera, all at once; returns those that did not confirm in time."""
        if not self.armed:
            return []
        _log.warning("the control process is gone; stopping %d moving camera(s)", len(self.armed))
        stopped = await asyncio.gather(*(self._stop(camera_id) for camera_id in self.armed))
        return [camera_id for camera_id, is_stopped in zip(self.armed, stopped, strict=True) if not is_stopped]

    async def _stop(self, camera_id: str) -> bool:
        end = time.monotonic() + STOP_WITHIN_S
        pause_s, attempt = _RETRY_S, 0
        learning = self._learning.get(camera_id)
        while time.monotonic() < end:
            try:
                driver = self._drivers[camera_id]
                if learning is not None and not learning.done():
                    await driver.connect()
                    learning.cancel()
                await driver.stop(attempt)
            except CameraError as error:
                _log.warning("camera %s: Stop not confirmed: %s", camera_id, error.detail)
            except Exception:  # noqa: BLE001  # a mistake of ours, said loudly: no camera may be given up for it
                _log.exception("camera %s: stopping it failed unexpectedly", camera_id)
            else:
                _log.warning("camera %s: stopped", camera_id)
                await self._say_otherwise(camera_id, attempt + 1)
                return True
            await asyncio.sleep(pause_s)
            pause_s, attempt = min(_RETRY_MAX_S, pause_s * 2), attempt + 1
        return False

    async def _say_otherwise(self, camera_id: str, attempt: int) -> None:
        """Say it once more in the next way: some cameras confirm a Stop and turn on, and nobody looks here."""
        try:
            await self._drivers[camera_id].stop(attempt)
        except CameraError as error:
            _log.info("camera %s: the other way of stopping: %s", camera_id, error.detail)
        except Exception:  # noqa: BLE001  # as above
            _log.exception("camera %s: stopping it in another way failed unexpectedly", camera_id)

    def close(self) -> None:
        """End what is still being learnt."""
        for task in self._learning.values():
            task.cancel()


def _log_failure(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.error("%s failed unexpectedly", task.get_name(), exc_info=error)


async def run(connection: socket.socket) -> int:
    """Listen until the parent is gone, then stop what moves; the exit code is 1 when a camera did not confirm."""
    guards: dict[EgressPolicy, OnvifDrivers] = {}

    def make(order: StopOrder) -> Stoppable:
        policy = EgressPolicy.of(order.networks, order.own)
        if policy not in guards:
            guards[policy] = OnvifDrivers(policy)
        return guards[policy].create(order.onvif_url, order.username, order.password, site=order.site)

    stopper = Stopper(make)
    peer = Peer(connection, on_event=stopper.on_event)
    await peer.start()
    await peer.closed.wait()
    unconfirmed = await stopper.stop_all()
    stopper.close()
    for camera_id in unconfirmed:
        _log.error("camera %s: could not be stopped; its own Timeout is what is left", camera_id)
    return 1 if unconfirmed else 0
