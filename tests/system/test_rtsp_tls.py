"""rtsps://: the camera proves who it is, by a known authority or by its pinned fingerprint, or is told nothing."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from streams.errors import StreamError, StreamFault
from streams.rtsp import tls
from streams.rtsp.client import RtspClient
from streams.rtsp.origin import Transport
from tests.support.certificates import Certificate, self_signed
from tests.support.rtsp_kit import LoopSource, decode_count, pull, serving
from tests.system.test_rtsp_odd_cameras import camera, good

pytestmark = pytest.mark.system

LOGIN = {"admin": "hunter2"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def client_of(port: int, fingerprint: str = "", *, scheme: str = "rtsps", **options: Transport) -> RtspClient:
    url = f"{scheme}://127.0.0.1:{port}/main"
    return RtspClient(url, "127.0.0.1", "admin", "hunter2", tls_fingerprint=fingerprint, **options)


async def refusal(client: RtspClient) -> StreamError:
    with pytest.raises(StreamError) as caught:
        await client.open()
    await client.close()
    assert "hunter2" not in repr(caught.value)
    return caught.value


def colons(fingerprint: str) -> str:
    return ":".join(fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()


@pytest.mark.parametrize("written", [str, colons])
async def test_a_pinned_camera_is_pulled(certificate: Certificate, written: type) -> None:
    async with serving(LoopSource(), speed=4, credentials=LOGIN, tls=certificate.server()) as server:
        units = await pull(client_of(server.port, written(certificate.fingerprint)), 15)
    assert decode_count(units) == len(units)


async def test_a_camera_that_a_known_authority_vouches_for_is_pulled(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate.chain))
    monkeypatch.setattr(tls, "_verified", lambda: trusting)
    async with serving(LoopSource(), speed=4, tls=certificate.server()) as server:
        assert await pull(client_of(server.port), 3)


async def test_an_unknown_certificate_is_refused_and_shown_so_that_it_can_be_pinned(certificate: Certificate) -> None:
    async with serving(LoopSource(), credentials=LOGIN, tls=certificate.server()) as server:
        error = await refusal(client_of(server.port))
        assert server.client_count == 0, "nothing was said"
        assert error.fault is StreamFault.CERTIFICATE
        assert "self-signed certificate" in error.detail
        assert colons(certificate.fingerprint) in error.detail
        assert "pin it as tls_fingerprint" in error.detail


async def test_another_certificate_than_the_pinned_one_is_refused(certificate: Certificate, tmp_path: Path) -> None:
    other = self_signed(tmp_path, "127.0.0.1")
    async with serving(LoopSource(), credentials=LOGIN, tls=other.server()) as server:
        error = await refusal(client_of(server.port, certificate.fingerprint))
    assert error.fault is StreamFault.CERTIFICATE
    assert colons(other.fingerprint) in error.detail


async def test_a_certificate_for_another_host_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = self_signed(tmp_path, "camera.example")
    trusting = ssl.create_default_context(cafile=str(other.chain))
    monkeypatch.setattr(tls, "_verified", lambda: trusting)
    async with serving(LoopSource(), tls=other.server()) as server:
        error = await refusal(client_of(server.port))
    assert error.fault is StreamFault.CERTIFICATE
    assert "IP address mismatch" in error.detail


async def test_a_camera_without_tls_is_said_to_have_none() -> None:
    async with serving(LoopSource()) as server:
        error = await refusal(client_of(server.port, "ab" * 32))
    assert error.fault is StreamFault.PROTOCOL
    assert "is it rtsp:// rather than rtsps:// there?" in error.detail


async def test_a_camera_that_never_answers_the_handshake_is_given_up() -> None:
    async with camera(lambda _: b"") as made:
        made.is_deaf = True
        client = RtspClient(f"rtsps://127.0.0.1:{made.port}/x", "127.0.0.1", "", "", connect_timeout_s=0.3)
        error = await refusal(client)
    assert error.fault is StreamFault.TIMEOUT


async def test_video_is_never_sent_in_the_clear_beside_tls(certificate: Certificate) -> None:
    async with serving(LoopSource(), speed=4, tls=certificate.server()) as server:
        client = client_of(server.port, certificate.fingerprint, transport=Transport.UDP)
        await client.open()
        with pytest.raises(StreamError, match="without encryption"):
            await client.play(lambda _: None)
        await client.close()


async def test_port_322_is_the_default() -> None:
    error = await refusal(RtspClient("rtsps://127.0.0.1/x", "127.0.0.1", "", ""))
    assert "322" in error.detail
    assert "554" in (await refusal(RtspClient("rtsp://127.0.0.1/x", "127.0.0.1", "", ""))).detail


async def test_plain_rtsp_ignores_a_fingerprint() -> None:
    async with camera(good) as made:
        client = client_of(made.port, "ab" * 32, scheme="rtsp")
        assert (await client.open()).codec == "H264"
        await client.close()
