"""How a viewer comes to its session: WHEP at camctl and aiortc, Janus' own signalling at Janus."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import httpx
from aiortc import RTCPeerConnection, RTCSessionDescription

_TIMEOUT_S = 20.0


class Way(Protocol):
    """One relay's signalling."""

    async def prepare(self, connection: RTCPeerConnection) -> None:
        """What can be done before anybody is asked: candidates, an offer."""

    async def join(self, connection: RTCPeerConnection, client: httpx.AsyncClient) -> None:
        """Negotiate; ICE and DTLS go on by themselves. Raises OSError when it is refused."""


@dataclass(frozen=True, slots=True)
class Whep:
    """WHEP (draft-ietf-wish-whep-03): one POST."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    async def prepare(self, connection: RTCPeerConnection) -> None:
        """See `Way`."""
        connection.addTransceiver("video", "recvonly")
        await connection.setLocalDescription(await connection.createOffer())

    async def join(self, connection: RTCPeerConnection, client: httpx.AsyncClient) -> None:
        """See `Way`."""
        headers = {**self.headers, "content-type": "application/sdp"}
        offer = connection.localDescription.sdp
        reply = await client.post(self.url, content=offer, headers=headers, timeout=_TIMEOUT_S)
        if reply.status_code != httpx.codes.CREATED:
            raise OSError(f"WHEP answered {reply.status_code}: {reply.text}")
        await connection.setRemoteDescription(RTCSessionDescription(reply.text, "answer"))


@dataclass(frozen=True, slots=True)
class Janus:
    """Janus' HTTP interface and its streaming plugin, which makes the offer (a session for each viewer)."""

    url: str
    mountpoint: int = 1

    async def prepare(self, connection: RTCPeerConnection) -> None:
        """Nothing: Janus speaks first."""

    async def join(self, connection: RTCPeerConnection, client: httpx.AsyncClient) -> None:
        """See `Way`."""
        session = f"{self.url}/{(await self._say(client, self.url, janus='create'))['data']['id']}"
        attached = await self._say(client, session, janus="attach", plugin="janus.plugin.streaming")
        handle = f"{session}/{attached['data']['id']}"
        await self._say(client, handle, janus="message", body={"request": "watch", "id": self.mountpoint})
        offer = await self._offer(client, session)
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        answer = {"type": "answer", "sdp": connection.localDescription.sdp}
        await self._say(client, handle, janus="message", body={"request": "start"}, jsep=answer)

    async def _offer(self, client: httpx.AsyncClient, session: str) -> str:
        """Wait for the event that carries it."""
        while True:
            event = (await client.get(session, timeout=_TIMEOUT_S)).raise_for_status().json()
            refusal = event.get("plugindata", {}).get("data", {}).get("error") or event.get("error")
            if refusal:
                raise OSError(f"Janus refused: {refusal}")
            if "jsep" in event:
                return str(event["jsep"]["sdp"])

    async def _say(self, client: httpx.AsyncClient, url: str, **message: object) -> dict[str, Any]:
        body = {**message, "transaction": secrets.token_hex(4)}
        reply: dict[str, Any] = (await client.post(url, json=body, timeout=_TIMEOUT_S)).raise_for_status().json()
        if reply["janus"] == "error":
            raise OSError(f"Janus refused {message['janus']}: {reply['error']['reason']}")
        return reply


def to_json(way: Whep | Janus) -> dict[str, Any]:
    """What `from_json` makes the way of again, in another process."""
    return {"kind": type(way).__name__, **asdict(way)}


def from_json(value: dict[str, Any]) -> Whep | Janus:
    """The opposite of `to_json`."""
    fields = {name: each for name, each in value.items() if name != "kind"}
    return Whep(**fields) if value["kind"] == "Whep" else Janus(**fields)
