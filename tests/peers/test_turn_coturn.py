"""A real coturn lets in who has our credentials, over UDP, TCP and TLS, and nobody whose time is over."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aioice import turn
from aioice.stun import TransactionFailed

from camctl.turn import TurnServers
from streams.pool import MediaPool
from tests.support.coturn import SECRET, Coturn, coturn, is_installed
from tests.system.media_browser import CHROMIUM, browser
from tests.system.media_scene import HEIGHT, WIDTH, camera, encoded_loop, source_of

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not is_installed(), reason="Debian's coturn is not installed"),
]
TRANSPORTS = ("udp", "tcp", "tls")
_RELAY_ONLY = """
([urls, username, credential]) => {
  window.plain ??= RTCPeerConnection;
  window.RTCPeerConnection = class extends plain {
    constructor() { super({iceServers: [{urls, username, credential}], iceTransportPolicy: "relay"}); }
  };
}
"""
_RELAYS = """
async (id) => {
  const all = [...(await window.viewers[id].pc.getStats()).values()];
  const pairs = all.filter((item) => item.type === "candidate-pair" && item.nominated);
  const used = pairs.map((item) => item.localCandidateId);
  return all.filter((item) => used.includes(item.id)).map((item) => [item.candidateType, item.relayProtocol]);
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with coturn(tmp_path_factory.mktemp("turn")) as server:
        yield server


def credentials(server: Coturn, *, ended_s_ago: float | None = None) -> tuple[str, str]:
    now_s = time.time() if ended_s_ago is None else time.time() - 60 - ended_s_ago
    return TurnServers(tuple(server.urls.values()), SECRET, 60.0).credentials(now_s, "viewer")


class Connections:
    """What aioice opens to the server; it closes them itself, but says to nobody when that is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._lost: list[asyncio.Event] = []
        for name in ("TurnClientUdpProtocol", "TurnClientTcpProtocol"):
            monkeypatch.setattr(turn, name, self._noting(getattr(turn, name)))

    def _noting(self, plain: Any) -> type:
        all_lost = self._lost

        class Noting(plain):  # type: ignore[misc]  # one of the two above
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.lost = asyncio.Event()
                all_lost.append(self.lost)
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                self.lost.set()

        return Noting

    async def all_closed(self) -> None:
        """None is left for the garbage collector to find, which would be some other test's failure."""
        assert self._lost
        async with asyncio.timeout(10.0):
            for lost in self._lost:
                await lost.wait()


async def allocate(server: Coturn, transport: str, username: str, password: str) -> None:
    """What aioice asks of a TURN server, the certificate verified."""
    is_tls = transport == "tls"
    allocated, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol,
        server_addr=(server.host, server.tls_port if is_tls else server.port),
        username=username,
        password=password,
        ssl=ssl.create_default_context(cafile=str(server.certificate)) if is_tls else None,
        transport="udp" if transport == "udp" else "tcp",
    )
    allocated.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_credentials_are_good_for_their_time_only(
    server: Coturn, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = Connections(monkeypatch)
    await allocate(server, transport, *credentials(server))
    for username, password in (credentials(server, ended_s_ago=5), (credentials(server)[0], "guessed")):
        with pytest.raises(TransactionFailed, match="401"):
            await allocate(server, transport, username, password)
    await connections.all_closed()


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's chromium is not installed")
async def test_chromium_shows_the_picture_through_the_relay_alone(server: Coturn) -> None:
    encoded_loop()
    async with camera() as (rtsp, _):
        pool = MediaPool(1, "127.0.0.1", 0, ["127.0.0.1"])
        await pool.start()

        async def whep(session_id: str, offer: str) -> str:
            return (await pool.open_session(session_id, source_of(rtsp), offer)).sdp

        try:
            # The flag is for coturn's certificate, which nobody signed; without it Chromium refuses TLS to it.
            async with browser(whep, arguments=["--ignore-certificate-errors"]) as chromium:
                for transport in TRANSPORTS:
                    await chromium.evaluate(_RELAY_ONLY, [server.urls[transport], *credentials(server)])
                    seen = await chromium.watch(transport, frames=10)
                    assert (seen["width"], seen["height"]) == (WIDTH, HEIGHT)
                    assert await chromium.evaluate(_RELAYS, transport) == [["relay", transport]]
        finally:
            await pool.close()
