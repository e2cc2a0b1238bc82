"""The service's end of the stopper: told of every camera, and before every first move."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys

from camctl.stopper.orders import ARM, DISARM, KNOW, StopOrder
from camctl.supervisor import Supervisor
from streams.wire import Peer

_log = logging.getLogger(__name__)

_RESTART_S, _RESTART_MAX_S = 0.2, 10.0
_END_S = 3.0


class StopperHandle:
    """Runs the stopper process and restarts it when it dies; a Part of the service."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._known: dict[str, StopOrder] = {}
        self._armed: dict[str, None] = {}
        self._peer: Peer | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The stopper's process id; None while it is being started."""
        return self._process.pid if self._process is not None and self.is_up else None

    @property
    def is_up(self) -> bool:
        """Whether the stopper listens."""
        return self._peer is not None and not self._peer.closed.is_set()

    async def start(self) -> None:
        """Start the process."""
        await self._launch()
        self._keeping = self._supervisor.spawn(self._keep(), "stopper")

    async def close(self) -> None:
        """End it; what is still armed it stops."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping}, timeout=_END_S)  # what it may have failed with, the supervisor knows
        if self._peer is not None:
            await self._peer.close()
        if self._process is not None and not self._armed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_END_S):
                    await self._process.wait()

    def know(self, order: StopOrder) -> None:
        """Tell of a camera that may be moved."""
        self._known[order.camera_id] = order
        self._tell(KNOW, order.payload())

    def arm(self, camera_id: str) -> None:
        """A move goes out now."""
        if camera_id in self._known and camera_id not in self._armed:
            self._armed[camera_id] = None
            self._tell(ARM, {"camera_id": camera_id})

    def disarm(self, camera_id: str) -> None:
        """The camera stands, confirmed."""
        if camera_id in self._armed:
            del self._armed[camera_id]
            self._tell(DISARM, {"camera_id": camera_id})

    def _tell(self, kind: str, payload: dict[str, object]) -> None:
        if self._peer is None or self._peer.closed.is_set():
            return  # told again when it is back: `_launch` sends all that is known
        self._peer.event(kind, payload)

    async def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "camctl.stopper", "--wire-fd", str(theirs.fileno()),
                "--log-level", str(_log.getEffectiveLevel()),
                pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._peer = Peer(ours)
        await self._peer.start()
        for order in self._known.values():
            self._peer.event(KNOW, order.payload())
        for camera_id in self._armed:
            self._peer.event(ARM, {"camera_id": camera_id})

    async def _keep(self) -> None:
        pause_s = _RESTART_S
        while True:
            assert self._peer is not None  # noqa: S101  set by _launch before this task exists
            began = asyncio.get_running_loop().time()
            await self._peer.closed.wait()
            await self._peer.close()
            code = await self._process.wait() if self._process is not None else None
            _log.error("the stopper ended with %s; restarting it", code)
            lived_s = asyncio.get_running_loop().time() - began
            pause_s = _RESTART_S if lived_s > _RESTART_MAX_S else min(_RESTART_MAX_S, pause_s * 2)
            await asyncio.sleep(pause_s)
            try:
                await self._launch()
            except OSError:
                _log.exception("the stopper cannot be started")
