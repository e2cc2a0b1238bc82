"""A media worker: hubs and viewers' sessions, driven by its parent's requests; `streams.worker_main` is its process."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streams.errors import StreamError, StreamFault
from streams.figures import stream_figures, worker_figures
from streams.hub import Client, Hold, Hub, HubEvent, hidden_error
from streams.relay import ANSWER_S, Relay, relay_policy
from streams.restream import Restream, RestreamAccount, RestreamLimits
from streams.rtp.fanout import Fanout
from streams.rtsp.client import RtspClient
from streams.rtsp.origin import StreamSource
from streams.snapshot import SnapshotCache
from streams.webrtc.adapter import InPlaceSealer, PacketSealer, fingerprint
from streams.webrtc.certificate import CertificateKeeper
from streams.webrtc.data import DataCounters
from streams.webrtc.mux import UdpMux
from streams.webrtc.sdp import AnswerFacts, ViewerOffer, build_answer, candidate_lines, choose_payload, parse_offer
from streams.webrtc.session import Hearing, SessionState, ViewerSession
from streams.webrtc.whep import Patch, build_fragment, parse_fragment
from streams.wire import Handler, Payload, WireError

log = logging.getLogger(__name__)

_TICK_S = 0.5


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told at start. Times in seconds."""

    udp_host: str
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

    `tell(kind, payload)` carries events to the parent: session_state, stream_state, key_wanted, datagram. Datagrams are
    dropped while `lags` says that the parent takes nothing. `find` asks where a stream is pulled from.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        mux: UdpMux,
        port: int,
        sealer: PacketSealer,
        tell: Callable[[str, Payload], None],
        lags: Callable[[], bool] = lambda: False,
        connect: Callable[[StreamSource], Client] | None = None,
        find: Callable[[str], Awaitable[StreamSource]] | None = None,
    ) -> None:
        self._find = find
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
        self._hearing = Hearing(self._heard, DataCounters())
        self._ticking: asyncio.Task[None] | None = None
        self._relay = Relay(self._hub, settings.ready_s)
        self._restream = Restream(self._find_hub, settings.ready_s)

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
            "lend": _guarded(self._lend),
            "serve": _guarded(self._serve),
            "snapshot": _guarded(self._snapshot),
            "stats": _guarded(self._stats),
        }

    def take(self, kind: str, payload: Payload, _: bytes = b"") -> None:
        """An event of the parent's: hide (prefix, hidden), datagram (session_id, text), and see `_take_word`."""
        if kind == "hide":
            self._hide(str(payload["prefix"]), hidden=bool(payload["hidden"]))
        elif kind == "datagram":
            viewing = self._viewings.get(str(payload["session_id"]))
            if viewing:
                viewing.session.send_text(str(payload["text"]))
        else:
            self._take_word(kind, payload)

    def _take_word(self, kind: str, payload: Payload) -> None:
        """want_key (key), restream_allow (name, hashes, keys), or restream_forget (name)."""
        if kind == "want_key":
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
        await asyncio.gather(self._restream.close(), self._relay.close())
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
        self._relay.recall(str(payload["key"]))
        self._restream.recall(str(payload["key"]))
        if hub:
            sessions = [item.session for item in self._viewings.values() if item.hub is hub]
            await asyncio.gather(*(session.close("the stream was closed") for session in sessions))
            await hub.close()
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
            jpeg = await self._snapshots.get(hub.source.key, find)
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
        more = {"udp_port": self._port, "srtp_in_place": in_place, "restream_sessions": self._restream.session_count}
        return {**figures, **more, "streams": streams}, b""

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
            )
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
    answer_s = ANSWER_S if source.is_relay else 5
    return RtspClient(source.url, source.address, source.username, source.password, answer_timeout_s=answer_s)


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
