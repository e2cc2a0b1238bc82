"""The parent's handle on its media workers: one interface whatever the number of processes behind it."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from streams.datagrams import fits
from streams.errors import StreamError, StreamFault
from streams.process import (
    MARGIN_S,
    PoolFailedError,
    PortInUseError,
    SessionNotFoundError,
    StaleEtagError,
    WorkerProcess,
)
from streams.feed_relay import FeedViewer, FeedRelays
from streams.rtsp.origin import StreamSource
from streams.webrtc.addresses import local_addresses
from streams.wire import Payload

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

_REQUEST_S = 5.0
_SNAPSHOT_S = 10.0  # what a worker waits for a key picture: WorkerSettings.snapshot_s
_DEATHS, _DEATHS_WITHIN_S = 5, 60.0
_FIRST_RESTART_S, _RESTART_CAP_S = 0.2, 5.0


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


def place(key: str, workers: int) -> int:
    """The worker of a stream by rendezvous hashing: few streams move when the number of workers changes."""
    return max(range(workers), key=lambda number: hashlib.blake2b(f"{number}/{key}".encode(), digest_size=8).digest())


class MediaPool:
    """The media workers: streams are placed on them by hashing, dead ones are restarted.

    Worker i serves viewers on UDP port `udp_port` + i (any port if `udp_port` is 0). `advertise` are the IPs that
    viewers are told; ("auto",) means all of this machine. `on_event` gets dicts with `type`:
    - session_state: session_id, stream, state (connecting, live, closed), reason
    - stream_state: key, state (idle, connecting, live, waiting), fault (a StreamFault value or None), detail, codec?
    - key_wanted: key; viewers cannot decode on, so ask the camera for a key frame; at most once a second per stream
    - datagram: session_id, text; what the viewer sent over its data channel "control", at once and as it came (it may
      be anything, up to 4096 bytes of UTF-8); at most 100 a second per session, the rest is dropped

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
        self._hidden: set[str] = set()
        self._workers = [
            WorkerProcess(index, port, options, self._tell, self._hidden) for index, port in enumerate(ports)
        ]
        self._sessions: dict[str, WorkerProcess] = {}
        self._relays = FeedRelays(lambda key, worker: worker.tell("close_feed", {"key": key}))
        self._supervisors: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[None] | None = None

    @property
    def failed(self) -> asyncio.Future[None]:
        """Gets PoolFailedError when a worker died too often; there from `start` on."""
        if self._failed is None:
            raise RuntimeError("the pool has not been started")
        return self._failed

    @property
    def is_ready(self) -> bool:
        """Whether every worker serves; False while one is being restarted."""
        return all(worker.up.is_set() for worker in self._workers)

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
        for task in self._supervisors:
            task.add_done_callback(self._supervisor_ended)

    def _supervisor_ended(self, task: asyncio.Task[None]) -> None:
        """A failure of ours in looking after a worker ends the service too."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def close(self) -> None:
        """Say goodbye to all viewers and end the workers. Idempotent."""
        for task in self._supervisors:
            task.cancel()
        await asyncio.gather(*self._supervisors, return_exceptions=True)
        self._supervisors = []
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        for worker in self._workers:
            worker.report_sessions_closed("the service stops")
            self._relays.end_of(worker, StreamError(StreamFault.CLOSED, "the service stops"))
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
            answer, _ = await worker.request("open_session", payload, self._ready_s + MARGIN_S)
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

    async def snapshot(self, source: StreamSource, *, small: bool = False) -> bytes:
        """The stream's newest key picture as JPEG, at most about a GOP old; pulls the stream if nobody does.

        `small` ones are at most 640 pixels wide and of a lower quality.

        Raises:
            StreamError: why there is none; HIDDEN while the stream is hidden.
        """
        worker = self._workers[place(source.key, len(self._workers))]
        _, jpeg = await worker.request("snapshot", {"source": asdict(source), "small": small}, _SNAPSHOT_S + MARGIN_S)
        return jpeg

    async def open_feed(self, source: StreamSource) -> FeedViewer:
        """Watch the stream as fragmented MP4: an init segment, the newest group of pictures, then what comes.

        One feed per stream is made and shared by all viewers. Who is slow skips to a key picture. The viewer has to be
        closed; afterwards the stream is pulled for the linger time only.

        Raises:
            StreamError: why there is no picture; CODEC when it is not H.264.
        """
        worker = self._workers[place(source.key, len(self._workers))]
        viewer = self._relays.join(source.key, worker)
        facts = {"source": asdict(source), "hidings": self._relays.hidings, "wants_key": viewer.outbox.needs_key}
        try:
            await worker.request("open_feed", facts, self._ready_s + MARGIN_S)
        except BaseException:
            viewer.close()
            raise
        return viewer

    def send_datagram(self, session_id: str, text: str) -> None:
        """Send over the session's data channel "control", if the viewer has opened one; best effort.

        Lost without a word: when there is no such session or channel, when `text` exceeds 4096 bytes of UTF-8, and
        when more than 64 KiB wait for a viewer that takes nothing.
        """
        worker = self._sessions.get(session_id)
        if worker is not None and fits(text):
            worker.tell("datagram", {"session_id": session_id, "text": text}, may_drop=True)

    def hide(self, stream_key_prefix: str, hidden: bool) -> None:
        """Let nothing of the streams whose key begins with the prefix leave the workers, or let it again.

        While hidden, viewers' sessions stay alive but get no packet, old or new; `snapshot` raises StreamError HIDDEN;
        new sessions see nothing either. It holds until it is taken back by the same prefix, also for workers that
        restart. Afterwards viewers go on with the first key frame that began `streams.keys.CAMERA_DELAY_S` after the
        unhiding or later; it is asked for by `key_wanted`. Idempotent; takes effect at once.
        """
        if hidden is (stream_key_prefix in self._hidden):
            return
        (self._hidden.add if hidden else self._hidden.discard)(stream_key_prefix)
        if hidden:
            self._relays.hide(stream_key_prefix)
        for worker in self._workers:
            worker.tell("hide", {"prefix": stream_key_prefix, "hidden": hidden})

    async def close_stream(self, key: str) -> None:
        """End a stream's pull and all its sessions, as when its camera is taken away."""
        await self._workers[place(key, len(self._workers))].request("close_stream", {"key": key}, _REQUEST_S)

    async def stats(self) -> list[dict[str, Any]]:
        """Figures of each worker that answers; see `streams.worker`."""
        asked = (worker.request("stats", {}, _REQUEST_S) for worker in self._workers if worker.up.is_set())
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [answer[0] for answer in answers if isinstance(answer, tuple)]

    def _session(self, session_id: str) -> WorkerProcess:
        worker = self._sessions.get(session_id)
        if worker is None:
            raise SessionNotFoundError("there is no such session")
        return worker

    def _tell(self, event: Payload) -> None:
        if event["type"] in ("feed", "feed_failed"):
            self._relays.take(event, event.get("blob", b""))
            return
        if event["type"] == "session_state" and event["state"] == "closed":
            self._sessions.pop(event["session_id"], None)
        if self._on_event:
            self._on_event(event)

    async def _supervise(self, worker: WorkerProcess) -> None:
        """Keep one worker alive."""
        deaths: deque[float] = deque(maxlen=_DEATHS)
        while True:
            code = await worker.wait_end()
            deaths.append(time.monotonic())
            log.error("media worker %d (pid %s) ended with %s; restarting it", worker.index, worker.pid, code)
            worker.report_sessions_closed("the media worker ended")
            self._relays.end_of(worker, StreamError(StreamFault.CLOSED, "the media worker ended"))
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
