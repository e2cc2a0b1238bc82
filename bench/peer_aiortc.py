"""The peer of `relay`: aiortc as its examples use it, a MediaPlayer without decoding, a MediaRelay for all viewers.

    python -m bench.peer_aiortc RTSP_URL PORT

Answers WHEP offers at http://127.0.0.1:PORT/whep; prints a line when it serves; ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRelay
from fastapi import FastAPI, Request, Response

from bench.program import answer, lines_of_stdin


class Relay:
    """One camera, any number of viewers."""

    def __init__(self, url: str) -> None:
        self._player = MediaPlayer(url, decode=False, options={"rtsp_transport": "tcp"})
        if self._player.video is None:
            raise SystemExit("the camera has no video that aiortc can pass through")
        self._track = self._player.video
        self._relay = MediaRelay()
        self._connections: set[RTCPeerConnection] = set()

    async def whep(self, request: Request) -> Response:
        """Answer an offer with H.264, the only codec that can be passed through here."""
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections.add(connection)
        sender = connection.addTrack(self._relay.subscribe(self._track))
        transceiver = next(each for each in connection.getTransceivers() if each.sender is sender)
        codecs = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == "video/H264"])
        offer = (await request.body()).decode()
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        return Response(connection.localDescription.sdp, 201, media_type="application/sdp")


async def main() -> None:
    """Serve until the parent is gone."""
    relay = await asyncio.to_thread(Relay, sys.argv[1])
    app = FastAPI()
    app.add_route("/whep", relay.whep, methods=["POST"])
    server = uvicorn.Server(
        uvicorn.Config(app, "127.0.0.1", int(sys.argv[2]), log_level="warning", timeout_graceful_shutdown=1)
    )
    questions = lines_of_stdin()
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110  # uvicorn says it by this flag only
        await asyncio.sleep(0.02)
    answer(ready=True)
    while await questions.get() is not None:
        pass
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
