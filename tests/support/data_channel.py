"""A viewer's video session with a data channel for control, as the page opens it, played by aiortc."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

_OPEN_S = 20.0


async def open_data_channel(
    camera: str, headers: dict[str, str], hear: Callable[[str | bytes], None], quality: str = "sub"
) -> tuple[RTCPeerConnection, RTCDataChannel, str]:
    """Watch a camera and open the channel "control" beside the video: unordered, nothing is sent twice.

    `camera` is its address in the API. Returns the connection, the open channel and the video session's id.

    Raises:
        OSError: the service refused; TimeoutError: the channel did not open.
    """
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("video", "recvonly")
    channel = connection.createDataChannel("control", ordered=False, maxRetransmits=0)
    is_open = asyncio.Event()
    channel.on("open", is_open.set)
    channel.on("message", hear)
    await connection.setLocalDescription(await connection.createOffer())
    async with httpx.AsyncClient(timeout=_OPEN_S) as client:
        reply = await client.post(
            f"{camera}/whep", params={"quality": quality}, content=connection.localDescription.sdp,
            headers={**headers, "content-type": "application/sdp"},
        )  # fmt: skip
    if reply.status_code != httpx.codes.CREATED:
        raise OSError(f"WHEP answered {reply.status_code}: {reply.text}")
    await connection.setRemoteDescription(RTCSessionDescription(reply.text, "answer"))
    async with asyncio.timeout(_OPEN_S):
        await is_open.wait()
    return connection, channel, reply.headers["location"].rpartition("/")[2]
