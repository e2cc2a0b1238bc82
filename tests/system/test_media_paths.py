"""Ways to the viewer: IPv6, TCP, an address that changes, and what strangers send to both ports."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aioice import stun

from streams.pool import MediaPool
from streams.webrtc import framing
from tests.system.media_browser import CHROMIUM, browser
from tests.system.media_scene import FPS, camera, encoded_loop, source_of
from tests.system.media_viewer import AiortcViewer

pytestmark = pytest.mark.system
_LOCAL = """
async (id) => {
  const all = new Map((await window.viewers[id].pc.getStats()).entries());
  const pairs = [...all.values()].filter((item) => item.type === "candidate-pair" && item.nominated);
  return pairs.map((pair) => [all.get(pair.localCandidateId).protocol, all.get(pair.remoteCandidateId).address]);
}
"""


def without(protocol: str, sdp: str) -> str:
    return "".join(line for line in sdp.splitlines(keepends=True) if f" 1 {protocol} " not in line)


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's chromium is not installed")
async def test_one_port_serves_both_kinds_of_address_over_both_transports() -> None:
    encoded_loop()
    async with camera() as (server, _):
        pools = {host: MediaPool(1, "::", 0, [host], tcp=True) for host in ("::1", "127.0.0.1")}
        await asyncio.gather(*(pool.start() for pool in pools.values()))

        async def whep(session_id: str, offer: str) -> str:
            host, _, left_out = session_id.partition(" ")
            return without(left_out, (await pools[host].open_session(session_id, source_of(server), offer)).sdp)

        try:
            async with browser(whep) as chromium:
                for host, pool in pools.items():
                    for left_out, expected in (("none", "udp"), ("udp", "tcp")):
                        session = f"{host} {left_out}"
                        await chromium.watch(session, frames=FPS)
                        assert await chromium.evaluate(_LOCAL, session) == [[expected, host]]
                        stats = await chromium.stats(session)
                        assert (stats["packetsLost"], stats["pliCount"]) == (0, 0)
                    [worker] = await pool.stats()
                    assert worker["gso"]
                    assert worker["tcp_connections"] >= 1
        finally:
            await asyncio.gather(*(pool.close() for pool in pools.values()))


class Rebinding(asyncio.DatagramProtocol):
    """A NAT in front of the worker's port, which forgets its binding when told: the viewer comes from elsewhere."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._viewer: tuple[str, int] | None = None
        self._inside: asyncio.DatagramTransport | None = None
        self._outside: socket.socket | None = None

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        self._inside, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.rebind()
        return int(self._inside.get_extra_info("sockname")[1])

    def rebind(self) -> None:
        self.close_outside()
        self._outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outside.setblocking(False)
        self._outside.connect(self._target)
        asyncio.get_running_loop().add_reader(self._outside, self._returned)

    def close_outside(self) -> None:
        if self._outside:
            asyncio.get_running_loop().remove_reader(self._outside)
            self._outside.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._viewer = addr
        if self._outside:
            self._outside.send(data)

    def _returned(self) -> None:
        try:
            while self._outside and self._inside:
                self._inside.sendto(self._outside.recv(2048), self._viewer)
        except BlockingIOError:
            return

    def close(self) -> None:
        self.close_outside()
        if self._inside:
            self._inside.close()


@asynccontextmanager
async def nat(port: int) -> AsyncIterator[tuple[Rebinding, int]]:
    box = Rebinding(("127.0.0.1", port))
    try:
        yield box, await box.start()
    finally:
        box.close()


async def test_a_viewer_whose_nat_forgets_it_keeps_its_picture_and_its_session() -> None:
    encoded_loop()
    ended: list[dict[str, object]] = []

    def note(event: dict[str, object]) -> None:
        if event.get("state") == "closed":
            ended.append(event)

    async with camera() as (server, _), AiortcViewer() as viewer:
        pool = MediaPool(1, "127.0.0.1", 0, ["127.0.0.1"], on_event=note)
        await pool.start()
        try:
            answer = await pool.open_session("s", source_of(server), await viewer.offer())
            found = re.search(r" 127\.0\.0\.1 (\d+) typ host", answer.sdp)
            assert found
            async with nat(int(found[1])) as (box, port):
                await viewer.take(answer.sdp.replace(f" {found[1]} typ", f" {port} typ"))
                await viewer.frames(10)
                for moves in (1, 2):
                    box.rebind()
                    # aioice checks every 5 s or so, and the old binding has to be silent for 3 s.
                    async with asyncio.timeout(15):
                        while (await pool.stats())[0]["moves"] < moves:  # noqa: ASYNC110  another process's figure
                            await asyncio.sleep(0.1)
                    await viewer.frames(2 * FPS)
                assert ended == []
        finally:
            await pool.close()


def nonsense(source: random.Random) -> bytes:
    """Random bytes, some of them dressed as STUN, DTLS, RTCP or frames."""
    data = source.randbytes(source.randrange(0, 400))
    heads = (b"", b"\0\1\0\x20" + stun.COOKIE.to_bytes(4, "big"), b"\x16\xfe\xfd", b"\x80\xc9", b"\0\x10", b"\xff\xff")
    return source.choice(heads) + data


async def test_strangers_on_both_ports_cost_the_others_nothing() -> None:
    encoded_loop()
    source = random.Random(7)
    async with camera() as (server, _), AiortcViewer() as viewer:
        pool = MediaPool(1, "127.0.0.1", 0, ["127.0.0.1"], tcp=True)
        await pool.start()
        try:
            answer = await pool.open_session("s", source_of(server), await viewer.offer())
            await viewer.take(answer.sdp)
            await viewer.frames(5)
            found = re.search(r" 127\.0\.0\.1 (\d+) typ host tcptype", answer.sdp)
            assert found
            port = int(found[1])
            await flood(port, source)
            await viewer.frames(FPS)
            [worker] = await pool.stats()
            assert (worker["live_sessions"], worker["packets_dropped"]) == (1, 0)
            assert worker["datagrams_malformed"] + worker["datagrams_strange"] > 500
            # 300 connections of which nobody is a viewer: no more than the limit stay, and nonsense ends at once.
            assert worker["tcp_accepted"] >= 300
            assert worker["tcp_connections"] <= 256
            assert worker["tcp_malformed"] > 50
        finally:
            await pool.close()


async def flood(port: int, source: random.Random) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number in range(1000):
            stranger.sendto(nonsense(source), ("127.0.0.1", port))
            if number % 50 == 0:
                await asyncio.sleep(0.005)
    writers = []
    for _ in range(300):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        data = nonsense(source)
        writer.write(framing.frame(data) if source.random() < 0.5 else data)
        writers.append(writer)
    await asyncio.sleep(0.5)
    for writer in writers:
        writer.transport.abort()
