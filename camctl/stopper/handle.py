"""The control process's end of the stopper: told of every camera, and before every first move."""

from __future__ import annotations

from collections.abc import Callable

from camctl.children import Child
from camctl.stopper.orders import ARM, DISARM, KNOW, StopOrder
from camctl.supervisor import Supervisor
from streams.wire import Peer

_END_S = 3.0


class StopperHandle:
    """Runs the stopper process and restarts it when it dies; a Part. `on_change` is called when `is_up` may differ."""

    def __init__(self, supervisor: Supervisor, on_change: Callable[[], None] = lambda: None) -> None:
        self._known: dict[str, StopOrder] = {}
        self._armed: dict[str, None] = {}
        self._on_change = on_change
        # A session of its own: whoever ends the service's group must not end the one that cleans up after it.
        self._child = Child(
            "camctl.stopper", supervisor, on_up=self._tell_everything, on_down=on_change, own_session=True
        )

    @property
    def pid(self) -> int | None:
        """The stopper's process id; None while it is being started."""
        return self._child.pid

    @property
    def is_up(self) -> bool:
        """Whether the stopper listens."""
        return self._child.is_up

    async def start(self) -> None:
        """Start the process."""
        await self._child.start()

    async def close(self) -> None:
        """End it; what is still armed it stops, and is not waited for."""
        await self._child.close(0.0 if self._armed else _END_S, force=False)

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
        if self._child.peer is not None and self._child.is_up:  # else told when it is back
            self._child.peer.event(kind, payload)

    def _tell_everything(self, peer: Peer) -> None:
        for order in self._known.values():
            peer.event(KNOW, order.payload())
        for camera_id in self._armed:
            peer.event(ARM, {"camera_id": camera_id})
        self._on_change()
