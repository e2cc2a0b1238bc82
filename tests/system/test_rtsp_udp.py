"""RTP over UDP: chosen when the camera refuses TCP, put in order, taken from the camera only; a firewall is named."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from simulators.config import StreetConfig
from simulators.street import run_street
from streams.errors import StreamError, StreamFault
from streams.rtp.frames import AccessUnit
from streams.rtp.packet import pack_header
from streams.rtp.rtcp import Bye, ReceiverReport, build_bye, parse_rtcp
from streams.rtsp.carriers import UdpCarrier
from streams.rtsp.client import RtspClient
from streams.rtsp.origin import Transport
from streams.rtsp.protocol import Request
from streams.rtsp.server import RtspServer
from streams.rtsp.transport import parse_transports
from tests.support.rtsp_kit import LoopSource, decode_count, pull, serving, until
from tests.system.test_rtsp_odd_cameras import answer, camera, good

pytestmark = pytest.mark.system

UDP, TCP, AUTO = Transport.UDP, Transport.TCP, Transport.AUTO


def client_of(port: int, transport: Transport = AUTO, path: str = "main", **timeouts: float) -> RtspClient:
    timeouts = {"answer_timeout_s": 1.0} | timeouts
    return RtspClient(f"rtsp://127.0.0.1:{port}/{path}", "127.0.0.1", "", "", transport=transport, **timeouts)


@pytest.mark.parametrize("codec", ["H264", "H265"])
@pytest.mark.parametrize(
    ("transport", "served", "carrier"),
    [
        (AUTO, ("tcp", "udp"), "RTP over TCP"),
        (AUTO, ("udp",), "RTP over UDP"),
        (UDP, ("tcp", "udp"), "RTP over UDP"),
        (TCP, ("tcp", "udp"), "RTP over TCP"),
    ],
)
async def test_what_both_can_carries_the_stream(
    transport: Transport, served: tuple[str, ...], carrier: str, codec: str
) -> None:
    source = LoopSource(codec=codec, in_band=False)
    async with serving(source, speed=4, transports=served) as server:
        client = client_of(server.port, transport)
        units = await pull(client, 25)
        assert client.carrier == carrier
        assert client.counters.lost == 0
        await until(lambda: not source.subscriptions)
    assert decode_count(units) == len(units)
    assert {unit.codec for unit in units} == {codec}


@pytest.mark.parametrize(
    ("transport", "served", "words"),
    [(TCP, ("udp",), "refuses RTP over TCP .* auto or udp"), (UDP, ("tcp",), "takes no RTP over UDP .* auto or tcp")],
)
async def test_what_the_camera_does_not_take_is_said(transport: Transport, served: tuple[str, ...], words: str) -> None:
    async with serving(LoopSource(), transports=served) as server:
        client = client_of(server.port, transport)
        await client.open()
        with pytest.raises(StreamError, match=words) as caught:
            await client.play(lambda _: None)
        await client.close()
    assert caught.value.fault is StreamFault.PROTOCOL


class UdpCamera:
    """A camera's UDP side, by hand: `ports` are the client's, once SETUP came; reports of the client are kept."""

    def __init__(self, *, interleaving: str = "461 Unsupported Transport") -> None:
        self.interleaving = interleaving
        self.rtp, self.rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for sock in (self.rtp, self.rtcp):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        self.ports = (0, 0)

    def script(self, request: Request) -> bytes:
        if request.method != "SETUP":
            return good(request)
        (wanted,) = parse_transports(request.headers.get("Transport"))
        ports = f"{self.rtp.getsockname()[1]}-{self.rtcp.getsockname()[1]}"
        if wanted.is_tcp and self.interleaving.startswith("461"):
            return answer(request, self.interleaving)
        if wanted.client_port:
            self.ports = wanted.client_port
        return answer(request, "200 OK", "Session: abc", f"Transport: RTP/AVP;unicast;server_port={ports}")

    def send(self, sequence: int, *, ssrc: int = 7, sender: socket.socket | None = None) -> None:
        data = pack_header(96, True, sequence, sequence * 3600, ssrc) + b"\x65\x88idr"
        (sender or self.rtp).sendto(data, ("127.0.0.1", self.ports[0]))

    def reports(self) -> list[object]:
        found: list[object] = []
        while True:
            try:
                found += parse_rtcp(self.rtcp.recv(2000))
            except BlockingIOError:
                return found


@contextmanager
def udp_camera(**options: str) -> Iterator[UdpCamera]:
    made = UdpCamera(**options)
    try:
        yield made
    finally:
        made.rtp.close()
        made.rtcp.close()


async def playing_from(
    made: UdpCamera, port: int, units: list[AccessUnit], **options: float
) -> tuple[RtspClient, asyncio.Task[None]]:
    client = client_of(port, AUTO, "live", **options)
    await client.open()
    playing = asyncio.create_task(client.play(units.append))
    await until(lambda: made.ports[0] and client.carrier)
    await asyncio.sleep(0.05)
    return client, playing


@pytest.mark.parametrize("interleaving", ["461 Unsupported Transport", "200 OK"])
async def test_a_camera_that_refuses_interleaving_or_names_ports_instead_sends_by_udp(interleaving: str) -> None:
    units: list[AccessUnit] = []
    with udp_camera(interleaving=interleaving) as made:
        async with camera(made.script) as rtsp:
            client, playing = await playing_from(made, rtsp.port, units)
            assert made.ports[0] % 2 == 0
            assert made.ports[1] == made.ports[0] + 1
            assert made.rtp.recv(100)[0] >> 6 == 2, "an empty packet opens the way through firewalls"
            made.send(1)
            await until(lambda: units)
            await client.close()
            await playing
            assert rtsp.methods[-1] == "TEARDOWN"
        last = made.reports()[-1]
        assert isinstance(last, Bye)


async def test_packets_out_of_order_are_put_back_and_a_lost_one_is_waited_for_a_moment_only() -> None:
    units: list[AccessUnit] = []
    with udp_camera() as made:
        async with camera(made.script) as rtsp:
            client, playing = await playing_from(made, rtsp.port, units)
            for sequence in (1, 3, 2, 5, 4):
                made.send(sequence)
            await until(lambda: len(units) == 5)
            made.send(7)
            await until(lambda: len(units) == 6, 1.0)  # by the timer: nothing comes after it
            await client.close()
            await playing
    assert [unit.timestamp // 3600 for unit in units] == [1, 2, 3, 4, 5, 7]
    assert client.counters.lost == 1


async def test_packets_of_other_addresses_and_strays_are_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    units: list[AccessUnit] = []
    caplog.set_level(logging.INFO)
    with udp_camera() as made, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        async with camera(made.script) as rtsp:
            client, playing = await playing_from(made, rtsp.port, units)
            made.send(1)
            for sequence in range(2, 40):
                made.send(sequence, sender=stranger)
                made.send(sequence + 100, sender=stranger, ssrc=99)
            made.send(30_000, ssrc=99)
            made.rtp.sendto(b"hunter2", ("127.0.0.1", made.ports[0]))
            stranger.sendto(build_bye(7), ("127.0.0.1", made.ports[1]))
            made.send(2)
            await until(lambda: len(units) == 2)
            await asyncio.sleep(0.05)
            assert not playing.done()
            await client.close()
            await playing
    assert [unit.timestamp // 3600 for unit in units] == [1, 2]
    (line,) = [text for text in caplog.messages if text.startswith("dropped a packet")]
    assert "RTP packet of 7 bytes is shorter than its header" in line
    assert "hunter2" not in caplog.text


async def test_receiver_reports_go_to_the_cameras_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.rtsp.client._REPORT_EVERY_S", 0.1)
    with udp_camera() as made:
        async with camera(made.script) as rtsp:
            client, playing = await playing_from(made, rtsp.port, [])
            made.send(9)
            await asyncio.sleep(0.3)
            await client.close()
            await playing
        reports = [report for report in made.reports() if isinstance(report, ReceiverReport) and report.blocks]
    assert (reports[0].blocks[0].ssrc, reports[0].blocks[0].highest_sequence) == (7, 9)


async def test_a_firewall_that_drops_the_video_is_named_soon_with_the_ports() -> None:
    with udp_camera() as made, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        async with camera(made.script) as rtsp:
            client, playing = await playing_from(made, rtsp.port, [], udp_timeout_s=0.5)
            made.send(1, sender=stranger)
            with pytest.raises(StreamError) as caught:
                await playing
            await client.close()
    assert caught.value.fault is StreamFault.TIMEOUT
    detail = caught.value.detail
    assert f"a firewall between 127.0.0.1 and UDP ports {made.ports[0]}-{made.ports[1]} of this machine" in detail
    assert "(1 packets came from other addresses" in detail
    assert "which it refuses (SETUP, 461)" in detail


async def test_what_the_consumer_raises_ends_the_stream_and_a_timeout_comes_as_over_tcp() -> None:
    def refuse(_: AccessUnit) -> None:
        raise RuntimeError("no room")

    with udp_camera() as made:
        async with camera(made.script) as rtsp:
            client = client_of(rtsp.port, AUTO, "live")
            await client.open()
            playing = asyncio.create_task(client.play(refuse))
            await until(lambda: made.ports[0])
            await asyncio.sleep(0.05)
            made.send(1)
            with pytest.raises(RuntimeError, match="no room"):
                await playing
            await client.close()

            silent, playing = await playing_from(made, rtsp.port, [], idle_timeout_s=0.3)
            made.send(1)
            with pytest.raises(StreamError, match=re.escape("no picture data for 0.3 s")):
                await playing
            await silent.close()


async def test_it_works_over_ipv6() -> None:
    source = LoopSource()
    server = RtspServer({"main": source}.get, credentials=None, realm="x", transports=("udp",))
    await server.start("::1", 0)
    running = asyncio.create_task(source.run(speed=4))
    try:
        units = await pull(RtspClient(f"rtsp://[::1]:{server.port}/main", "::1", "", ""), 5)
    finally:
        running.cancel()
        await server.close()
    assert decode_count(units) == len(units)


async def test_a_machine_without_ports_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object) -> None:
        raise OSError(errno.EADDRINUSE, "taken")

    monkeypatch.setattr(UdpCarrier, "_socket", taken)
    async with serving(LoopSource(), transports=("udp",)) as server:
        client = client_of(server.port)
        await client.open()
        with pytest.raises(
            StreamError, match="no UDP ports to be had on this machine: Address already in use"
        ) as caught:
            await client.play(lambda _: None)
        await client.close()
    assert caught.value.fault is StreamFault.OVERLOADED


async def test_the_ports_are_given_back() -> None:
    async with serving(LoopSource(), speed=4) as server:
        client = client_of(server.port, UDP)
        await pull(client, 3)
    assert isinstance(client._carrier, UdpCarrier)
    for port in client._carrier.ports:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", port))


async def test_a_simulated_camera_can_be_told_to_send_by_udp_only() -> None:
    account = {"username": "sim", "password": "rahasia"}
    config = {
        "first_onvif_port": 0,
        "first_rtsp_port": 0,
        "cameras": [{"name": "udp", "rtsp_transports": ["udp"], **account}],
    }
    street = await run_street(StreetConfig.model_validate(config))
    try:
        url = f"rtsp://127.0.0.1:{street.endpoints[0].rtsp_port}/sub"
        client = RtspClient(url, "127.0.0.1", "sim", "rahasia")
        units = await pull(client, 5)
    finally:
        await street.close()
    assert client.carrier == "RTP over UDP"
    assert decode_count(units) == len(units)
