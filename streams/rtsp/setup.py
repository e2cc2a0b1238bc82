"""Agreeing with a camera on what carries its packets: TCP first, UDP when it refuses that."""

from __future__ import annotations

import contextlib
import logging

from streams.errors import StreamError, StreamFault
from streams.rtsp.carriers import Carrier, InterleavedCarrier, UdpCarrier
from streams.rtsp.dialogue import Dialogue
from streams.rtsp.faults import error_for_status
from streams.rtsp.origin import Transport
from streams.rtsp.protocol import Response
from streams.rtsp.sdp import AudioTrack, VideoTrack
from streams.rtsp.transport import Pair, TransportSpec, parse_transports

log = logging.getLogger(__name__)

_CHANNELS = (0, 1)
_AUDIO_CHANNELS = (2, 3)
_REFUSED = 461
_TEARDOWN_S = 1.0


async def set_up(dialogue: Dialogue, track: VideoTrack, wanted: Transport, *, is_secure: bool) -> Carrier:
    """SETUP of the video; the carrier is bound and agreed on, and not started yet.

    `is_secure`: the connection is TLS. RTP over UDP would then be the one part in the clear, so it is never taken.

    Raises:
        StreamError: PROTOCOL, they cannot agree; and as Dialogue.request.
    """
    if wanted is not Transport.UDP:
        carrier = await _by_tcp(dialogue, track)
        if carrier is not None:
            return carrier
        if wanted is Transport.TCP:
            detail = "the camera refuses RTP over TCP (SETUP, 461); set rtsp_transport to auto or udp"
            raise StreamError(StreamFault.PROTOCOL, detail)
    if is_secure:
        detail = "the camera would send its video by UDP without encryption, though it was reached by rtsps://"
        raise StreamError(StreamFault.PROTOCOL, f"{detail}; let it send by TCP, or give its rtsp:// address")
    return await _by_udp(dialogue, track, wanted)


async def _by_tcp(dialogue: Dialogue, track: VideoTrack) -> InterleavedCarrier | None:
    """None when the camera refuses it, by 461 or by naming UDP ports instead."""
    response, given = await _ask(dialogue, track.setup_url, TransportSpec(is_tcp=True, interleaved=_CHANNELS))
    if response.status == _REFUSED:
        return None
    if given and not given.is_tcp:
        with contextlib.suppress(StreamError):  # if it matters, the next SETUP says so
            await dialogue.tear_down(track.play_url, _TEARDOWN_S)
        return None
    channels = given.interleaved if given else None
    return InterleavedCarrier(dialogue.connection, channels or _CHANNELS)


async def set_up_audio(dialogue: Dialogue, track: AudioTrack, video: Carrier) -> Carrier | None:
    """SETUP of the sound, carried as the video is; None when the camera refuses that, for video alone is enough."""
    try:
        if isinstance(video, UdpCarrier):
            return await _by_udp(dialogue, track, Transport.UDP)
        assert isinstance(video, InterleavedCarrier)  # noqa: S101  # there is no third
        spec = TransportSpec(is_tcp=True, interleaved=_AUDIO_CHANNELS)
        response, given = await _ask(dialogue, track.setup_url, spec)
    except StreamError as error:  # if it matters, PLAY says so
        log.warning("a camera's sound is left out: %s", error.detail)
        return None
    channels = (given.interleaved if given else None) or _AUDIO_CHANNELS
    if response.status == _REFUSED or (given and not given.is_tcp) or set(channels) & set(video.channels):
        log.warning("a camera's sound is left out: it does not come beside the video")
        return None
    return InterleavedCarrier(dialogue.connection, channels)


async def _by_udp(dialogue: Dialogue, track: VideoTrack | AudioTrack, wanted: Transport) -> UdpCarrier:
    carrier = UdpCarrier(dialogue.connection)
    try:
        response, given = await _ask(dialogue, track.setup_url, TransportSpec(is_tcp=False, client_port=carrier.ports))
        carrier.server_ports = _accepted_ports(response, given, wanted)
    except BaseException:
        carrier.close()
        raise
    return carrier


def _accepted_ports(response: Response, given: TransportSpec | None, wanted: Transport) -> Pair | None:
    if response.status == _REFUSED:
        either = "neither RTP over TCP nor over UDP" if wanted is Transport.AUTO else "no RTP over UDP"
        hint = "" if wanted is Transport.AUTO else "; set rtsp_transport to auto or tcp"
        raise StreamError(StreamFault.PROTOCOL, f"the camera takes {either} (SETUP, 461){hint}")
    if given and (given.is_tcp or given.is_multicast):
        raise StreamError(StreamFault.PROTOCOL, "SETUP was answered with another transport than RTP over UDP")
    return given.server_port if given else None


async def _ask(dialogue: Dialogue, url: str, spec: TransportSpec) -> tuple[Response, TransportSpec | None]:
    """SETUP with one transport; the answer, and the transport that it names."""
    response = await dialogue.request("SETUP", url, [("Transport", str(spec))], must_succeed=False)
    if response.status == _REFUSED:
        return response, None
    if not 200 <= response.status < 300:
        raise error_for_status("SETUP", response.status, dialogue.connection.cseq)
    dialogue.take_session(response)
    given = parse_transports(response.headers.get("Transport"))
    return response, given[0] if given else None
