"""The viewers of a media worker: their sessions, which of a camera's streams each gets, and what is asked of them."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from streams.errors import StreamError, StreamFault
from streams.hub import Hold, Hub
from streams.ladder import Ladder, find_ladder, hold_needed
from streams.quality import Demand, Quality, Wish
from streams.rtsp.origin import StreamSource
from streams.viewing import Viewing
from streams.webrtc.adapter import fingerprint
from streams.webrtc.certificate import CertificateKeeper
from streams.webrtc.codecs import choose, offers
from streams.webrtc.data import DataCounters
from streams.webrtc.mux import UdpMux
from streams.webrtc.sdp import AnswerFacts, ViewerOffer, build_answer, candidate_lines, parse_offer
from streams.webrtc.session import Hearing, SessionState, ViewerSession
from streams.webrtc.whep import Patch, build_fragment, parse_fragment
from streams.wire import Handler, Payload, WireError

log = logging.getLogger(__name__)

_TICK_S = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where viewers find the worker (by TCP too?), how many it takes, and how long an answer waits for a camera."""

    addresses: tuple[str, ...]
    port: int
    tcp: bool
    max_sessions: int
    ready_s: float


@dataclass(slots=True)
class _Viewer:
    session: ViewerSession
    viewing: Viewing

    @property
    def keys(self) -> list[str]:
        """The streams that it may be shown."""
        return [hub.source.key for hub in self.viewing.hubs.values()]


class Viewers:
    """All of them. `find_hub` gives a stream's hub; `tell` and `lags` are the worker's."""

    def __init__(
        self,
        place: Place,
        mux: UdpMux,
        find_hub: Callable[[StreamSource], Hub],
        tell: Callable[[str, Payload], None],
        lags: Callable[[], bool],
    ) -> None:
        self._place = place
        self._mux = mux
        self._find_hub = find_hub
        self._tell = tell
        self._lags = lags
        self._certificates = CertificateKeeper()
        self._viewers: dict[str, _Viewer] = {}
        self._opening: set[str] = set()
        self._hearing = Hearing(self._heard, DataCounters())
        self._ticking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look after sessions."""
        self._ticking = asyncio.create_task(self._tick(), name="sessions")

    @property
    def handlers(self) -> dict[str, Handler]:
        """The requests, by kind."""
        return {
            "open_session": guarded(self._open_session),
            "patch_session": guarded(self._patch_session),
            "close_session": guarded(self._close_session),
            "ask_quality": guarded(self._ask_quality),
        }

    @property
    def sessions(self) -> list[ViewerSession]:
        """The sessions that there are."""
        return [item.session for item in self._viewers.values()]

    def losses(self, hub: Hub) -> list[float]:
        """The fractions that the viewers of this stream reported last."""
        viewers = self._viewers.values()
        return [item.session.fraction_lost for item in viewers if item.viewing.shown_hub is hub]

    @property
    def texts(self) -> DataCounters:
        """What went over data channels."""
        return self._hearing.counters

    def send_text(self, session_id: str, text: str) -> None:
        """Send over a session's data channel; lost when there is none."""
        viewer = self._viewers.get(session_id)
        if viewer:
            viewer.session.send_text(text)

    async def close_stream(self, key: str) -> None:
        """End the sessions that may be shown this stream."""
        await asyncio.gather(*(session.close("the stream was closed") for session in self._on(key)))

    def close_soon(self, key: str, reason: str) -> None:
        """As `close_stream`, from a callback."""
        for session in self._on(key):
            session.close_soon(reason)

    def _on(self, key: str) -> list[ViewerSession]:
        return [item.session for item in self._viewers.values() if key in item.keys]

    async def close(self) -> None:
        """Say goodbye to every viewer."""
        if self._ticking:
            self._ticking.cancel()
        await asyncio.gather(*(session.close("the service stops") for session in self.sessions))

    def _heard(self, session: ViewerSession, text: str) -> None:
        if self._lags():
            self._hearing.counters.dropped += 1
        else:
            self._tell("datagram", {"session_id": session.session_id, "text": text})

    async def _open_session(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        offered_s = asyncio.get_running_loop().time()
        session_id, offer = str(payload["session_id"]), parse_offer(str(payload["offer"]))
        if session_id in self._viewers or session_id in self._opening:
            raise WireError("internal", "there is a session of this name already")
        if len(self._viewers) + len(self._opening) >= self._place.max_sessions:
            raise StreamError(StreamFault.OVERLOADED, "this worker has as many viewers as it may")
        demand = _demand(payload)
        hubs = {Quality(name): self._find_hub(StreamSource(**source)) for name, source in payload["sources"].items()}
        holds = hold_needed(hubs, demand)
        self._opening.add(session_id)
        try:
            takes = functools.partial(offers, offer.choices)
            ladder = await find_ladder(hubs, demand, takes, self._place.ready_s)
            for quality in holds.keys() - ladder.hubs.keys():
                holds.pop(quality).release()
            session, viewing = self._make_session(session_id, offer, ladder, holds, demand)
        except BaseException:
            for hold in holds.values():
                hold.release()
            raise
        finally:
            self._opening.discard(session_id)
        session.offered_s = offered_s
        self._viewers[session_id] = _Viewer(session, viewing)
        return {"sdp": self._answer(session), "etag": session.etag}, b""

    def _make_session(
        self, session_id: str, offer: ViewerOffer, ladder: Ladder, holds: dict[Quality, Hold], demand: Demand
    ) -> tuple[ViewerSession, Viewing]:
        choice = choose(offer.choices, ladder.video.codec, ladder.video.profile_level_id)
        audio = ladder.audio.codec if ladder.audio else ""
        offer = offer.with_audio(audio)
        certificate = self._certificates.current(time.monotonic())
        changed = functools.partial(self._quality_changed, session_id)
        can_probe = choice.rtx is not None
        viewing = Viewing(ladder.hubs, holds, demand, can_probe=can_probe, on_change=changed, audio=audio)
        session = ViewerSession(
            session_id, offer, choice, viewing, self._mux, certificate, self._session_changed, self._hearing
        )
        viewing.on_probed = session.report_now
        return session, viewing

    def _answer(self, session: ViewerSession) -> str:
        facts = AnswerFacts(
            addresses=self._place.addresses,
            port=self._place.port,
            ice=session.credentials,
            fingerprint=fingerprint(session.certificate),
            ssrc=session.ssrc,
            cname=session.cname,
            rtx_ssrc=session.rtx_ssrc,
            audio_ssrc=session.audio_ssrc,
            tcp=self._place.tcp,
        )
        return build_answer(session.offer, session.choice, facts)

    async def _patch_session(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        session = self._viewer(payload).session
        verdict = session.patch(parse_fragment(str(payload["fragment"])), payload.get("if_match"))
        if verdict is Patch.STALE:
            raise WireError("stale-etag", "the session has changed since")
        if verdict is Patch.UNCONDITIONAL:
            raise WireError("no-precondition", 'an ICE restart needs If-Match: "*", or the session\'s ETag')
        text = ""
        if verdict is Patch.RESTART:
            candidates = candidate_lines(self._place.addresses, self._place.port, tcp=self._place.tcp)
            section = session.offer.transport
            text = build_fragment(session.credentials, candidates, section.mid, section.kind)
        return {"etag": session.etag, "fragment": text}, b""

    async def _close_session(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        await self._viewer(payload).session.close("closed by the viewer")
        return {}, b""

    def _viewer(self, payload: Payload) -> _Viewer:
        viewer = self._viewers.get(str(payload["session_id"]))
        if viewer is None:
            raise WireError("no-session", "there is no such session")
        return viewer

    async def _ask_quality(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        self._viewer(payload).viewing.ask(_demand(payload))
        return {}, b""

    def _quality_changed(self, session_id: str) -> None:
        viewer = self._viewers.get(session_id)
        if viewer and viewer.viewing.shown:
            shown, why = viewer.viewing.shown.value, viewer.viewing.why.value
            self._tell("session_quality", {"session_id": session_id, "quality": shown, "why": why})

    def _session_changed(self, session: ViewerSession, state: SessionState, reason: str) -> None:
        viewer = self._viewers.get(session.session_id)
        if state is SessionState.CLOSED and viewer:
            del self._viewers[session.session_id]
            viewer.viewing.close()
        key = viewer.keys[0] if viewer else ""
        payload = {"session_id": session.session_id, "stream": key, "state": state.value, "reason": reason}
        self._tell("session_state", payload)

    async def _tick(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_TICK_S)
            for viewer in tuple(self._viewers.values()):
                try:
                    viewer.session.tick(now())
                    viewer.viewing.tick(now())
                except Exception:
                    log.exception("looking after viewer %s failed", viewer.session.session_id[:8])
                    viewer.session.close_soon("an error of ours")


def _demand(payload: Payload) -> Demand:
    wanted = payload["demand"]
    return Demand(Wish(wanted["wish"]), int(wanted["height_px"]), bool(wanted["is_slow"]))


def guarded(handler: Handler) -> Handler:
    """Let errors of streams cross the wire as what they are."""

    async def answer(payload: Payload, blob: bytes) -> tuple[Payload, bytes]:
        try:
            return await handler(payload, blob)
        except StreamError as error:
            raise WireError(error.fault.value, error.detail, {"codec": error.codec}) from error

    return answer
