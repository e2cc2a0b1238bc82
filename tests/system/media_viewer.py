"""A viewer made of aiortc's whole RTCPeerConnection, which shares no code path with our relay's ICE and sending."""

from __future__ import annotations

import asyncio
from types import TracebackType

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from streams.pool import MediaPool, StreamSource


class AiortcViewer:
    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.addTransceiver("video", direction="recvonly")
        self.tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
        self.connection.on("track", self.tracks.put_nowait)
        self._track: MediaStreamTrack | None = None

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
