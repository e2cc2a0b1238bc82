"""The sound beside a pull's video: its own carrier and reports, and nothing that the video waits for."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from streams.rtp.audio import AudioPacket, AudioReceiver
from streams.rtsp.carriers import Carrier, UdpCarrier

OnSound = Callable[[AudioPacket], None]


class SoundPull:
    """Calls `on_sound` on the event loop with what comes, from `start` until `close`."""

    def __init__(
        self, carrier: Carrier, payload_type: int, on_sound: OnSound, on_bad: Callable[[str, str], None]
    ) -> None:
        self._carrier = carrier
        self._on_sound = on_sound
        self._now_s = asyncio.get_running_loop().time
        self._receiver = AudioReceiver(payload_type, ssrc=secrets.randbits(32), on_bad=on_bad)

    def start(self, cname: str) -> None:
        """Before PLAY."""
        self._carrier.start(self._take_rtp, self._take_rtcp)
        if isinstance(self._carrier, UdpCarrier):
            self._carrier.punch(self._receiver.report(self._now_s(), cname))

    def report(self, now_s: float, cname: str) -> None:
        """Tell the camera how well it is heard."""
        self._carrier.send_rtcp(self._receiver.report(now_s, cname))

    def bye(self) -> None:
        """The last word to the camera."""
        self._carrier.send_rtcp(self._receiver.bye())

    def close(self) -> None:
        """Take nothing more; idempotent."""
        self._carrier.close()

    def _take_rtp(self, data: bytes) -> None:
        packet = self._receiver.rtp(data, self._now_s())
        if packet is not None:
            self._on_sound(packet)

    def _take_rtcp(self, data: bytes) -> None:
        self._receiver.rtcp(data, self._now_s())  # a sound that says goodbye is silent, and the video goes on
