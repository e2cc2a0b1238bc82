"""Keeps media workers alive: a dead one is replaced at once, one that dies again and again ends the service."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

from streams.launch import Launcher
from streams.process import PoolFailedError, WorkerProcess

log = logging.getLogger("streams.pool")

_DEATHS, _DEATHS_WITHIN_S = 5, 60.0
_FIRST_RESTART_S, _RESTART_CAP_S = 0.2, 5.0


class Keeper:
    """Looks after workers that have been started; `on_death` is called when one has died, before it is replaced."""

    def __init__(self, launcher: Launcher, on_death: Callable[[WorkerProcess], None]) -> None:
        self._launcher = launcher
        self._on_death = on_death
        self._tasks: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[None] | None = None

    @property
    def failed(self) -> asyncio.Future[None]:
        """Gets PoolFailedError when a worker died too often; there from `begin` on."""
        if self._failed is None:
            raise RuntimeError("the pool has not been started")
        return self._failed

    def begin(self) -> None:
        """Make `failed`."""
        self._failed = asyncio.get_running_loop().create_future()

    def keep(self, workers: Sequence[WorkerProcess]) -> None:
        """Look after these from now on."""
        self._tasks = [asyncio.create_task(self._keep(one), name=f"media-worker-{one.index}") for one in workers]
        for task in self._tasks:
            task.add_done_callback(self._ended)
        self._launcher.prepare()

    async def stop(self) -> None:
        """Look after them no longer. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def forget(self) -> None:
        """Nobody waits for `failed` any more."""
        if self._failed and not self._failed.done():
            self._failed.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A failure of ours in looking after a worker ends the service too."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def _keep(self, worker: WorkerProcess) -> None:
        deaths: deque[float] = deque(maxlen=_DEATHS)
        while True:
            code = await worker.wait_end()
            deaths.append(time.monotonic())
            log.error("media worker %d (pid %s) ended with %s; restarting it", worker.index, worker.pid, code)
            self._on_death(worker)
            if len(deaths) == _DEATHS and deaths[-1] - deaths[0] < _DEATHS_WITHIN_S:
                detail = f"media worker {worker.index} died {_DEATHS} times within {_DEATHS_WITHIN_S:g} s"
                if not self.failed.done():
                    self.failed.set_exception(PoolFailedError(detail))
                return
            await asyncio.sleep(restart_delay_s(deaths, time.monotonic()))
            try:
                await worker.start()
                self._launcher.prepare()
            except (OSError, PoolFailedError) as error:
                log.error("media worker %d cannot be restarted: %s", worker.index, error)  # noqa: TRY400


def restart_delay_s(deaths: Sequence[float], now_s: float) -> float:
    """Seconds to wait before a worker is replaced: none the first time, so that its viewers are back at once."""
    lately = sum(now_s - died_s < _DEATHS_WITHIN_S for died_s in deaths)
    return min(_RESTART_CAP_S, _FIRST_RESTART_S * 2.0 ** (lately - 1)) if lately > 1 else 0.0
