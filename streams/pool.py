"""The parent's handle on its media workers: one interface whatever the number of processes behind it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import logging
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streams
from streams.errors import StreamError, StreamFault
from streams.rtsp.origin import StreamSource
from streams.webrtc.addresses import local_addresses
from streams.wire import Payload, Peer, WireError

__all__ = [
    "MediaPool",
    "PatchResult",
    "PoolFailedError",
    "PortInUseError",
    "SessionAnswer",
    "SessionNotFoundError",
    "StaleEtagError",
    "StreamSource",
    "local_addresses",
    "place",
]

log = logging.getLogger(__name__)

_START_S, _STOP_S, _REQUEST_S = 20.0, 6.0, 5.0
_MARGIN_S = 3.0  # what a request may take beyond the camera's time
_DEATHS, _DEATHS_WITHIN_S = 5, 60.0
_FIRST_RESTART_S, _RESTART_CAP_S = 0.2, 5.0
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """The answer to a viewer's offer."""

    sdp: str
    etag: str


@dataclass(frozen=True, slots=True)
class PatchResult:
    """The answer to a PATCH: `sdp_fragment` is empty for plain trickle (204), filled after an ICE restart (200)."""

    etag: str
    sdp_fragment: str = ""


class PortInUseError(OSError):
    """A worker's UDP port cannot be had; `port` is the number."""

    def __init__(self, host: str, port: int, detail: str) -> None:
        super().__init__(f"UDP port {port} on {host} cannot be had: {detail}. Choose another one for media.")
        self.port = port


class SessionNotFoundError(LookupError):
    """There is no such session, or none any more."""


class StaleEtagError(Exception):
    """If-Match names an older state of the session (412)."""


class PoolFailedError(RuntimeError):
    """A worker dies again and again; the service cannot go on."""


def place(key: str, workers: int) -> int:
    """The worker of a stream by rendezvous hashing: few streams move when the number of workers changes."""
    return max(range(workers), key=lambda number: hashlib.blake2b(f"{number}/{key}".encode(), digest_size=8).digest())


class _Worker:
    """One worker process and its successors."""

    def __init__(self, index: int, port: int, options: Sequence[str], on_event: Callable[[Payload], None]) -> None:
        self.index = index
        self.port = port
        self.pid: int | None = None
        self.sessions: dict[str, str] = {}  # session to stream
        self._wanted_port = port
        self._options = options
        self._on_event = on_event
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

    async def _wait_ready(self, peer: Peer, ready: asyncio.Future[int]) -> int:
        gone = asyncio.create_task(peer.closed.wait())
        try:
            await asyncio.wait((ready, gone), timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        if not ready.done():
            raise PoolFailedError(f"media worker {self.index} did not come up")
        return ready.result()

    def _take(self, kind: str, payload: Payload, _: bytes) -> None:
        ready = self._ready
        if kind == "ready" and ready and not ready.done():
            ready.set_result(int(payload["udp_port"]))
        elif kind == "bind_failed" and ready and not ready.done():
            host = self._options[self._options.index("--udp-host") + 1]
            ready.set_exception(PortInUseError(host, int(payload["port"]), str(payload["detail"])))
        else:
            if kind == "session_state" and payload.get("state") == "closed":
                self.sessions.pop(str(payload.get("session_id")), None)
            self._on_event({"type": kind, **payload})

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

    async def request(self, kind: str, payload: Payload, timeout_s: float) -> tuple[Payload, bytes]:
        """Ask the worker, waiting a moment if it is being restarted.

        Raises:
            StreamError: what the worker said, or OVERLOADED when it does not answer.
            SessionNotFoundError, StaleEtagError: what the worker said.
        """
        try:
            async with asyncio.timeout(_MARGIN_S):
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


class MediaPool:
    """The media workers: streams are placed on them by hashing, dead ones are restarted.

    Worker i serves viewers on UDP port `udp_port` + i (any port if `udp_port` is 0). `advertise` are the IPs that
    viewers are told; ("auto",) means all of this machine. `on_event` gets dicts with `type`:
    - session_state: session_id, stream, state (connecting, live, closed), reason
    - stream_state: key, state (idle, connecting, live, waiting), fault (a StreamFault value or None), detail, codec?
    - key_wanted: key; viewers cannot decode on, so ask the camera for a key frame; at most once a second per stream

    `failed` gets an exception when a worker cannot be kept alive: end the service then.
    """

    def __init__(
        self,
        workers: int,
        udp_host: str,
        udp_port: int,
        advertise: Sequence[str] = ("auto",),
        *,
        linger_s: float = 10.0,
        ready_s: float = 8.0,
        max_sessions: int = 500,
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        addresses = [address for item in advertise for address in (local_addresses() if item == "auto" else [item])]
        for address in addresses:
            ipaddress.ip_address(address)  # ValueError for names: browsers take literal IPs only
        self._ready_s = ready_s
        self._on_event = on_event
        options = [
            "--udp-host", udp_host, "--advertise", ",".join(dict.fromkeys(addresses)),
            "--linger-s", str(linger_s), "--ready-s", str(ready_s), "--max-sessions", str(max_sessions),
            "--log-level", str(log.getEffectiveLevel()),
        ]  # fmt: skip
        ports = [udp_port + index if udp_port else 0 for index in range(max(1, workers))]
        self._workers = [_Worker(index, port, options, self._tell) for index, port in enumerate(ports)]
        self._sessions: dict[str, _Worker] = {}
        self._supervisors: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[None] | None = None

    @property
    def failed(self) -> asyncio.Future[None]:
        """Gets PoolFailedError when a worker died too often; there from `start` on."""
        if self._failed is None:
            raise RuntimeError("the pool has not been started")
        return self._failed

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    @property
    def ports(self) -> list[int]:
        """The workers' UDP ports."""
        return [worker.port for worker in self._workers]

    async def start(self) -> None:
        """Start all workers.

        Raises:
            PortInUseError: a port is taken.
            PoolFailedError: a worker did not come up.
        """
        self._failed = asyncio.get_running_loop().create_future()
        results = await asyncio.gather(*(worker.start() for worker in self._workers), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            await self.close()
            raise errors[0]
        self._supervisors = [
            asyncio.create_task(self._supervise(worker), name=f"media-worker-{worker.index}")
            for worker in self._workers
        ]

    async def close(self) -> None:
        """Say goodbye to all viewers and end the workers. Idempotent."""
        for task in self._supervisors:
            task.cancel()
        await asyncio.gather(*self._supervisors, return_exceptions=True)
        self._supervisors = []
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        for worker in self._workers:
            worker.report_sessions_closed("the service stops")
        if self._failed and not self._failed.done():
            self._failed.cancel()

    async def open_session(self, session_id: str, source: StreamSource, offer_sdp: str) -> SessionAnswer:
        """Answer a viewer's offer; waits for the camera only when its format is not known yet.

        Raises:
            StreamError: BAD_OFFER, CODEC, OVERLOADED, or why the camera's stream cannot be had.
        """
        worker = self._workers[place(source.key, len(self._workers))]
        worker.sessions[session_id] = source.key
        self._sessions[session_id] = worker
        payload = {"session_id": session_id, "source": asdict(source), "offer": offer_sdp}
        try:
            answer, _ = await worker.request("open_session", payload, self._ready_s + _MARGIN_S)
        except BaseException:
            worker.sessions.pop(session_id, None)
            self._sessions.pop(session_id, None)
            raise
        return SessionAnswer(answer["sdp"], answer["etag"])

    async def patch_session(self, session_id: str, fragment: str, if_match: str | None = None) -> PatchResult:
        """Take a viewer's application/trickle-ice-sdpfrag.

        Raises:
            SessionNotFoundError: there is no such session.
            StaleEtagError: 412.
            StreamError: BAD_OFFER.
        """
        payload = {"session_id": session_id, "fragment": fragment, "if_match": if_match}
        answer, _ = await self._session(session_id).request("patch_session", payload, _REQUEST_S)
        return PatchResult(answer["etag"], answer["fragment"])

    async def close_session(self, session_id: str) -> None:
        """End a viewer's session.

        Raises:
            SessionNotFoundError: there is no such session.
        """
        await self._session(session_id).request("close_session", {"session_id": session_id}, _REQUEST_S)

    async def snapshot(self, source: StreamSource) -> bytes:
        """The stream's newest key picture as JPEG, at most about a GOP old; pulls the stream if nobody does.

        Raises:
            StreamError: why there is none.
        """
        worker = self._workers[place(source.key, len(self._workers))]
        _, jpeg = await worker.request("snapshot", {"source": asdict(source)}, 10.0 + _MARGIN_S)
        return jpeg

    async def close_stream(self, key: str) -> None:
        """End a stream's pull and all its sessions, as when its camera is taken away."""
        await self._workers[place(key, len(self._workers))].request("close_stream", {"key": key}, _REQUEST_S)

    async def stats(self) -> list[dict[str, Any]]:
        """Figures of each worker that answers; see `streams.worker`."""
        asked = (worker.request("stats", {}, _REQUEST_S) for worker in self._workers if worker.up.is_set())
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [answer[0] for answer in answers if isinstance(answer, tuple)]

    def _session(self, session_id: str) -> _Worker:
        worker = self._sessions.get(session_id)
        if worker is None:
            raise SessionNotFoundError("there is no such session")
        return worker

    def _tell(self, event: Payload) -> None:
        if event["type"] == "session_state" and event["state"] == "closed":
            self._sessions.pop(event["session_id"], None)
        if self._on_event:
            self._on_event(event)

    async def _supervise(self, worker: _Worker) -> None:
        """Keep one worker alive."""
        deaths: deque[float] = deque(maxlen=_DEATHS)
        while True:
            code = await worker.wait_end()
            deaths.append(time.monotonic())
            log.error("media worker %d (pid %s) ended with %s; restarting it", worker.index, worker.pid, code)
            worker.report_sessions_closed("the media worker ended")
            if len(deaths) == _DEATHS and deaths[-1] - deaths[0] < _DEATHS_WITHIN_S:
                detail = f"media worker {worker.index} died {_DEATHS} times within {_DEATHS_WITHIN_S:g} s"
                if not self.failed.done():
                    self.failed.set_exception(PoolFailedError(detail))
                return
            await asyncio.sleep(min(_RESTART_CAP_S, _FIRST_RESTART_S * 2.0 ** (len(deaths) - 1)))
            try:
                await worker.start()
            except (OSError, PoolFailedError) as error:
                log.error("media worker %d cannot be restarted: %s", worker.index, error)  # noqa: TRY400
