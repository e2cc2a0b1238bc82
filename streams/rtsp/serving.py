"""One client of our RTSP server: its requests answered in order, its sessions kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from streams.errors import StreamError
from streams.rtp.codecs import CODECS
from streams.rtp.frames import VideoFormat
from streams.rtsp.auth import Verdict
from streams.rtsp.faults import status_for_error
from streams.rtsp.gate import Gate
from streams.rtsp.outputs import Address, InterleavedOutput, Output, UdpOutput, UdpPair
from streams.rtsp.protocol import Headers, Parser, ProtocolError, Request, Response, cseq_of, serialise
from streams.rtsp.sdp import AUDIO_TRACK, TRACK, build_sdp
from streams.rtsp.session import Packetiser, Session, SoundTrack
from streams.rtsp.source import MediaSource, SoundSource
from streams.rtsp.transport import TransportSpec, parse_transports

_log = logging.getLogger(__name__)
_PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
_MAX_PIPELINED = 16
_MAX_SESSIONS = 8
_MAX_BAD_LOGINS = 5
_DESCRIBE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Serving:
    """What all connections of a server share."""

    gate: Gate
    udp: UdpPair
    session_timeout_s: int
    max_unsent_bytes: int
    transports: frozenset[str]
    connections: set[ServerConnection] = field(default_factory=set)
    on_playing: Callable[[Session, bool], None] = lambda _session, _begins: None

    def packetiser(self, source: MediaSource, video: VideoFormat) -> Packetiser:
        """The one that other sessions on the same source use, else a new one."""
        sessions = (session for connection in self.connections for session in connection.sessions.values())
        shared = next((session.packetiser for session in sessions if session.source is source), None)
        return shared or Packetiser(video)

    def sessions_of(self, username: str) -> tuple[int, int]:
        """How many sessions this user has, and how many there are."""
        names = [session.username for connection in self.connections for session in connection.sessions.values()]
        return names.count(username), len(names)


class _Refused(Exception):  # noqa: N818  # an answer, not a fault of ours
    def __init__(self, status: int, fields: list[tuple[str, str]] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.fields = fields or []


class ServerConnection(asyncio.Protocol):
    """The shell around `Parser` on the server's side; requests wait in a short queue and are handled one by one."""

    def __init__(self, serving: Serving, *, is_full: bool) -> None:
        self.sessions: dict[str, Session] = {}
        self._serving = serving
        self._is_full = is_full
        self._parser = Parser()
        self._requests: deque[Request] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._bad_logins = 0
        self._username = ""  # of the request that is being answered
        self._seen_s = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the client, or turn it away when there are too many (asyncio's callback)."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("RTSP runs on a stream transport")
        self._transport = transport
        if self._is_full:
            transport.write(serialise(Response(453, headers=Headers([("CSeq", "1")]))))
            transport.close()
            return
        transport.set_write_buffer_limits(high=self._serving.max_unsent_bytes)
        self._serving.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End the client's sessions with it (asyncio's callback)."""
        self._serving.connections.discard(self)
        if self._worker:
            self._worker.cancel()
        self._end_sessions()

    def data_received(self, data: bytes) -> None:
        """Queue what a read delivered (asyncio's callback)."""
        try:
            for event in self._parser.feed(data):
                if isinstance(event, Request):
                    self._requests.append(event)
                else:
                    self._alive()  # receiver reports, answers to nothing
        except ProtocolError as error:
            _log.info("RTSP client %s: %s", self._peer, error)
            self._send(Response(400))
            self._transport.close()
            return
        if len(self._requests) > _MAX_PIPELINED:
            _log.info("RTSP client %s sends requests faster than they are answered", self._peer)
            self._transport.abort()
        elif self._requests and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._work(), name="rtsp-client")

    def close(self) -> asyncio.Task[None] | None:
        """Drop the client; the task that may still be running is given back, cancelled."""
        self._end_sessions()
        if self._transport.get_write_buffer_size():
            self._transport.abort()  # it may never read the rest
        else:
            self._transport.close()
        if self._worker:
            self._worker.cancel()
        return self._worker

    def drop(self) -> None:
        """End the client at once; what it has not read yet is thrown away."""
        self._end_sessions()
        self._transport.abort()

    def receiver_alive(self, address: Address) -> None:
        """A receiver report came by UDP from `address`."""
        for session in self.sessions.values():
            if session.rtcp_address == address:
                session.seen()

    def reap(self) -> None:
        """End sessions that were silent for too long, and the connection when nothing is left of it."""
        limit = self._serving.session_timeout_s
        for session in [session for session in self.sessions.values() if session.silent_s() > limit]:
            _log.info("RTSP session of %s on %s ended after %d s of silence", self._peer, session.path, limit)
            session.close()
            del self.sessions[session.id]
        if not self.sessions and time.monotonic() - self._seen_s > limit:
            self._transport.abort()

    @property
    def _peer(self) -> str:
        name = self._transport.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if name else "?"

    def _alive(self) -> None:
        self._seen_s = time.monotonic()
        for session in self.sessions.values():
            session.seen()

    def _end_sessions(self) -> None:
        for session in self.sessions.values():
            session.close()
        self.sessions.clear()

    async def _work(self) -> None:
        while self._requests and not self._transport.is_closing():
            request = self._requests.popleft()
            self._alive()
            response = await self._answer(request)
            response.headers = Headers([("CSeq", str(cseq_of(request.headers) or 0)), *response.headers])
            self._send(response)
            if response.status == 200 and request.method == "PLAY":
                self._start(request)
            if self._bad_logins >= _MAX_BAD_LOGINS:
                _log.warning("RTSP client %s: %d wrong passwords, dropped", self._peer, self._bad_logins)
                self._transport.close()

    def _start(self, request: Request) -> None:
        """Play, after PLAY was answered: no packet may come before the answer."""
        session = self.sessions.get(_session_id(request))
        try:
            if session:
                session.play()
        except Exception:  # noqa: BLE001  # the source's; the client sees its connection end
            _log.exception("RTSP source %s could not be played", session.path if session else "")
            self._transport.abort()

    def _send(self, response: Response) -> None:
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > 2 * self._serving.max_unsent_bytes:
            self._transport.abort()  # it asks and asks, and never reads
        else:
            self._transport.write(serialise(response))

    async def _answer(self, request: Request) -> Response:
        try:
            self._authenticate(request)
            return await self._dispatch(request)
        except _Refused as refused:
            return Response(refused.status, headers=Headers(refused.fields))
        except StreamError as error:
            _log.info("RTSP %s for %s failed: %s", request.method, self._peer, error.detail)
            return Response(status_for_error(error))
        except Exception:  # noqa: BLE001  # logged, and the client is told
            _log.exception("RTSP %s for %s failed", request.method, self._peer)
            return Response(500)

    def _authenticate(self, request: Request) -> None:
        auth = self._serving.gate.auth
        if auth is None or request.method == "OPTIONS":
            return
        now_s = time.monotonic()
        judged = auth.judge(request.headers.get("Authorization"), request.method, request.uri, now_s)
        if judged.verdict is Verdict.GOOD:
            self._username = judged.username
            return
        if judged.verdict is Verdict.BAD:
            self._bad_logins += 1
        challenges = auth.challenges(now_s, stale=judged.verdict is Verdict.STALE)
        raise _Refused(401, [("WWW-Authenticate", value) for value in challenges])

    async def _dispatch(self, request: Request) -> Response:
        match request.method:
            case "OPTIONS":
                return Response(200, headers=Headers([("Public", _PUBLIC)]))
            case "DESCRIBE":
                return await self._describe(request)
            case "SETUP":
                return await self._setup(request)
            case "PLAY":
                return self._play(request)
            case "PAUSE":
                session = self._session(request)
                session.pause()
                return Response(200, headers=Headers([("Session", session.id)]))
            case "TEARDOWN":
                session = self._session(request)
                session.close()
                del self.sessions[session.id]
                return Response(200)
            case "GET_PARAMETER" | "SET_PARAMETER":
                return self._parameter(request)
        raise _Refused(501, [("Public", _PUBLIC)])

    def _source(self, path: str) -> MediaSource:
        source = self._serving.gate.source(path, self._username)
        if source is None:
            raise _Refused(404)
        return source

    async def _describe(self, request: Request) -> Response:
        path = path_of(request.uri)
        accept = request.headers.get("Accept", "application/sdp").lower()
        if "application/sdp" not in accept and "*/*" not in accept:
            raise _Refused(415)
        source = self._source(path)
        video = await _description(source)
        audio = source.audio if isinstance(source, SoundSource) else None
        host = self._transport.get_extra_info("sockname")[0]
        sdp = build_sdp(video, address=host, session_id=int(time.time()), name=path or "camera", audio=audio)
        base = request.uri.partition("?")[0].rstrip("/") + "/"
        return Response(200, headers=Headers([("Content-Type", "application/sdp"), ("Content-Base", base)]), body=sdp)

    async def _setup(self, request: Request) -> Response:
        if request.headers.get("Session"):
            return self._setup_sound(request, self._session(request))
        if len(self.sessions) >= _MAX_SESSIONS:
            raise _Refused(453)
        path = path_of(request.uri).removesuffix(TRACK).rstrip("/")
        source = self._source(path)
        username = self._username
        self._check_room(username)
        video = await _description(source)
        self._check_room(username)  # others came meanwhile
        if self._source(path) is not source:
            raise _Refused(404)  # allowed no longer
        output, transport = self._output(request)
        packetiser = self._serving.packetiser(source, video)
        session = Session(path, source, packetiser, output, transport, username, self._serving.on_playing)
        self.sessions[session.id] = session
        return self._set_up(session, transport, session.sender.ssrc)

    def _setup_sound(self, request: Request, session: Session) -> Response:
        """The second track of a session: sound, if there is any."""
        source, path = session.source, path_of(request.uri)
        audio = source.audio if isinstance(source, SoundSource) else None
        if session.sound or session.is_playing or path.removesuffix(AUDIO_TRACK).rstrip("/") != session.path:
            raise _Refused(459)  # that is set up, or of another session
        if not isinstance(source, SoundSource) or audio is None:
            raise _Refused(404)
        output, transport = self._output(request)
        session.sound = SoundTrack(source, audio, output)
        return self._set_up(session, transport, session.sound.sender.ssrc)

    def _set_up(self, session: Session, transport: TransportSpec, ssrc: int) -> Response:
        server_port = None if transport.is_tcp else self._serving.udp.numbers
        described = replace(transport, server_port=server_port, ssrc=ssrc)
        identity = f"{session.id};timeout={self._serving.session_timeout_s}"
        return Response(200, headers=Headers([("Transport", str(described)), ("Session", identity)]))

    def _check_room(self, username: str) -> None:
        if not self._serving.gate.has_room(username, *self._serving.sessions_of(username)):
            raise _Refused(453)

    def _output(self, request: Request) -> tuple[Output, TransportSpec]:
        """The first alternative that we can serve. UDP goes to the client's own address, never to `destination`."""
        limit = self._serving.max_unsent_bytes
        for wanted in parse_transports(request.headers.get("Transport")):
            if wanted.is_multicast or ("tcp" if wanted.is_tcp else "udp") not in self._serving.transports:
                continue
            if wanted.is_tcp:
                channels = wanted.interleaved or self._free_channels()
                return (
                    InterleavedOutput(self._transport, channels, limit),
                    TransportSpec(is_tcp=True, interleaved=channels),
                )
            if wanted.client_port and min(wanted.client_port) >= 1024 and self._serving.udp.numbers[0]:
                host = self._transport.get_extra_info("peername")[0]
                return (
                    UdpOutput(self._serving.udp, host, wanted.client_port),
                    TransportSpec(is_tcp=False, client_port=wanted.client_port),
                )
        raise _Refused(461)

    def _free_channels(self) -> tuple[int, int]:
        first = 2 * sum(2 if session.sound else 1 for session in self.sessions.values())
        return first, first + 1

    def _play(self, request: Request) -> Response:
        session = self._session(request)
        base = request.uri.partition("?")[0].removesuffix(TRACK).rstrip("/")
        senders = {TRACK: session.sender} | ({AUDIO_TRACK: session.sound.sender} if session.sound else {})
        info = ",".join(
            f"url={base}/{track};seq={sender.sequence};rtptime={sender.rtp_time}" for track, sender in senders.items()
        )
        fields = [("Session", session.id), ("Range", "npt=now-"), ("RTP-Info", info)]
        return Response(200, headers=Headers(fields))

    def _parameter(self, request: Request) -> Response:
        if request.body:
            raise _Refused(451)  # RFC 2326: "Parameter Not Understood"; there are none
        fields = [("Session", self._session(request).id)] if request.headers.get("Session") else []
        return Response(200, headers=Headers(fields))

    def _session(self, request: Request) -> Session:
        session = self.sessions.get(_session_id(request))
        if session is None or session.username != self._username:
            raise _Refused(454)
        return session


def _session_id(request: Request) -> str:
    return request.headers.get("Session").partition(";")[0].strip()


async def _description(source: MediaSource) -> VideoFormat:
    try:
        async with asyncio.timeout(_DESCRIBE_TIMEOUT_S):
            video = await source.describe()
    except TimeoutError:
        raise _Refused(503) from None
    if video.codec not in CODECS:
        raise _Refused(415)
    return video


def path_of(uri: str) -> str:
    """The path of a request URI, unquoted, without slashes around it and without a query; "" for "*"."""
    try:
        path = urlsplit(uri).path
    except ValueError:
        raise _Refused(400) from None
    return unquote(path).strip("/") if path != "*" else ""
