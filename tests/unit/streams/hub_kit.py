"""A hub without network: cameras whose answers a test scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streams.errors import StreamError, StreamFault
from streams.hub import Hub, HubEvent, HubState
from streams.rtp.audio import AudioFormat, AudioPacket
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtsp.client import ClientCounters
from streams.rtsp.origin import StreamSource
from streams.rtsp.reconnect import ReconnectPolicy, ReconnectSettings
from tests.unit.streams.rtp.fanout_kit import Bench

SPS, PPS, IDR, SLICE = b"\x67\x42\xe0\x1f", b"\x68\xce", b"\x65" + b"i" * 40, b"\x41" + b"p" * 20
SOURCE = StreamSource("cam-1/main", "rtsp://camera/main", "192.0.2.1", "user", "rahasia")
H264 = VideoFormat("H264", (SPS, PPS))
QUICK = ReconnectSettings(first_s=0.01, cap_s=0.02, credentials_s=60, busy_s=60, hopeless_s=0.01, nudge_s=0.0)


class FakeClient:
    """A camera whose answers the test scripts."""

    def __init__(self, street: Street, outcome: VideoFormat | StreamFault) -> None:
        self._street, self._outcome = street, outcome
        self.on_unit: Callable[[AccessUnit], None] | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_closed = False
        self.counters = ClientCounters()
        self.audio = street.audio

    async def open(self) -> VideoFormat:
        await self._street.gate.wait()
        if isinstance(self._outcome, StreamFault):
            raise StreamError(self._outcome, "told so")
        return self._outcome

    async def play(
        self,
        on_unit: Callable[[AccessUnit], None],
        *,
        on_playing: Callable[[], None],
        on_dropped: Callable[[], None],
        on_sound: Callable[[AudioPacket], None],
    ) -> None:
        self.on_unit, self.on_dropped, self.on_sound = on_unit, on_dropped, on_sound
        on_playing()
        await self.ended

    async def close(self) -> None:
        self.is_closed = True

    def send(self, timestamp: int, arrived_s: float, *, key: bool = False) -> None:
        assert self.on_unit
        nals = (SPS, PPS, IDR) if key else (SLICE,)
        self.on_unit(AccessUnit(nals, timestamp, key, arrived_s))

    def fail(self, fault: StreamFault = StreamFault.UNREACHABLE) -> None:
        self.ended.set_exception(StreamError(fault, "lost"))


class Street:
    def __init__(self, *outcomes: VideoFormat | StreamFault) -> None:
        self.outcomes = list(outcomes)
        self.audio: AudioFormat | None = None
        self.clients: list[FakeClient] = []
        self.sources: list[StreamSource] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.events: list[HubEvent] = []
        self.bench = Bench()
        self.now_s = 1000.0

    def connect(self, source: StreamSource) -> FakeClient:
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        self.sources.append(source)
        self.clients.append(FakeClient(self, outcome))
        return self.clients[-1]

    def hub(self, linger_s: float = 0.02) -> Hub:
        return Hub(
            SOURCE, self.connect, self.bench.fanout, linger_s=linger_s, on_event=self.events.append,
            policy=ReconnectPolicy(QUICK), clock=lambda: self.now_s,
        )  # fmt: skip

    async def playing(self, number: int) -> FakeClient:
        async with asyncio.timeout(2):
            while len(self.clients) <= number or self.clients[number].on_unit is None:  # noqa: ASYNC110  # the condition is anything
                await asyncio.sleep(0.001)
        return self.clients[number]


async def until(hub: Hub, state: HubState) -> None:
    async with asyncio.timeout(2):
        while hub.state is not state:  # noqa: ASYNC110  # the condition is anything
            await asyncio.sleep(0.001)
