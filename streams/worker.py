"""A media worker: hubs and viewers' sessions in a process of its own, driven over a socket by its parent.

`python -m streams.worker --wire-fd N --udp-host H --udp-port P --advertise IP,IP` is started by `streams.process`. It
ends when the socket does. Credentials come over the socket only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams import lifeline
from streams.errors import StreamError, StreamFault
from streams.feeds import Feeds, Tell
from streams.figures import stream_figures, worker_figures
from streams.hub import Client, Hold, Hub, HubEvent, hidden_error
from streams.rtp.fanout import Fanout
from streams.rtsp.client import RtspClient
from streams.rtsp.origin import StreamSource
from streams.snapshot import FULL, SMALL, SnapshotCache
from streams.webrtc.adapter import InPlaceSealer, PacketSealer, check_contract, fingerprint
from streams.webrtc.certificate import CertificateKeeper
from streams.webrtc.data import DataCounters
from streams.webrtc.mux import UdpMux
from streams.webrtc.sdp import AnswerFacts, ViewerOffer, build_answer, candidate_lines, choose_payload, parse_offer
from streams.webrtc.session import Hearing, SessionState, ViewerSession
from streams.webrtc.whep import Patch, build_fragment, parse_fragment
from streams.wire import Handler, Payload, Peer, WireError

log = logging.getLogger("streams.worker")  # not __name__: it is "__main__" here

_LOG_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
_TICK_S = 0.5
_CLOSE_S = 3.0
_MAX_LAG_BYTES = 1 << 20
EXIT_BIND_FAILED = 3


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told at start. Times in seconds."""

    udp_host: str
    udp_port: int
    advertise: tuple[str, ...]
    linger_s: float = 10.0
    ready_s: float = 8.0
    snapshot_s: float = 10.0
    max_sessions: int = 500


@dataclass(slots=True)
class _Viewing:
    session: ViewerSession
    hub: Hub
    hold: Hold


class MediaWorker:
    """The hubs and sessions of one process and the requests that drive them.

    `tell(kind, payload)` carries events to the parent: session_state, stream_state, key_wanted, datagram, and those of
    `Feeds`. Datagrams are dropped while `lags` says that the parent takes nothing.
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
    ) -> None:
        self._settings = settings
        self._mux = mux
        self._port = port
        self._sealer = sealer
        self._tell = tell
        self._lags = lags
        self._connect = connect or _rtsp_client
        self._certificates = CertificateKeeper()
        self._snapshots = SnapshotCache()
        self._hubs: dict[str, Hub] = {}
        self._viewings: dict[str, _Viewing] = {}
        self._opening: set[str] = set()
        self._hidden: set[str] = set()
        self._feeds = Feeds(tell, lags)
        self._hearing = Hearing(self._heard, DataCounters())
        self._ticking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look after sessions."""
        self._ticking = asyncio.create_task(self._tick(), name="sessions")

    @property
    def handlers(self) -> dict[str, Handler]:
        """The requests, by kind."""
        return {
            "open_session": _guarded(self._open_session),
            "patch_session": _guarded(self._patch_session),
            "close_session": _guarded(self._close_session),
            "close_stream": _guarded(self._close_stream),
            "snapshot": _guarded(self._snapshot),
            "open_feed": _guarded(self._open_feed),
            "stats": _guarded(self._stats),
        }

    def take(self, kind: str, payload: Payload, _: bytes = b"") -> None:
        """An event of the parent's: hide (prefix, hidden), close_feed (key), or datagram (session_id, text)."""
        if kind == "hide":
            self._hide(str(payload["prefix"]), hidden=bool(payload["hidden"]))
        elif kind == "close_feed":
            self._feeds.close(str(payload["key"]))
        elif kind == "datagram":
            viewing = self._viewings.get(str(payload["session_id"]))
            if viewing:
                viewing.session.send_text(str(payload["text"]))

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

    def _heard(self, session: ViewerSession, text: str) -> None:
        if self._lags():
            self._hearing.counters.dropped += 1
        else:
            self._tell("datagram", {"session_id": session.session_id, "text": text})

    async def close(self) -> None:
        """Say goodbye to every viewer and stop every pull."""
        if self._ticking:
            self._ticking.cancel()
        self._feeds.close_all()
        await asyncio.gather(*(item.session.close("the service stops") for item in tuple(self._viewings.values())))
        await asyncio.gather(*(hub.close() for hub in self._hubs.values()))

    async def _open_session(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        session_id, offer = str(payload["session_id"]), parse_offer(str(payload["offer"]))
        if session_id in self._viewings or session_id in self._opening:
            raise WireError("internal", "there is a session of this name already")
        if len(self._viewings) + len(self._opening) >= self._settings.max_sessions:
            raise StreamError(StreamFault.OVERLOADED, "this worker has as many viewers as it may")
        hub = self._hub(StreamSource(**payload["source"]))
        hold = hub.hold()
        self._opening.add(session_id)
        try:
            video = await hub.ready(self._settings.ready_s)
            session = self._make_session(session_id, offer, hub, video.profile_level_id)
        except BaseException:
            hold.release()
            raise
        finally:
            self._opening.discard(session_id)
        self._viewings[session_id] = _Viewing(session, hub, hold)
        return {"sdp": self._answer(session), "etag": session.etag}, b""

    def _make_session(self, session_id: str, offer: ViewerOffer, hub: Hub, profile: str | None) -> ViewerSession:
        choice = choose_payload(offer, profile)
        certificate = self._certificates.current(time.monotonic())
        return ViewerSession(
            session_id, offer, choice, hub, self._mux, certificate, self._session_changed, self._hearing
        )

    def _answer(self, session: ViewerSession) -> str:
        facts = AnswerFacts(
            addresses=self._settings.advertise,
            port=self._port,
            ice=session.credentials,
            fingerprint=fingerprint(session.certificate),
            ssrc=session.ssrc,
            cname=session.cname,
        )
        return build_answer(session.offer, session.choice, facts)

    async def _patch_session(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        session = self._viewing(payload).session
        verdict = session.patch(parse_fragment(str(payload["fragment"])), payload.get("if_match"))
        if verdict is Patch.STALE:
            raise WireError("stale-etag", "the session has changed since")
        text = ""
        if verdict is Patch.RESTART:
            candidates = candidate_lines(self._settings.advertise, self._port)
            section = session.offer.transport
            text = build_fragment(session.credentials, candidates, section.mid, section.kind)
        return {"etag": session.etag, "fragment": text}, b""

    async def _close_session(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        await self._viewing(payload).session.close("closed by the viewer")
        return {}, b""

    async def _close_stream(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        hub = self._hubs.pop(str(payload["key"]), None)
        if hub:
            self._feeds.end(hub.source.key, "the stream was closed")
            sessions = [item.session for item in self._viewings.values() if item.hub is hub]
            await asyncio.gather(*(session.close("the stream was closed") for session in sessions))
            await hub.close()
        return {}, b""

    async def _open_feed(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        await self._feeds.open(self._hub(StreamSource(**payload["source"])), payload, self._settings.ready_s)
        return {}, b""

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
        sessions = [item.session for item in self._viewings.values()]
        figures = worker_figures(self._mux, sessions, self._hearing.counters)
        in_place = isinstance(self._sealer, InPlaceSealer)
        streams = [stream_figures(hub) for hub in self._hubs.values()]
        return {
            **figures,
            **self._feeds.figures(),
            "udp_port": self._port,
            "srtp_in_place": in_place,
            "streams": streams,
        }, b""

    def _hub(self, source: StreamSource) -> Hub:
        hub = self._hubs.get(source.key)
        if hub is None:
            fanout = Fanout(self._sealer, self._mux.sender, asyncio.get_running_loop())
            hub = Hub(source, self._connect, fanout, linger_s=self._settings.linger_s, on_event=self._stream_changed)
            self._draw_curtain(hub)
            self._hubs[source.key] = hub
        hub.change_source(source)
        return hub

    def _viewing(self, payload: Payload) -> _Viewing:
        viewing = self._viewings.get(str(payload["session_id"]))
        if viewing is None:
            raise WireError("no-session", "there is no such session")
        return viewing

    def _session_changed(self, session: ViewerSession, state: SessionState, reason: str) -> None:
        viewing = self._viewings.get(session.session_id)
        if state is SessionState.CLOSED and viewing:
            del self._viewings[session.session_id]
            viewing.hold.release()
        key = viewing.hub.source.key if viewing else ""
        payload = {"session_id": session.session_id, "stream": key, "state": state.value, "reason": reason}
        self._tell("session_state", payload)

    def _stream_changed(self, event: HubEvent) -> None:
        if event.wants_key:
            self._tell("key_wanted", {"key": event.key})
            return
        error = event.error
        payload = {"key": event.key, "state": event.state.value, "fault": error.fault.value if error else None}
        self._tell("stream_state", payload | _error_facts(error))

    async def _tick(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_TICK_S)
            for viewing in tuple(self._viewings.values()):
                try:
                    viewing.session.tick(now())
                except Exception:
                    log.exception("looking after viewer %s failed", viewing.session.session_id[:8])
                    viewing.session.close_soon("an error of ours")


def _rtsp_client(source: StreamSource) -> Client:
    return RtspClient(source.url, source.address, source.username, source.password)


def _error_facts(error: StreamError | None) -> Payload:
    if error is None:
        return {"detail": ""}
    return {"detail": error.detail, "codec": error.codec} if error.codec else {"detail": error.detail}


def _guarded(handler: Handler) -> Handler:
    """Let errors of streams cross the wire as what they are."""

    async def guarded(payload: Payload, blob: bytes) -> tuple[Payload, bytes]:
        try:
            return await handler(payload, blob)
        except StreamError as error:
            raise WireError(error.fault.value, error.detail, {"codec": error.codec}) from error

    return guarded


async def serve(settings: WorkerSettings, connection: socket.socket) -> int:
    """Run a worker until the connection to its parent ends; the process's exit code."""
    mux = UdpMux()
    peer = Peer(connection)
    await peer.start()
    try:
        port = mux.bind(settings.udp_host, settings.udp_port)
    except OSError as error:
        where = {"host": settings.udp_host, "port": settings.udp_port}
        peer.event("bind_failed", {**where, "errno": error.errno, "detail": error.strerror})
        mux.close()
        await peer.close()
        return EXIT_BIND_FAILED
    sealer = await check_contract()
    worker = MediaWorker(settings, mux, port, sealer, peer.event, lambda: peer.unsent_bytes > _MAX_LAG_BYTES)
    peer.serve(worker.handlers, worker.take)
    mux.start()
    worker.start()
    gc.freeze()  # what is there now stays: collections need not look at it again
    peer.event("ready", {"udp_port": port, "pid": os.getpid()})
    log.info("media worker %d on UDP %s:%d, %s", os.getpid(), settings.udp_host, port, type(sealer).__name__)
    await peer.closed.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await worker.close()
    mux.close()
    await peer.close()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m streams.worker")
    parser.add_argument("--wire-fd", type=int, required=True, help="descriptor of a connected Unix stream socket")
    parser.add_argument("--udp-host", required=True)
    parser.add_argument("--udp-port", type=int, required=True)
    parser.add_argument("--advertise", required=True, help="IPs for the viewers, comma-separated, best first")
    parser.add_argument("--linger-s", type=float, default=10.0)
    parser.add_argument("--ready-s", type=float, default=8.0)
    parser.add_argument("--max-sessions", type=int, default=500)
    parser.add_argument("--log-level", type=int, default=logging.INFO, help="a number of the logging module")
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=options.log_level, format=_LOG_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    logging.Formatter.converter = time.gmtime
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    connection = socket.socket(fileno=options.wire_fd)
    settings = WorkerSettings(
        udp_host=options.udp_host,
        udp_port=options.udp_port,
        advertise=tuple(filter(None, options.advertise.split(","))),
        linger_s=options.linger_s,
        ready_s=options.ready_s,
        max_sessions=options.max_sessions,
    )
    lifeline.watch(options.wire_fd, _parent_ended)
    return asyncio.run(serve(settings, connection))


def _parent_ended() -> None:
    """The event loop has noticed too and says goodbye; this makes sure."""
    time.sleep(_CLOSE_S + 1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
