"""The life cycle of long-running parts: started in order, stopped in reverse, and no task dies silently."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol

_log = logging.getLogger(__name__)


class Part(Protocol):
    """Something that runs for long: `start` returns when it works, `close` when nothing of it is left."""

    async def start(self) -> None:
        """Begin; raises when it cannot work."""

    async def close(self) -> None:
        """End; idempotent."""


class Supervisor:
    """Owns background tasks; the first failure makes `wait` raise it, so that the process ends with a reason."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `coroutine` as a task whose failure ends the service."""
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def watch(self, future: asyncio.Future[Any]) -> None:
        """Treat the failure of `future` as ours."""
        future.add_done_callback(self._on_done)

    def fail(self, error: BaseException) -> None:
        """End the service with `error`; the first one counts."""
        if not self._failed.done():
            self._failed.set_exception(error)

    def _on_done(self, future: asyncio.Future[Any]) -> None:
        if isinstance(future, asyncio.Task):
            self._tasks.discard(future)
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            _log.error("%s failed: %s", getattr(future, "get_name", lambda: "a part")(), error, exc_info=error)
            self.fail(error)

    async def wait(self, until: asyncio.Event) -> None:
        """Return when `until` is set; raise what a part failed with."""
        waiting: asyncio.Future[Any] = asyncio.ensure_future(until.wait())
        try:
            await asyncio.wait({waiting, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
        finally:
            waiting.cancel()

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        if self._failed.done():
            self._failed.exception()  # seen
        else:
            self._failed.cancel()


@contextlib.asynccontextmanager
async def running(*parts: Part) -> AsyncIterator[None]:
    """Start the parts in order; on the way out close those that were started, in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        for part in parts:
            stack.push_async_callback(part.close)
            await part.start()
        yield


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` on Ctrl-C and SIGTERM instead of dying half-way."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def reload_on_hangup(reload: Callable[[], None], stop: Callable[[], None]) -> None:
    """Call `reload` on SIGHUP; `stop` where it says that the terminal which this process was started from is gone."""
    ends_with_terminal = _has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN  # not under nohup

    def on_hangup() -> None:
        (stop if ends_with_terminal and not _has_terminal() else reload)()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, on_hangup)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
