"""One media worker process as its parent holds it: started, asked, ended; what it says becomes exceptions."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import streams
from streams.errors import StreamError, StreamFault
from streams.wire import Payload, Peer, WireError

log = logging.getLogger(__name__)

_START_S, _STOP_S = 20.0, 6.0
_MAX_LAG_BYTES = 1 << 20
MARGIN_S = 3.0  # what a request may take beyond the camera's time
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class PortInUseError(OSError):
    """A worker's UDP port cannot be had; `port` is the number, `is_taken` whether because another program has it."""

    def __init__(self, host: str, port: int, detail: str, *, is_taken: bool = True) -> None:
        super().__init__(f"UDP port {port} on {host} cannot be had: {detail}. Choose another one for media.")
        self.port = port
        self.detail = detail
        self.is_taken = is_taken


class SessionNotFoundError(LookupError):
    """There is no such session, or none any more."""


class StaleEtagError(Exception):
    """If-Match names an older state of the session (412)."""


class PoolFailedError(RuntimeError):
    """A worker dies again and again; the service cannot go on."""


class WorkerProcess:
    """One worker process and its successors.

    `hidden` are the prefixes of hidden streams, kept by the owner: whatever is in it when a process starts is hidden
    there before anybody can ask it for a picture.
    """

    def __init__(
        self,
        index: int,
        port: int,
        options: Sequence[str],
        on_event: Callable[[Payload], None],
        hidden: Collection[str] = (),
    ) -> None:
        self.index = index
        self.port = port
        self.pid: int | None = None
        self.sessions: dict[str, str] = {}  # session to stream
        self._wanted_port = port
        self._options = options
        self._on_event = on_event
        self._hidden = hidden
        self._peer: Peer | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[int] | None = None
        self.up = asyncio.Event()

    async def start(self) -> None:
        """Start the process and wait until it serves.

        Raises:
            PortInUseError: its port is taken.
            PoolFailedError: it died or did not come up in time.
        """
        ours, theirs = socket.socketpair()
        self._ready = asyncio.get_running_loop().create_future()
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "streams.worker", "--wire-fd", str(theirs.fileno()),
                "--udp-port", str(self._wanted_port), *self._options,
                pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL, env=_environment(),
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.pid = self._process.pid
        self._peer = Peer(ours, on_event=self._take)
        await self._peer.start()
        try:
            self.port = await self._wait_ready(self._peer, self._ready)
        except BaseException:
            await self.stop()
            raise
        self.up.set()
        for prefix in self._hidden:  # no await since: these are the first words it hears
            self.tell("hide", {"prefix": prefix, "hidden": True})

    async def _wait_ready(self, peer: Peer, ready: asyncio.Future[int]) -> int:
        gone = asyncio.create_task(peer.closed.wait())
        try:
            await asyncio.wait((ready, gone), timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        if not ready.done():
            raise PoolFailedError(f"media worker {self.index} did not come up")
        return ready.result()

    def _take(self, kind: str, payload: Payload, blob: bytes) -> None:
        ready = self._ready
        if kind == "ready" and ready and not ready.done():
            ready.set_result(int(payload["udp_port"]))
        elif kind == "bind_failed" and ready and not ready.done():
            where, detail = (str(payload["host"]), int(payload["port"])), str(payload["detail"])
            ready.set_exception(PortInUseError(*where, detail, is_taken=payload["errno"] == errno.EADDRINUSE))
        else:
            if kind == "session_state" and payload.get("state") == "closed":
                self.sessions.pop(str(payload.get("session_id")), None)
            self._on_event({"type": kind, **payload} | ({"blob": blob} if blob else {}))

    async def wait_end(self) -> int | None:
        """Wait until the process has ended, and clean up; its exit code."""
        if self._peer:
            await self._peer.closed.wait()
        self.up.clear()
        await self.stop()
        return self._process.returncode if self._process else None

    def report_sessions_closed(self, reason: str) -> None:
        """The process is gone and all its sessions with it."""
        lost, self.sessions = self.sessions, {}
        for session_id, key in lost.items():
            event = {"session_id": session_id, "stream": key, "state": "closed", "reason": reason}
            self._on_event({"type": "session_state", **event})

    async def stop(self) -> None:
        """End the process: first by closing its socket, then by force. Idempotent."""
        self.up.clear()
        if self._peer:
            await self._peer.close()
        process = self._process
        if process is None or process.returncode is not None:
            return
        for end in (None, process.terminate, process.kill):
            if end:
                with contextlib.suppress(ProcessLookupError):
                    end()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
                    return

    def tell(self, kind: str, payload: Payload, *, may_drop: bool = False) -> None:
        """Tell the worker something; lost when it is down. What `may_drop` is lost too when the worker lags behind."""
        peer = self._peer
        if peer is None or not self.up.is_set() or (may_drop and peer.unsent_bytes > _MAX_LAG_BYTES):
            return
        peer.event(kind, payload)

    async def request(self, kind: str, payload: Payload, timeout_s: float) -> tuple[Payload, bytes]:
        """Ask the worker, waiting a moment if it is being restarted.

        Raises:
            StreamError: what the worker said, or OVERLOADED when it does not answer.
            SessionNotFoundError, StaleEtagError: what the worker said.
        """
        try:
            async with asyncio.timeout(MARGIN_S):
                await self.up.wait()
            if self._peer is None:
                raise ConnectionError  # noqa: TRY301
            return await self._peer.request(kind, payload, timeout_s=timeout_s)
        except WireError as error:
            raise _translate(error) from None
        except (ConnectionError, TimeoutError) as error:
            detail = "the media worker does not answer; it is restarted if it has died"
            raise StreamError(StreamFault.OVERLOADED, detail) from error


def _translate(error: WireError) -> Exception:
    """What the worker said, as the exception it was."""
    if error.code == "stale-etag":
        return StaleEtagError(error.detail)
    if error.code == "no-session":
        return SessionNotFoundError(error.detail)
    if error.code in set(StreamFault):
        return StreamError(StreamFault(error.code), error.detail, codec=error.extra.get("codec"))
    return StreamError(StreamFault.OVERLOADED, f"the media worker failed: {error.detail}")


def _environment() -> dict[str, str]:
    """A worker's environment: what Python needs, nothing that may hold a secret."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    root = str(Path(streams.__file__).parents[1])
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}
