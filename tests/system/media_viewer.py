"""A viewer made of aiortc's whole RTCPeerConnection, which shares no code path with our relay's ICE and sending."""

from __future__ import annotations

import asyncio
from types import TracebackType

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame

from streams.pool import MediaPool, StreamSource


class AiortcViewer:
    """With `data` it opens the data channel "control" too; `texts` are what came over it. With `sound` it listens."""

    def __init__(self, *, data: bool = False, sound: bool = False) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.addTransceiver("video", direction="recvonly")
        if sound:
            self.connection.addTransceiver("audio", direction="recvonly")
        self.texts: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.channel: RTCDataChannel | None = self.open_channel("control") if data else None
        self.tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
        self.sounds: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
        self.connection.on(
            "track", lambda track: (self.sounds if track.kind == "audio" else self.tracks).put_nowait(track)
        )
        self._track: MediaStreamTrack | None = None

    def open_channel(self, label: str) -> RTCDataChannel:
        channel = self.connection.createDataChannel(label, ordered=False, maxRetransmits=0)
        channel.on("message", self.texts.put_nowait)
        return channel

    async def opened(self, timeout_s: float = 5.0) -> RTCDataChannel:
        """The channel, once it is open."""
        assert self.channel
        async with asyncio.timeout(timeout_s):
            while self.channel.readyState != "open":  # noqa: ASYNC110  # the state of a foreign class
                await asyncio.sleep(0.001)
        return self.channel

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def take(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def frame(self, timeout_s: float = 5.0) -> VideoFrame:
        async with asyncio.timeout(timeout_s):
            if self._track is None:
                self._track = await self.tracks.get()
            frame = await self._track.recv()
            assert isinstance(frame, VideoFrame)
            return frame

    async def frames(self, count: int, timeout_s: float = 10.0) -> list[VideoFrame]:
        async with asyncio.timeout(timeout_s):
            return [await self.frame() for _ in range(count)]

    async def hear(self, count: int, timeout_s: float = 10.0) -> list[AudioFrame]:
        """The next packets of sound, decoded."""
        async with asyncio.timeout(timeout_s):
            track = await self.sounds.get()
            self.sounds.put_nowait(track)
            frames = [await track.recv() for _ in range(count)]
        assert all(isinstance(frame, AudioFrame) for frame in frames)
        return frames  # type: ignore[return-value]

    async def drain(self) -> None:
        """Read until the track ends, so that nothing piles up."""
        try:
            while True:
                await self.frame(60)
        except (MediaStreamError, TimeoutError):
            return

    async def watch(self, pool: MediaPool, session_id: str, source: StreamSource) -> AiortcViewer:
        answer = await pool.open_session(session_id, source, await self.offer())
        await self.take(answer.sdp)
        return self

    async def __aenter__(self) -> AiortcViewer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.connection.close()
