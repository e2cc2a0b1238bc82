"""Pulling one camera: DESCRIBE, SETUP, PLAY, keep-alive, receiver reports and TEARDOWN around the pure parts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from streams.errors import StreamError, StreamFault
from streams.faultlog import FaultLog
from streams.rtp.frames import VIDEO_CLOCK_HZ, AccessUnit, VideoFormat
from streams.rtp.receiver import H264Receiver
from streams.rtsp.auth import ClientAuth
from streams.rtsp.connection import RtspConnection, connect
from streams.rtsp.faults import error_for_status
from streams.rtsp.protocol import Response
from streams.rtsp.sdp import VideoTrack, base_url_of, find_video, parse_sdp
from streams.rtsp.transport import TransportSpec, parse_transports

log = logging.getLogger(__name__)
_faults = FaultLog(log)  # one for all pulls of this process

_DEFAULT_PORT = 554
_DEFAULT_SESSION_S = 60
_REPORT_EVERY_S = 5.0
_TEARDOWN_S = 1.0
_USER_AGENT = "camctl"
_CNAME = "camctl"


@dataclass(frozen=True, slots=True)
class ClientCounters:
    """What came since PLAY: RTP packets and their bytes, and packets that never came.

    `malformed` was no RTP or RTCP of this stream; `dropped` are pictures that could not be given out.
    """

    packets: int = 0
    lost: int = 0
    octets: int = 0
    malformed: int = 0
    dropped: int = 0

    def plus(self, other: ClientCounters) -> ClientCounters:
        """The sums."""
        return ClientCounters(
            self.packets + other.packets,
            self.lost + other.lost,
            self.octets + other.octets,
            self.malformed + other.malformed,
            self.dropped + other.dropped,
        )


class RtspClient:
    """One pull of one camera's H.264 video: `open`, then `play` once, then `close`.

    `url` is rtsp://host[:port]/path; a user name or password in it is cut off and ignored. The connection goes to
    `address`, the IP that was pinned, and to no other host, whatever the camera answers. Bad credentials are tried
    once. Every failure is a `StreamError`, which never names a credential.
    """

    def __init__(
        self,
        url: str,
        address: str,
        username: str,
        password: str,
        *,
        connect_timeout_s: float = 5,
        answer_timeout_s: float = 5,
        idle_timeout_s: float = 10,
    ) -> None:
        self._given_url = url
        self._url = ""
        self._address = address
        self._auth = ClientAuth(username, password)
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._is_known = False  # whether the camera has accepted our answer to its challenge
        self._connection: RtspConnection | None = None
        self._track: VideoTrack | None = None
        self._methods: frozenset[str] = frozenset()
        self._session = ""
        self._session_timeout_s = float(_DEFAULT_SESSION_S)
        self._channels = (0, 1)
        self._receiver: H264Receiver | None = None
        self._last_packet_s = 0.0
        self._on_units: Callable[[AccessUnit], None] | None = None
        self._on_dropped: Callable[[], None] | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"RtspClient({self._url!r}, address={self._address!r})"  # the given URL may hold a password

    @property
    def counters(self) -> ClientCounters:
        """The figures so far."""
        receiver = self._receiver
        if receiver is None:
            return ClientCounters()
        dropped = receiver.depacketiser.dropped
        return ClientCounters(receiver.packets, receiver.lost, receiver.octets, receiver.ignored, dropped)

    async def open(self) -> VideoFormat:
        """Connect and ask what the camera sends; the codec may be any, `play` takes H264 only.

        Raises:
            StreamError: UNREACHABLE, TIMEOUT, BAD_CREDENTIALS, NOT_FOUND, BUSY, NO_VIDEO, PROTOCOL. The connection is
                closed then.
        """
        try:
            self._url, port = _clean_url(self._given_url)
            self._connection = await connect(self._address, port, self._connect_timeout_s)
            if self._is_closed:
                self._drop()  # every request from here on says so
            await self._options()
            self._track = await self._describe()
        except BaseException:
            self._drop()
            raise
        return self._track.format

    async def play(
        self,
        on_units: Callable[[AccessUnit], None],
        *,
        on_playing: Callable[[], None] | None = None,
        on_dropped: Callable[[], None] | None = None,
    ) -> None:
        """Start the stream and call `on_units` on the event loop with every access unit, until `close`.

        The first unit is a key unit, and every key unit carries SPS and PPS. `on_playing` is called when the camera has
        agreed to play; from then on pictures may come at any moment. `on_dropped` is called for each picture
        that cannot be given, because no key unit came yet or packets were lost before it: asking the camera for a key
        frame ends that. What these raise ends the stream and is raised here.

        Raises:
            StreamError: CODEC when it is not H264, else why the stream ended.
        """
        connection, track = self._connection, self._track
        if connection is None or track is None:
            raise StreamError(StreamFault.CLOSED, "the stream is not open")
        codec = track.format.codec
        if codec != "H264":
            raise StreamError(StreamFault.CODEC, f"the camera sends {codec}, not H264", codec=codec)
        if track.clock_hz != VIDEO_CLOCK_HZ:
            raise StreamError(StreamFault.PROTOCOL, f"H264 with a clock of {track.clock_hz} Hz")
        self._receiver = H264Receiver(
            track.payload_type, track.format.parameter_sets, ssrc=secrets.randbits(32), on_bad=self._bad_packet
        )
        self._on_units, self._on_dropped = on_units, on_dropped
        try:
            await self._start(connection, track)
            if on_playing is not None:
                on_playing()
            await self._run(connection, track)
        except StreamError as error:
            if not (self._is_closed and error.fault is StreamFault.CLOSED):
                raise
        finally:
            connection.on_packet = None

    async def close(self) -> None:
        """End the stream with TEARDOWN, which gets one second; idempotent. A running `play` returns."""
        if self._is_closed:
            return
        self._is_closed = True
        connection, track = self._connection, self._track
        try:
            if connection and track and self._session and not connection.lost.done():
                connection.on_packet = None
                if self._receiver:
                    connection.send_packet(self._channels[1], self._receiver.bye())
                fields = self._fields("TEARDOWN", track.play_url)
                with contextlib.suppress(StreamError):  # we are leaving, whatever the camera says
                    await connection.request("TEARDOWN", track.play_url, fields, _TEARDOWN_S)
        finally:
            self._drop()

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()

    async def _options(self) -> None:
        """Learn what the camera can do; cameras that do not know OPTIONS are forgiven."""
        response = await self._request("OPTIONS", self._url, must_succeed=False)
        public = ",".join(response.headers.get_all("Public")) if response.status == 200 else ""
        self._methods = frozenset(word.strip().upper() for word in public.split(","))

    async def _describe(self) -> VideoTrack:
        response = await self._request("DESCRIBE", self._url, [("Accept", "application/sdp")])
        headers = response.headers
        base = base_url_of(self._url, headers.get("Content-Base"), headers.get("Content-Location"))
        session = parse_sdp(response.body)
        track = find_video(session, base)
        if track is None and not session.media:
            raise StreamError(StreamFault.PROTOCOL, "DESCRIBE was answered without a session description")
        if track is None:
            raise StreamError(StreamFault.NO_VIDEO, "the camera describes no video")
        return track

    async def _start(self, connection: RtspConnection, track: VideoTrack) -> None:
        wanted = TransportSpec(is_tcp=True, interleaved=self._channels)
        response = await self._request("SETUP", track.setup_url, [("Transport", str(wanted))])
        self._take_session(response)
        given = parse_transports(response.headers.get("Transport"))
        if given and not given[0].is_tcp:
            raise StreamError(StreamFault.PROTOCOL, "SETUP was answered with another transport than RTP over TCP")
        if given and given[0].interleaved:
            self._channels = given[0].interleaved
        self._last_packet_s = asyncio.get_running_loop().time()
        connection.on_packet = self._packet
        await self._request("PLAY", track.play_url, [("Range", "npt=0.000-")])

    def _take_session(self, response: Response) -> None:
        identity, *parameters = response.headers.get("Session").split(";")
        self._session = identity.strip()
        for parameter in parameters:
            if match := re.fullmatch(r"\s*timeout\s*=\s*(\d{1,6})\s*", parameter, re.ASCII | re.IGNORECASE):
                self._session_timeout_s = float(max(2, int(match[1])))
        if not self._session:
            raise StreamError(StreamFault.PROTOCOL, "SETUP was answered without a session")

    def _packet(self, channel: int, payload: bytes) -> None:
        receiver, on_units = self._receiver, self._on_units
        if receiver is None or on_units is None:
            return
        now_s = asyncio.get_running_loop().time()
        if channel == self._channels[0]:
            self._last_packet_s = now_s
            dropped = receiver.depacketiser.dropped
            for unit in receiver.rtp(payload, now_s):
                on_units(unit)
            if self._on_dropped is not None and receiver.depacketiser.dropped > dropped:
                self._on_dropped()
        elif channel == self._channels[1] and receiver.rtcp(payload, now_s):
            raise StreamError(StreamFault.UNREACHABLE, "the camera ended the stream (RTCP BYE)")

    def _bad_packet(self, kind: str, where: str) -> None:
        _faults(kind, f"the camera at {self._address} ({urlsplit(self._url).path})", where)

    async def _run(self, connection: RtspConnection, track: VideoTrack) -> None:
        """Wait for the end while three timers run: silence, receiver reports, keep-alive."""
        loop = asyncio.get_running_loop()
        keep_alive: asyncio.Task[None] | None = None
        report_at = loop.time() + _REPORT_EVERY_S
        alive_at = loop.time() + self._session_timeout_s / 2
        try:
            while not connection.lost.done():
                now_s = loop.time()
                if now_s - self._last_packet_s >= self._idle_timeout_s:
                    raise StreamError(StreamFault.TIMEOUT, f"no picture data for {self._idle_timeout_s:g} s")
                if now_s >= report_at:
                    self._report(connection, now_s)
                    report_at = now_s + _REPORT_EVERY_S
                if now_s >= alive_at:
                    if keep_alive is None or keep_alive.done():
                        keep_alive = asyncio.create_task(self._keep_alive(connection, track))
                    alive_at = now_s + self._session_timeout_s / 2
                wake_at = min(report_at, alive_at, self._last_packet_s + self._idle_timeout_s)
                await asyncio.wait([connection.lost], timeout=max(0.0, wake_at - now_s))
            await asyncio.shield(connection.lost)
        finally:
            if keep_alive:
                keep_alive.cancel()
                await asyncio.gather(keep_alive, return_exceptions=True)

    def _report(self, connection: RtspConnection, now_s: float) -> None:
        if self._receiver:
            connection.send_packet(self._channels[1], self._receiver.report(now_s, _CNAME))

    async def _keep_alive(self, connection: RtspConnection, track: VideoTrack) -> None:
        """Tell the camera that we are here. Silence is the idle timer's business; any other failure ends the stream."""
        method = "GET_PARAMETER" if "GET_PARAMETER" in self._methods else "OPTIONS"
        try:
            response = await self._request(method, track.play_url, must_succeed=False)
            if response.status == 454:
                raise error_for_status(method, response.status, connection.cseq)
        except StreamError as error:
            if error.fault is not StreamFault.TIMEOUT:
                connection.fail(error)
            return
        if response.status >= 400:
            self._methods -= {"GET_PARAMETER"}

    @property
    def _cseq(self) -> int:
        return self._connection.cseq if self._connection else 0

    def _fields(self, method: str, url: str, more: list[tuple[str, str]] | None = None) -> list[tuple[str, str]]:
        fields = [("User-Agent", _USER_AGENT), *(more or [])]
        if self._session:
            fields.append(("Session", self._session))
        answer = self._auth.answer(method, url)
        return [*fields, ("Authorization", answer)] if answer else fields

    async def _request(
        self, method: str, url: str, more: list[tuple[str, str]] | None = None, *, must_succeed: bool = True
    ) -> Response:
        """A request, sent again with the answer to a challenge when the camera asks for it."""
        connection = self._connection
        if connection is None:
            raise StreamError(StreamFault.CLOSED, "the stream is not open")
        answered = self._auth.is_challenged
        for _ in range(3):
            fields = self._fields(method, url, more)
            response = await connection.request(method, url, fields, self._answer_timeout_s)
            if response.status != 401:
                self._is_known |= answered and response.status < 300
                break
            self._take_challenge(method, response, answered=answered)
            answered = True
        if response.status == 401 or (must_succeed and not 200 <= response.status < 300):
            raise error_for_status(method, response.status, connection.cseq)
        return response

    def _take_challenge(self, method: str, response: Response, *, answered: bool) -> None:
        """Decide whether to answer a 401: never twice with credentials that the camera has not accepted yet."""
        nonce = self._auth.nonce
        challenge = self._auth.challenge(response.headers.get_all("WWW-Authenticate"))
        where = f"{method} (CSeq {self._cseq})"
        if challenge is None:
            raise StreamError(StreamFault.PROTOCOL, f"{where} was answered 401 without a challenge that we know")
        if not self._auth.username:
            raise StreamError(StreamFault.BAD_CREDENTIALS, f"{where}: the camera asks for a user name and password")
        is_stale = challenge.parameters.get("stale", "").lower() == "true"
        is_fresh = self._auth.nonce != nonce
        if answered and not (is_fresh and (is_stale or self._is_known)):
            raise StreamError(StreamFault.BAD_CREDENTIALS, f"{where}: the camera refused user name and password")


def _clean_url(url: str) -> tuple[str, int]:
    """The URL as it is requested, without user info and fragment, and its port.

    Raises:
        StreamError: PROTOCOL, when it is no rtsp:// URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORT
        is_usable = parts.scheme == "rtsp" and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable or re.search(r"[\x00-\x20\x7f]", url):
        raise StreamError(StreamFault.PROTOCOL, "the stream's address is no rtsp:// URL")
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, fragment="").geturl(), port
