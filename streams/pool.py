"""The parent's handle on its media workers: one interface whatever the number of processes behind it."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from streams.datagrams import fits
from streams.errors import StreamError, StreamFault
from streams.exchange import Exchange, RestreamPortError, RestreamSettings
from streams.feed_relay import FeedRelays, FeedViewer
from streams.keeper import Keeper
from streams.launch import Launcher
from streams.placement import Placement, place
from streams.process import (
    MARGIN_S,
    PoolFailedError,
    PortInUseError,
    PreconditionError,
    SessionNotFoundError,
    StaleEtagError,
    WorkerProcess,
)
from streams.quality import Demand, Quality
from streams.restream import RestreamAccount, RestreamLimits
from streams.rtsp.origin import StreamSource
from streams.webrtc.addresses import local_addresses
from streams.wire import Payload, WireError

__all__ = [
    "MediaPool",
    "PatchResult",
    "Placing",
    "PoolFailedError",
    "PortInUseError",
    "PreconditionError",
    "RestreamAccount",
    "RestreamLimits",
    "RestreamPortError",
    "RestreamSettings",
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


@dataclass(frozen=True, slots=True)
class Placing:
    """A worker's number and how late its event loop runs, in seconds (the mean of the last one)."""

    worker: int
    lag_s: float


class MediaPool:
    """The media workers: each camera is pulled by one of them, chosen by hashing; dead ones are replaced.

    Once that one has `spread_after` viewers, others take further viewers of the stream and get it from there.
    `restream` asks for a public RTSP server; `find_source` names the source of a stream that only its clients want.

    Worker i serves viewers on UDP port `udp_port` + i (any port if `udp_port` is 0), with `tcp` on the same TCP port
    too. `advertise` are the IPs that viewers are told; ("auto",) means all of this machine that a socket bound to
    `udp_host` serves; "::" serves IPv4 and IPv6. `on_event` gets dicts with `type`:
    - session_state: session_id, stream, state (connecting, live, closed), reason
    - session_quality: session_id, quality (main, sub), why (streams.quality.Why); what the viewer is shown from now on
    - stream_state: key, state (idle, connecting, live, waiting), fault (a StreamFault value or None), detail,
      b_frames (pictures that jerk in browsers were noticed), codec?
    - key_wanted: key; viewers cannot decode on, so ask the camera for a key frame; at most once a second per stream
    - datagram: session_id, text; what the viewer sent over its data channel "control", at once and as it came (it may
      be anything, up to 4096 bytes of UTF-8); at most 100 a second per session, the rest is dropped

    - play: session_id, key, account; a client of the re-stream begins to get that stream
    - play_end: session_id, reason (closed, revoked, lost)

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
        tcp: bool = False,
        spread_after: int = 250,
        restream: RestreamSettings | None = None,
        find_source: Callable[[str], Awaitable[StreamSource]] | None = None,
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        addresses = [
            address for item in advertise for address in (local_addresses(udp_host) if item == "auto" else [item])
        ]
        for address in addresses:
            ipaddress.ip_address(address)  # ValueError for names: browsers take literal IPs only
        self._ready_s = ready_s
        self._on_event = on_event
        options = [
            "--udp-host", udp_host, "--advertise", ",".join(dict.fromkeys(addresses)),
            "--linger-s", str(linger_s), "--ready-s", str(ready_s), "--max-sessions", str(max_sessions),
            "--log-level", str(log.getEffectiveLevel()), *(["--tcp"] if tcp else []),
        ]  # fmt: skip
        ports = [udp_port + index if udp_port else 0 for index in range(max(1, workers))]
        self._hidden: set[str] = set()
        self._launcher = Launcher(options)
        self._exchange = Exchange(len(ports), restream)
        self._placement = Placement(len(ports), spread_after)
        self._find_source = find_source
        self._workers = [self._make_worker(index, port) for index, port in enumerate(ports)]
        self._sessions: dict[str, tuple[WorkerProcess, str]] = {}  # with the stream by which `_placement` counts it
        self._relays = FeedRelays(lambda key, worker: worker.tell("close_feed", {"key": key}))
        self._keeper = Keeper(self._launcher, functools.partial(self._lost, why="the media worker ended"))

    def _make_worker(self, index: int, port: int) -> WorkerProcess:
        return WorkerProcess(
            index,
            port,
            self._launcher,
            functools.partial(self._heard, index),
            self._hidden,
            handlers={"find_stream": functools.partial(self._find_stream, index)},
            greet=self._exchange.greet,
        )

    @property
    def failed(self) -> asyncio.Future[None]:
        """Gets PoolFailedError when a worker died too often; there from `start` on."""
        return self._keeper.failed

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

    @property
    def restream_port(self) -> int | None:
        """The TCP port of the re-stream, if it is served."""
        return self._exchange.restream_port

    async def start(self) -> None:
        """Start all workers.

        Raises:
            PortInUseError, RestreamPortError: a port is taken.
            PoolFailedError: a worker did not come up.
        """
        self._keeper.begin()
        self._launcher.inherit(self._exchange.open())
        results = await asyncio.gather(*(worker.start() for worker in self._workers), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            await self.close()
            raise errors[0]
        self._keeper.keep(self._workers)

    async def close(self) -> None:
        """Say goodbye to all viewers and end the workers. Idempotent."""
        await self._keeper.stop()
        await asyncio.gather(self._launcher.close(), *(worker.stop() for worker in self._workers))
        self._exchange.close()
        for worker in self._workers:
            self._lost(worker, why="the service stops")
        self._keeper.forget()

    def _lost(self, worker: WorkerProcess, *, why: str) -> None:
        worker.report_sessions_closed(why)
        self._relays.end_of(worker, StreamError(StreamFault.CLOSED, why))

    async def open_session(
        self,
        session_id: str,
        source: StreamSource,
        offer_sdp: str,
        *,
        sub: StreamSource | None = None,
        demand: Demand | None = None,
    ) -> SessionAnswer:
        """Answer a viewer's offer; waits for the camera only when its format is not known yet.

        `source` is the camera's main stream, `sub` its smaller one: the viewer is moved between them as its link and
        `demand` want.

        Raises:
            StreamError: BAD_OFFER, CODEC, OVERLOADED, or why the camera's stream cannot be had.
        """
        up = [worker.index for worker in self._workers if worker.up.is_set()]
        worker = self._workers[self._placement.choose(source.key, up)]
        worker.sessions[session_id] = source.key
        self._sessions[session_id] = (worker, source.key)
        self._placement.joined(source.key, worker.index)
        try:
            sources = await self._routed(worker, {Quality.MAIN: source} | ({Quality.SUB: sub} if sub else {}))
            wanted = asdict(demand or Demand())
            payload = {"session_id": session_id, "sources": sources, "offer": offer_sdp, "demand": wanted}
            answer, _ = await worker.request("open_session", payload, self._ready_s + MARGIN_S)
        except BaseException:
            worker.sessions.pop(session_id, None)
            self._forget_session(session_id)
            raise
        return SessionAnswer(answer["sdp"], answer["etag"])

    async def patch_session(self, session_id: str, fragment: str, if_match: str | None = None) -> PatchResult:
        """Take a viewer's application/trickle-ice-sdpfrag.

        Raises:
            SessionNotFoundError: there is no such session.
            StaleEtagError: 412.
            PreconditionError: 428.
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

    async def ask_quality(self, session_id: str, demand: Demand) -> None:
        """Let a running session have what `demand` says from now on.

        Raises:
            SessionNotFoundError: there is no such session.
        """
        payload = {"session_id": session_id, "demand": asdict(demand)}
        await self._session(session_id).request("ask_quality", payload, _REQUEST_S)

    async def snapshot(self, source: StreamSource, *, small: bool = False) -> bytes:
        """The stream's newest key picture as JPEG, at most about a GOP old; pulls the stream if nobody does.

        `small` ones are at most 640 pixels wide and of a lower quality.

        Raises:
            StreamError: why there is none; HIDDEN while the stream is hidden.
        """
        payload = {"source": asdict(source), "small": small}
        _, jpeg = await self._owner(source.key).request("snapshot", payload, _SNAPSHOT_S + MARGIN_S)
        return jpeg

    async def open_feed(self, source: StreamSource) -> FeedViewer:
        """Watch the stream as fragmented MP4: an init segment, the newest group of pictures, then what comes.

        One feed per stream is made and shared by all viewers. Who is slow skips to a key picture. The viewer has to be
        closed; afterwards the stream is pulled for the linger time only.

        Raises:
            StreamError: why there is no picture; CODEC when it is not H.264.
        """
        return await self._relays.open(self._owner(source.key), source, self._ready_s + MARGIN_S)

    def send_datagram(self, session_id: str, text: str) -> None:
        """Send over the session's data channel "control", if the viewer has opened one; best effort.

        Lost without a word: when there is no such session or channel, when `text` exceeds 4096 bytes of UTF-8, and
        when more than 64 KiB wait for a viewer that takes nothing.
        """
        session = self._sessions.get(session_id)
        if session is not None and fits(text):
            session[0].tell("datagram", {"session_id": session_id, "text": text}, may_drop=True)

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

    def placing(self, stream_key: str) -> Placing:
        """The worker that would serve the stream's next viewer."""
        up = [worker.index for worker in self._workers if worker.up.is_set()]
        worker = self._workers[self._placement.choose(stream_key, up)]
        return Placing(worker.index, worker.lag_s)

    async def close_stream(self, key: str) -> None:
        """End a stream's pull and all its sessions, as when its camera is taken away."""
        self._exchange.recall(key)
        owner = self._owner(key)
        told = [worker for worker in self._workers if worker is owner or worker.up.is_set()]
        asked = (worker.request("close_stream", {"key": key}, _REQUEST_S) for worker in told)
        results = await asyncio.gather(*asked, return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            raise errors[0]

    def set_restream_accounts(self, accounts: Mapping[str, RestreamAccount]) -> None:
        """Let exactly these accounts, by name, play the re-stream; what one may no longer play ends at once."""
        self._exchange.set_accounts(accounts, self._workers)

    async def stats(self) -> list[dict[str, Any]]:
        """Figures of each worker that answers, with its number as `worker`; see `streams.figures`."""
        running = [worker for worker in self._workers if worker.up.is_set()]
        asked = (worker.request("stats", {}, _REQUEST_S) for worker in running)
        answers = zip(running, await asyncio.gather(*asked, return_exceptions=True), strict=True)
        return [{**answer[0], "worker": worker.index} for worker, answer in answers if isinstance(answer, tuple)]

    def _session(self, session_id: str) -> WorkerProcess:
        session = self._sessions.get(session_id)
        if session is None:
            raise SessionNotFoundError("there is no such session")
        return session[0]

    async def _routed(self, worker: WorkerProcess, sources: Mapping[Quality, StreamSource]) -> Payload:
        """The sources as `worker` has to pull them: from the camera, or from the worker that does."""
        routes = [self._exchange.route(worker, self._owner(source.key), source) for source in sources.values()]
        return {
            quality.value: asdict(routed)
            for quality, routed in zip(sources, await asyncio.gather(*routes), strict=True)
        }

    def _owner(self, key: str) -> WorkerProcess:
        return self._workers[self._placement.owner(key)]

    async def _find_stream(self, index: int, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        """A worker asks where a stream is that a client of the re-stream wants."""
        key = str(payload["key"])
        if self._find_source is None:
            raise WireError("not-found", "there is no such stream")
        try:
            source = await self._find_source(key)
            routed = await self._exchange.route(self._workers[index], self._owner(key), source)
        except StreamError as error:
            raise WireError(error.fault.value, error.detail) from error
        return {"source": asdict(routed)}, b""

    def _heard(self, index: int, event: Payload) -> None:
        """An event of a worker. Of a stream that it does not own, the owner speaks to the camera and about it."""
        kind, key = event["type"], str(event.get("key", ""))
        if kind in ("key_wanted", "stream_state") and self._placement.owner(key) != index:
            if kind == "key_wanted":
                self._owner(key).tell("want_key", {"key": key})
            return
        self._tell(event)

    def _tell(self, event: Payload) -> None:
        if event["type"] in ("feed", "feed_failed"):
            self._relays.take(event, event.get("blob", b""))
            return
        if event["type"] == "session_state" and event["state"] == "closed":
            self._forget_session(event["session_id"])
        if self._on_event:
            self._on_event(event)

    def _forget_session(self, session_id: str) -> None:
        session = self._sessions.pop(session_id, None)
        if session is not None:
            worker, key = session
            self._placement.left(key, worker.index)
