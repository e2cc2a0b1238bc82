"""What is said on a connection to a camera: requests, the answer to its challenge, and the session that it gave."""

from __future__ import annotations

import re
from dataclasses import dataclass

from streams.errors import StreamError, StreamFault
from streams.rtsp.auth import ClientAuth
from streams.rtsp.connection import RtspConnection
from streams.rtsp.faults import error_for_status
from streams.rtsp.protocol import Response
from streams.rtsp.sdp import AudioTrack, VideoTrack, base_url_of, find_audio, find_video, parse_sdp

_DEFAULT_SESSION_S = 60
_USER_AGENT = "camctl"

Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Tracks:
    """What a camera describes of what can be taken; whatever else there is (metadata, other sound) is let be."""

    video: VideoTrack
    audio: AudioTrack | None


class Dialogue:
    """The requests of one pull. `session` is what SETUP gave, which ends unless something is said in `session_s`."""

    def __init__(self, connection: RtspConnection, auth: ClientAuth, answer_timeout_s: float) -> None:
        self.connection = connection
        self.session = ""
        self.session_s = float(_DEFAULT_SESSION_S)
        self._auth = auth
        self._answer_timeout_s = answer_timeout_s
        self._is_known = False  # whether the camera has accepted our answer to its challenge
        self._methods: frozenset[str] = frozenset()

    async def options(self, url: str) -> None:
        """Learn what the camera can do; cameras that do not know OPTIONS are forgiven."""
        response = await self.request("OPTIONS", url, must_succeed=False)
        public = ",".join(response.headers.get_all("Public")) if response.status == 200 else ""
        self._methods = frozenset(word.strip().upper() for word in public.split(","))

    async def describe(self, url: str) -> Tracks:
        """The camera's video, and its sound.

        Raises:
            StreamError: PROTOCOL, NO_VIDEO, and as `request`.
        """
        response = await self.request("DESCRIBE", url, [("Accept", "application/sdp")])
        headers = response.headers
        base = base_url_of(url, headers.get("Content-Base"), headers.get("Content-Location"))
        session = parse_sdp(response.body)
        track = find_video(session, base)
        if track is None and not session.media:
            raise StreamError(StreamFault.PROTOCOL, "DESCRIBE was answered without a session description")
        if track is None:
            raise StreamError(StreamFault.NO_VIDEO, "the camera describes no video")
        return Tracks(track, find_audio(session, base))

    def take_session(self, response: Response) -> None:
        """Keep the session that SETUP was answered with.

        Raises:
            StreamError: PROTOCOL, there is none.
        """
        identity, *parameters = response.headers.get("Session").split(";")
        self.session = identity.strip() or self.session
        for parameter in parameters:
            if match := re.fullmatch(r"\s*timeout\s*=\s*(\d{1,6})\s*", parameter, re.ASCII | re.IGNORECASE):
                self.session_s = float(max(2, int(match[1])))
        if not self.session:
            raise StreamError(StreamFault.PROTOCOL, "SETUP was answered without a session")

    async def keep_alive(self, url: str) -> None:
        """Tell the camera that we are here. Silence is the idle timer's business; any other failure ends the stream."""
        method = "GET_PARAMETER" if "GET_PARAMETER" in self._methods else "OPTIONS"
        try:
            response = await self.request(method, url, must_succeed=False)
            if response.status == 454:
                raise error_for_status(method, response.status, self.connection.cseq)
        except StreamError as error:
            if error.fault is not StreamFault.TIMEOUT:
                self.connection.fail(error)
            return
        if response.status >= 400:
            self._methods -= {"GET_PARAMETER"}

    async def tear_down(self, url: str, timeout_s: float) -> None:
        """End the session. The camera may say to that what it likes.

        Raises:
            StreamError: it did not answer, or the connection ended.
        """
        session, self.session = self.session, ""
        fields = self._fields("TEARDOWN", url, [("Session", session)])
        await self.connection.request("TEARDOWN", url, fields, timeout_s)

    async def request(
        self, method: str, url: str, more: Fields | None = None, *, must_succeed: bool = True
    ) -> Response:
        """A request, sent again with the answer to a challenge when the camera asks for it.

        Raises:
            StreamError: bad credentials, or no answer, or (unless it need not succeed) another status than 2xx.
        """
        connection = self.connection
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

    def _fields(self, method: str, url: str, more: Fields | None = None) -> Fields:
        fields = [("User-Agent", _USER_AGENT), *(more or [])]
        if self.session:
            fields.append(("Session", self.session))
        answer = self._auth.answer(method, url)
        return [*fields, ("Authorization", answer)] if answer else fields

    def _take_challenge(self, method: str, response: Response, *, answered: bool) -> None:
        """Decide whether to answer a 401: never twice with credentials that the camera has not accepted yet."""
        nonce = self._auth.nonce
        challenge = self._auth.challenge(response.headers.get_all("WWW-Authenticate"))
        where = f"{method} (CSeq {self.connection.cseq})"
        if challenge is None:
            raise StreamError(StreamFault.PROTOCOL, f"{where} was answered 401 without a challenge that we know")
        if not self._auth.username:
            raise StreamError(StreamFault.BAD_CREDENTIALS, f"{where}: the camera asks for a user name and password")
        is_stale = challenge.parameters.get("stale", "").lower() == "true"
        is_fresh = self._auth.nonce != nonce
        if answered and not (is_fresh and (is_stale or self._is_known)):
            raise StreamError(StreamFault.BAD_CREDENTIALS, f"{where}: the camera refused user name and password")
