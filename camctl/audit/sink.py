"""The way of rows into the database, as a part of the service: it goes on after whatever the database was away for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from camctl.audit.log import AuditLog, ConflictError
from camctl.audit.shipping import Shipping, SpoolDamageError
from camctl.store.engine import StoreError
from camctl.supervisor import Supervisor

_log = logging.getLogger(__name__)

LOOK_S = 0.5  # other processes' spools say nothing; they are looked at
RETRY_S, RETRY_MAX_S = 0.5, 15.0
_END_S = 5.0


class Sink:
    """A Part: carries the rows of every chain in `folder` to the database, again and again.

    `problem` says why rows wait; empty when they do not. Waiting rows are safe, and nothing is refused because of them.
    """

    def __init__(self, folder: Path, log: AuditLog, supervisor: Supervisor) -> None:
        self._shipping = Shipping(folder, log)
        self._supervisor = supervisor
        self._due = asyncio.Event()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._working = asyncio.Lock()
        self.problem = ""
        self.on_shipped: Callable[[int], None] = lambda _rows: None

    def hurry(self) -> None:
        """There are rows; from this event loop."""
        self._due.set()

    async def start(self) -> None:
        """Begin to carry."""
        self._task = self._supervisor.spawn(self._carry(), "audit sink")

    async def close(self) -> None:
        """Carry what is there, if the database takes it, and end; the rest stays in the spool. Idempotent."""
        if self._task is None or self._ending.is_set():
            return
        # Not cancelled: the thread that carries would go on, and a second one begin beside it.
        self._ending.set()
        self._due.set()
        try:
            async with asyncio.timeout(_END_S):
                await asyncio.wait({self._task})
                while await self.ship():
                    pass
        except TimeoutError:
            self._task.cancel()
            _log.warning("not all rows of the audit log reached the database; they wait in the spool")

    async def _carry(self) -> None:
        wait_s = RETRY_S
        while not self._ending.is_set():
            self._due.clear()
            shipped = await self.ship()
            if self.problem:
                await self._wait(wait_s)
                wait_s = min(2 * wait_s, RETRY_MAX_S)
                continue
            wait_s = RETRY_S
            if not shipped:
                await self._wait(LOOK_S)

    async def _wait(self, most_s: float) -> None:
        """After a failure too, new rows are a reason to try at once only when the service ends."""
        is_hurried = self._ending if self.problem else self._due
        try:
            async with asyncio.timeout(most_s):
                await is_hurried.wait()
        except TimeoutError:
            return

    async def ship(self) -> int:
        """Carry one batch; returns how many rows reached the database. Never raises, `problem` tells."""
        async with self._working:
            try:
                # Shielded: a thread cannot be ended, and two must not carry at once.
                shipped = await asyncio.shield(asyncio.to_thread(self._shipping.ship))
            except (StoreError, OSError, SpoolDamageError, ConflictError) as error:
                self._failed(error)
                return 0
        if self.problem:
            _log.warning("the audit log reaches the database again")
            self.problem = ""
        self.on_shipped(shipped)
        return shipped

    def _failed(self, error: Exception) -> None:
        why = str(error)
        if not self.problem:
            _log.error("the audit log does not reach the database; its rows wait in the spool: %s", why)
        self.problem = f"the audit log does not reach the database; its rows wait in the spool: {why}"
