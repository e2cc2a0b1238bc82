"""How long one camera call may still take, and how to end it from outside."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from camctl.ptz.ports import CameraError, CameraFault

CONNECT_S = 2.0
READ_S = 4.0
TOTAL_S = 6.0


class Budget:
    """The time of one call. A socket's timeout covers one read; this covers a camera that drips bytes as well.

    `cancel` may be called from any thread: it shuts the socket that the call waits on.
    """

    def __init__(
        self,
        total_s: float = TOTAL_S,
        *,
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
        within: Budget | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`within`: the budget of the larger task that this call is a part of; its end and its `cancel` count too."""
        self._clock = clock
        self._within = within
        self.total_s = total_s
        self.connect_s = connect_s
        self.read_s = read_s
        self._ends_at = clock() + total_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cancelled = False

    def left_s(self) -> float:
        """Seconds that are left.

        Raises:
            CameraError: none is, or the call was cancelled.
        """
        left_s = self._ends_at - self._clock()
        if self._is_cancelled or left_s <= 0:
            raise self.timeout()
        return left_s if self._within is None else min(left_s, self._within.left_s())

    def timeout(self) -> CameraError:
        """The error that says that time ran out."""
        return CameraError(CameraFault.TIMEOUT, f"the camera did not answer within {self.total_s:g} s")

    def watch(self, connection: socket.socket | None) -> None:
        """The socket that the call waits on from now; None when it does not wait any more."""
        if self._within is not None:
            self._within.watch(connection)
        with self._lock:
            self._socket = connection
            if self._is_cancelled and connection is not None:
                _shut(connection)

    def cancel(self) -> None:
        """End the call at once; its thread raises within moments."""
        with self._lock:
            self._is_cancelled = True
            if self._socket is not None:
                _shut(self._socket)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already, which is what was wanted
