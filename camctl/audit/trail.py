"""A service's whole audit log as one part: its own chain, the way of all chains to the database, and checkpoints."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from camctl.audit.chain import SERVICE_CHAIN, AuditRow
from camctl.audit.entry import AuditEntry
from camctl.audit.keys import signing_key
from camctl.audit.log import AuditLog
from camctl.audit.sealer import BrokenChainError, Sealer
from camctl.audit.shipping import advance_spools
from camctl.audit.sink import Sink
from camctl.audit.spool import Spool
from camctl.store.engine import StoreError
from camctl.supervisor import Supervisor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

_log = logging.getLogger(__name__)

PURGE_EVERY_S = 24 * 3600.0


class Trail:
    """A Part, to be started before and closed after all that records: other processes' rows go through it too.

    Raises CamctlError when its folder or key cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        sessions: sessionmaker[Session],
        supervisor: Supervisor,
        *,
        checkpoint_every_s: float,
        retention_days: int | None,
    ) -> None:
        self.log = AuditLog(sessions)
        self._folder = folder
        self._supervisor = supervisor
        self._every_s = checkpoint_every_s
        self._retention_days = retention_days
        self._spool = Spool(folder, SERVICE_CHAIN)
        self._sink = Sink(folder, self.log, supervisor)
        self._sealer = Sealer(self.log, signing_key(folder), folder)
        self._sealing: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._seal_problem = ""
        self._purged_at = -PURGE_EVERY_S

    @property
    def problems(self) -> list[str]:
        """What is wrong with the record, in sentences; empty when nothing is."""
        return [problem for problem in (self._spool.problem, self._sink.problem, self._seal_problem) if problem]

    async def start(self) -> None:
        """Begin; a spool that cannot be written is no reason not to: `problems` tells, and nobody steers."""
        try:
            await asyncio.to_thread(lambda: advance_spools(self._folder, self.log.ends()))
        except (StoreError, OSError) as error:
            _log.error("the spool of the audit log cannot be compared with the database: %s", error)
        await self._spool.start()
        self._spool.on_written = self._sink.hurry
        await self._sink.start()
        self._sealing = self._supervisor.spawn(self._seal_now_and_then(), "audit checkpoints")

    async def close(self) -> None:
        """Carry what is left to the database, and sign it."""
        if self._sealing is None:
            return
        # Not cancelled: the thread that signs would go on, and a second one begin beside it.
        self._ending.set()
        await asyncio.wait({self._sealing})
        self._sealing = None
        await self._spool.close()
        await self._sink.close()
        await self._seal()

    def append(self, entry: AuditEntry) -> asyncio.Future[AuditRow]:
        """Record durably (see Recorder)."""
        return self._spool.append(entry)

    def note(self, entry: AuditEntry) -> None:
        """Record soon (see Recorder)."""
        self._spool.note(entry)

    async def _seal_now_and_then(self) -> None:
        while not self._ending.is_set():
            await self._seal()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._ending.wait()

    async def _seal(self) -> None:
        try:
            await asyncio.to_thread(self._work())
        except (BrokenChainError, StoreError, OSError) as error:
            if not self._seal_problem:
                _log.error("the audit log is not signed: %s", error)
            self._seal_problem = str(error)
        else:
            self._seal_problem = ""

    def _work(self) -> Callable[[], object]:
        days, now_s = self._retention_days, time.monotonic()
        if days is None or now_s - self._purged_at < PURGE_EVERY_S:
            return self._sealer.checkpoint
        self._purged_at = now_s
        return lambda: self._sealer.purge(days)
