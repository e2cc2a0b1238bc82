"""A media worker: hubs and viewers' sessions, driven by its parent's requests; `streams.worker_main` is its process."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streams.errors import StreamError, StreamFault
from streams.feeds import Feeds, Tell
from streams.figures import load_figures, stream_figures, worker_figures
from streams.hub import Client, Hub, HubEvent, hidden_error
from streams.load import Load
from streams.relay import ANSWER_S, Relay, relay_policy
from streams.restream import Restream, RestreamAccount, RestreamLimits
from streams.rtp.fanout import Fanout
from streams.rtsp.client import RtspClient
from streams.rtsp.origin import StreamSource, Transport
from streams.snapshot import FULL, SMALL, SnapshotCache
from streams.tally import Joins, StreamTally
from streams.viewers import Place, Viewers, guarded
from streams.webrtc.adapter import InPlaceSealer, PacketSealer
from streams.webrtc.mux import UdpMux
from streams.wire import Handler, Payload

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told at start. Times in seconds. `tcp`: serve viewers over TCP too, on the same port."""

    udp_host: str
    advertise: tuple[str, ...]
    linger_s: float = 10.0
    ready_s: float = 8.0
    snapshot_s: float = 10.0
    max_sessions: int = 500
    tcp: bool = False


class MediaWorker:
    """The hubs and sessions of one process and the requests that drive them.

    `tell(kind, payload)` carries events to the parent: session_state, session_quality, stream_state, key_wanted,
    datagram, load, and those of `Feeds`. Datagrams are dropped while `lags` says that the parent takes nothing;
    `unsent`: bytes that it has not taken. `find` asks where a stream is pulled from.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        mux: UdpMux,
        port: int,
        sealer: PacketSealer,
        tell: Tell,
        lags: Callable[[], bool] = lambda: False,
        connect: Callable[[StreamSource], Client] | None = None,
        unsent: Callable[[], int] = lambda: 0,
        find: Callable[[str], Awaitable[StreamSource]] | None = None,
    ) -> None:
        self._find = find
        self._unsent = unsent
        self._joins = Joins()
        self._load = Load(lambda: mux.sender.packets, lambda lag_s: tell("load", {"lag_s": lag_s}))
        self._settings = settings
        self._mux = mux
        self._port = port
        self._sealer = sealer
        self._tell = tell
        self._connect = connect or _rtsp_client
        self._snapshots = SnapshotCache()
        self._hubs: dict[str, Hub] = {}
        self._hidden: set[str] = set()
        place = Place(settings.advertise, port, settings.tcp, settings.max_sessions, settings.ready_s)
        self._viewers = Viewers(place, mux, self._hub, tell, lags)
        self._feeds = Feeds(tell, lags)
        self._relay = Relay(self._hub, settings.ready_s)
        self._restream = Restream(self._find_hub, settings.ready_s, tell)

    def start(self) -> None:
        """Begin to look after sessions."""
        self._load.start()
        self._viewers.start()

    @property
    def handlers(self) -> dict[str, Handler]:
        """The requests, by kind."""
        return {
            **self._viewers.handlers,
            "close_stream": guarded(self._close_stream),
            "lend": guarded(self._lend),
            "open_feed": guarded(self._open_feed),
            "serve": guarded(self._serve),
            "snapshot": guarded(self._snapshot),
            "stats": guarded(self._stats),
        }

    def take(self, kind: str, payload: Payload, _: bytes = b"") -> None:
        """An event of the parent's: hide (prefix, hidden), datagram (session_id, text), and see `_take_word`."""
        if kind == "hide":
            self._hide(str(payload["prefix"]), hidden=bool(payload["hidden"]))
        elif kind == "datagram":
            self._viewers.send_text(str(payload["session_id"]), str(payload["text"]))
        else:
            self._take_word(kind, payload)

    def _take_word(self, kind: str, payload: Payload) -> None:
        """close_feed or want_key (key), restream_allow (name, hashes, keys), or restream_forget (name)."""
        if kind == "close_feed":
            self._feeds.close(str(payload["key"]))
        elif kind == "want_key":
            hub = self._hubs.get(str(payload["key"]))
            if hub:
                hub.want_key_frame()
        elif kind == "restream_allow":
            name, hashes, keys = str(payload["name"]), dict(payload["hashes"]), frozenset(payload["keys"])
            self._restream.allow(RestreamAccount(name, hashes, keys))
        elif kind == "restream_forget":
            self._restream.forget(str(payload["name"]))

    def _hide(self, prefix: str, *, hidden: bool) -> None:
        (self._hidden.add if hidden else self._hidden.discard)(prefix)
        self._feeds.hidings += hidden
        for key, hub in self._hubs.items():
            if key.startswith(prefix):
                self._snapshots.forget(key)
                self._draw_curtain(hub)

    def _draw_curtain(self, hub: Hub) -> None:
        if any(map(hub.source.key.startswith, self._hidden)):
            hub.hide()
        else:
            hub.show()

    async def close(self) -> None:
        """Say goodbye to every viewer and stop every pull."""
        self._load.stop()
        self._feeds.close_all()
        await asyncio.gather(self._restream.close(), self._relay.close())
        await self._viewers.close()
        await asyncio.gather(*(hub.close() for hub in self._hubs.values()))

    async def _close_stream(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        key = str(payload["key"])
        hub = self._hubs.pop(key, None)
        self._relay.recall(key)
        self._restream.recall(key)
        if hub:
            self._feeds.end(key, "the stream was closed")
            await self._viewers.close_stream(key)
            await hub.close()
        return {}, b""

    async def _open_feed(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        await self._feeds.open(self._hub(StreamSource(**payload["source"])), payload, self._settings.ready_s)
        return {}, b""

    async def _lend(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        self._relay.lend(StreamSource(**payload["source"]))
        return {}, b""

    async def _serve(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        """Begin to serve other workers, and integrators if this is the worker that does."""
        relay, restream = payload["relay"], payload["restream"]
        await self._relay.start(socket.socket(fileno=int(relay["fd"])), str(relay["secret"]))
        if restream:
            limits = RestreamLimits(**restream["limits"])
            await self._restream.start(socket.socket(fileno=int(restream["fd"])), str(restream["realm"]), limits)
        return {}, b""

    async def _find_hub(self, key: str) -> Hub:
        """The hub of a stream that nobody has named the source of: the parent knows it."""
        if self._find is None:
            raise StreamError(StreamFault.NOT_FOUND, "nobody here knows where this stream is")
        return self._hub(await self._find(key))

    async def _snapshot(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        hub = self._hub(StreamSource(**payload["source"]))
        hold, hidings = hub.hold(), hub.curtain.hidings
        try:
            find = functools.partial(hub.next_key_unit, self._settings.snapshot_s)
            size = SMALL if payload.get("small") else FULL
            jpeg = await self._snapshots.get(hub.source.key, find, size)
            if hub.curtain.is_hidden or hub.curtain.hidings != hidings:
                raise hidden_error()  # while it was being made
            return {}, jpeg
        finally:
            hold.release()

    async def _stats(self, _: Payload, __: bytes) -> tuple[Payload, bytes]:
        figures = worker_figures(self._mux, self._viewers.sessions, self._viewers.texts)
        figures |= load_figures(self._load.figures, self._joins, self._unsent())
        in_place = isinstance(self._sealer, InPlaceSealer)
        streams = [stream_figures(hub, self._viewers.losses(hub)) for hub in self._hubs.values()]
        resent = sum(hub.tally.sent().resent for hub in self._hubs.values())
        figures |= {"udp_port": self._port, "srtp_in_place": in_place, "packets_resent": resent}
        return figures | self._feeds.figures() | {
            "restream_sessions": self._restream.session_count,
            "streams": streams,
        }, b""

    def _hub(self, source: StreamSource) -> Hub:
        hub = self._hubs.get(source.key)
        if hub is None:
            fanout = Fanout(self._sealer, self._mux.sender, asyncio.get_running_loop())
            hub = Hub(
                source,
                self._connect,
                fanout,
                linger_s=self._settings.linger_s,
                on_event=self._stream_changed,
                policy=relay_policy() if source.is_relay else None,
                tally=StreamTally(self._joins),
            )
            self._draw_curtain(hub)
            self._hubs[source.key] = hub
        hub.change_source(source)
        return hub

    def _stream_changed(self, event: HubEvent) -> None:
        if event.wants_key:
            self._tell("key_wanted", {"key": event.key})
            return
        if event.new_codec:
            self._viewers.close_soon(event.key, "the camera changed its codec")
            return
        error = event.error
        payload = {
            "key": event.key,
            "state": event.state.value,
            "fault": error.fault.value if error else None,
            "b_frames": event.has_b_frames,
        }
        self._tell("stream_state", payload | _error_facts(error))


def _rtsp_client(source: StreamSource) -> Client:
    return RtspClient(
        source.url,
        source.address,
        source.username,
        source.password,
        transport=Transport(source.transport),
        tls_fingerprint=source.tls_fingerprint,
        wants_audio=source.audio,
        name=source.key,
        answer_timeout_s=ANSWER_S if source.is_relay else 5,
    )


def _error_facts(error: StreamError | None) -> Payload:
    if error is None:
        return {"detail": ""}
    return {"detail": error.detail, "codec": error.codec} if error.codec else {"detail": error.detail}
