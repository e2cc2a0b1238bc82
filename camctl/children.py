"""Processes of ours that are started again when they die, each at the other end of a socket pair."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import camctl
from camctl.supervisor import Supervisor
from streams.wire import EventHandler, Peer

_log = logging.getLogger(__name__)

RESTART_S, RESTART_MAX_S = 0.2, 10.0
_END_S = 3.0
# What Python and TLS need, nothing that may hold a secret.
_ENVIRONMENT = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip


class Child:
    """Keeps `python -m MODULE --wire-fd N` running; whatever it has to know goes over the socket.

    `on_up` is called with the connection to each new process and tells it all that it has to know; `on_down` when it is
    gone. The process sees end-of-file when we are gone, and ends by itself.
    """

    def __init__(
        self,
        module: str,
        supervisor: Supervisor,
        *,
        on_up: Callable[[Peer], None],
        on_down: Callable[[], None] = lambda: None,
        on_event: EventHandler | None = None,
        own_session: bool = False,
    ) -> None:
        self._module = module
        self._supervisor = supervisor
        self._on_up = on_up
        self._on_down = on_down
        self._on_event = on_event
        self._own_session = own_session  # signals to our process group do not reach it
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.peer: Peer | None = None

    @property
    def is_up(self) -> bool:
        """Whether the connection stands."""
        return self.peer is not None and not self.peer.closed.is_set()

    @property
    def pid(self) -> int | None:
        """The process id; None while it is being started."""
        return self._process.pid if self._process is not None and self.is_up else None

    async def start(self) -> None:
        """Start the process and keep it running; raises OSError when it cannot be started at all."""
        await self._launch()
        self._keeping = self._supervisor.spawn(self._keep(), f"keeping {self._module}")

    async def stop_keeping(self) -> None:
        """From now on the process is not started again when it ends."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping}, timeout=_END_S)  # what it may have failed with, the supervisor knows

    async def close(self, wait_s: float, *, force: bool) -> None:
        """Close the connection, wait for the process's end, and end it by force if it may be. Idempotent."""
        await self.stop_keeping()
        if self.peer is not None:
            await self.peer.close()
        if self._process is not None:
            await _end(self._process, wait_s, force=force)

    def kill(self) -> None:
        """End the process at once; it is started again."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, "--wire-fd", str(theirs.fileno()),
                "--log-level", str(_log.getEffectiveLevel()),
                pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL, env=_environment(),
                start_new_session=self._own_session,
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.peer = Peer(ours, on_event=self._on_event)
        await self.peer.start()
        self._on_up(self.peer)

    async def _keep(self) -> None:
        pause_s = RESTART_S
        while True:
            assert self.peer is not None  # noqa: S101  set by _launch before this task exists
            assert self._process is not None  # noqa: S101  # set by _launch before this task exists
            began = asyncio.get_running_loop().time()
            await self.peer.closed.wait()
            self._on_down()
            await self.peer.close()
            # A process that does not end although its socket did must not run beside its successor.
            await _end(self._process, _END_S, force=True)
            _log.error("%s ended with %s; restarting it", self._module, self._process.returncode)
            lived_s = asyncio.get_running_loop().time() - began
            pause_s = RESTART_S if lived_s > RESTART_MAX_S else pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(RESTART_MAX_S, pause_s * 2)
            try:
                await self._launch()
            except OSError:
                _log.exception("%s cannot be started", self._module)


async def _end(process: asyncio.subprocess.Process, wait_s: float, *, force: bool) -> None:
    for end in (None, process.terminate, process.kill) if force else (None,):
        if end is not None:
            with contextlib.suppress(ProcessLookupError):
                end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await process.wait()
                return


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    root = str(Path(camctl.__file__).parents[1])
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}
