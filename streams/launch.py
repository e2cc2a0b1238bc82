"""Starting worker processes; one spare is kept, so that who replaces a dead worker has its imports behind it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import streams
from streams.wire import Peer

log = logging.getLogger(__name__)

_STOP_S = 6.0
SPARE_AFTER_S = 3.0  # a start has more urgent things to do than to prepare for a death
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Launched:
    """A process that waits to be told which worker it is, and the connection to it."""

    process: asyncio.subprocess.Process
    peer: Peer

    async def stop(self) -> None:
        """End it: first by closing its socket, then by force. Idempotent."""
        await self.peer.close()
        if self.process.returncode is not None:
            return
        for end in (None, self.process.terminate, self.process.kill):
            if end:
                with contextlib.suppress(ProcessLookupError):
                    end()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_S):
                    await self.process.wait()
                    return


class Launcher:
    """Starts worker processes that share `options`."""

    def __init__(self, options: Sequence[str]) -> None:
        self._options = options
        self._fds: tuple[int, ...] = ()
        self._spare: Launched | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._is_closed = False

    def inherit(self, fds: Collection[int]) -> None:
        """Give these descriptors to every process from now on."""
        self._fds = tuple(fds)

    async def take(self) -> Launched:
        """The spare process if it lives, else a new one.

        Raises:
            OSError: the system starts no process.
        """
        spare, self._spare = self._spare, None
        if spare is not None:
            if not spare.peer.closed.is_set():
                return spare
            await spare.stop()
        return await self._launch()

    def prepare(self) -> None:
        """Start a spare in the background, in a while, if there is none."""
        if not self._is_closed and self._spare is None and (self._preparing is None or self._preparing.done()):
            self._preparing = asyncio.create_task(self._prepare(), name="spare-media-worker")

    async def close(self) -> None:
        """End the spare; idempotent."""
        self._is_closed = True
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.gather(self._preparing, return_exceptions=True)
        spare, self._spare = self._spare, None
        if spare is not None:
            await spare.stop()

    async def _prepare(self) -> None:
        await asyncio.sleep(SPARE_AFTER_S)
        try:
            self._spare = await self._launch()
        except OSError as error:  # it is a convenience: the next death costs the time of a start
            log.warning("no spare media worker: %s", error)

    async def _launch(self) -> Launched:
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "streams.worker_main", "--wire-fd", str(theirs.fileno()), *self._options,
                pass_fds=(theirs.fileno(), *self._fds), stdin=asyncio.subprocess.DEVNULL, env=_environment(),
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        peer = Peer(ours)
        await peer.start()
        return Launched(process, peer)


def _environment() -> dict[str, str]:
    """A worker's environment: what Python needs, nothing that may hold a secret."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    root = str(Path(streams.__file__).parents[1])
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}
