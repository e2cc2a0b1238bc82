"""One media worker process as its parent holds it: started, asked, ended; what it says becomes exceptions."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from streams.errors import StreamError, StreamFault
from streams.launch import Launched, Launcher
from streams.wire import Handler, Payload, Peer, WireError

log = logging.getLogger(__name__)

_START_S = 20.0
_MAX_LAG_BYTES = 1 << 20
MARGIN_S = 3.0  # what a request may take beyond the camera's time


class PortInUseError(OSError):
    """A worker's port cannot be had: `transport` UDP or TCP, its number, whether because another program has it."""

    def __init__(self, host: str, port: int, detail: str, *, is_taken: bool = True, transport: str = "UDP") -> None:
        super().__init__(f"{transport} port {port} on {host} cannot be had: {detail}. Choose another one for media.")
        self.transport = transport
        self.port = port
        self.detail = detail
        self.is_taken = is_taken


class SessionNotFoundError(LookupError):
    """There is no such session, or none any more."""


class StaleEtagError(Exception):
    """If-Match names an older state of the session (412)."""


class PreconditionError(Exception):
    """An ICE restart came without If-Match (428)."""


class PoolFailedError(RuntimeError):
    """A worker dies again and again; the service cannot go on."""


class WorkerProcess:
    """One worker process and its successors.

    `hidden` are the prefixes of hidden streams, kept by the owner: whatever is in it when a process starts is hidden
    there before anybody can ask it for a picture. `handlers` answer its requests; `greet` is awaited once it is up,
    before `start` returns.
    """

    def __init__(
        self,
        index: int,
        port: int,
        launcher: Launcher,
        on_event: Callable[[Payload], None],
        hidden: Collection[str] = (),
        *,
        handlers: Mapping[str, Handler] | None = None,
        greet: Callable[[WorkerProcess], Awaitable[None]] | None = None,
    ) -> None:
        self.index = index
        self.port = port
        self.pid: int | None = None
        self.sessions: dict[str, str] = {}  # session to stream
        self.plays: set[str] = set()  # sessions of the re-stream
        self.lag_s = 0.0  # how late its event loop runs, as it says every second
        self._wanted_port = port
        self._launcher = launcher
        self._handlers = dict(handlers or {})
        self._greet = greet
        self._on_event = on_event
        self._hidden = hidden
        self._peer: Peer | None = None
        self._launched: Launched | None = None
        self._ready: asyncio.Future[int] | None = None
        self.up = asyncio.Event()

    async def start(self) -> None:
        """Start the process and wait until it serves.

        Raises:
            PortInUseError: its port is taken.
            PoolFailedError: it died or did not come up in time.
        """
        self._ready = asyncio.get_running_loop().create_future()
        self._launched = launched = await self._launcher.take()
        self.pid = launched.process.pid
        self._peer = launched.peer
        self._peer.serve(self._handlers, self._take)
        try:
            self._peer.event("begin", {"udp_port": self._wanted_port})
            self.port = await self._wait_ready(self._peer, self._ready)
            self.up.set()
            for prefix in self._hidden:  # no await since: these are the first words it hears
                self.tell("hide", {"prefix": prefix, "hidden": True})
            if self._greet:
                await self._greet(self)
        except BaseException:
            await self.stop()
            raise

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
            is_taken, transport = payload["errno"] == errno.EADDRINUSE, str(payload["transport"])
            ready.set_exception(PortInUseError(*where, detail, is_taken=is_taken, transport=transport))
        elif kind == "load":
            self.lag_s = float(payload["lag_s"])
        else:
            if kind == "session_state" and payload.get("state") == "closed":
                self.sessions.pop(str(payload.get("session_id")), None)
            elif kind == "play":
                self.plays.add(str(payload["session_id"]))
            elif kind == "play_end":
                self.plays.discard(str(payload["session_id"]))
            self._on_event({"type": kind, **payload} | ({"blob": blob} if blob else {}))

    async def wait_end(self) -> int | None:
        """Wait until the process has ended, and clean up; its exit code."""
        if self._peer:
            await self._peer.closed.wait()
        self.up.clear()
        await self.stop()
        return self._launched.process.returncode if self._launched else None

    def report_sessions_closed(self, reason: str) -> None:
        """The process is gone and all its sessions with it."""
        lost, self.sessions = self.sessions, {}
        for session_id, key in lost.items():
            event = {"session_id": session_id, "stream": key, "state": "closed", "reason": reason}
            self._on_event({"type": "session_state", **event})
        plays, self.plays = self.plays, set()
        for session_id in plays:
            self._on_event({"type": "play_end", "session_id": session_id, "reason": "lost"})

    async def stop(self) -> None:
        """End the process. Idempotent."""
        self.up.clear()
        if self._launched:
            await self._launched.stop()

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
            SessionNotFoundError, StaleEtagError, PreconditionError: what the worker said.
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
    if error.code == "no-precondition":
        return PreconditionError(error.detail)
    if error.code == "no-session":
        return SessionNotFoundError(error.detail)
    if error.code in set(StreamFault):
        return StreamError(StreamFault(error.code), error.detail, codec=error.extra.get("codec"))
    return StreamError(StreamFault.OVERLOADED, f"the media worker failed: {error.detail}")
