"""HTTPS by the service itself: a self-signed certificate verified by its clients, and changed while people watch."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from camctl.api.http_protocol import beneath_tls
from camctl.tls import Certificate
from tests.support.commands import camctl_here, said, wait_until
from tests.support.ports import free_tcp_port
from tests.support.service import PASSWORD, Service, running, write_config
from tests.system.attacks.raw_http import GET, serving

pytestmark = pytest.mark.system

FEED = {"id": "feed", "name": "Jl. Sabang", "area": "31.71.07", "rtsp": {"main": "rtsp://127.0.0.1:9/main"}}
RENEWED_S = 15.0  # the files are looked at every five seconds


def make_certificate(folder: Path, config: Path) -> str:
    """Its fingerprint, as the command prints it."""
    made = camctl_here(
        "tls", "self-signed", "--name", "127.0.0.1", "--name", "camctl.test", "--folder", str(folder),
        "--config", str(config),
    )  # fmt: skip
    return next(line.split()[1] for line in said(made).splitlines() if line.startswith("SHA-256"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("https")


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    make_certificate(folder / "tls", write_config(folder))
    files = {"certificate": str(folder / "tls/self-signed.pem"), "key": str(folder / "tls/self-signed.key")}
    server = {"host": "127.0.0.1", "port": free_tcp_port(), "tls": files}
    config = write_config(folder, [FEED], server=server)
    with running(folder, config, {"sari": ["--role", "operator", "--area", "31"]}) as service:
        yield service


def handshake(service: Service, context: ssl.SSLContext, name: str | None = None) -> ssl.SSLSocket:
    url = httpx.URL(service.url)
    plain = socket.create_connection((url.host, url.port or 0), timeout=10)
    return context.wrap_socket(plain, server_hostname=name)


def anything() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def shown(service: Service, name: str | None = None) -> str:
    """The SHA-256 of the certificate that a new connection is shown, as browsers write it."""
    with handshake(service, anything(), name) as connection:
        certificate = connection.getpeercert(binary_form=True)
    assert certificate
    return sha256(certificate).digest().hex(":").upper()


def test_a_client_that_verifies_the_certificate_is_served(service: Service) -> None:
    answer = httpx.get(f"{service.url}/healthz", **service.options)
    assert answer.status_code == 200
    assert "strict-transport-security" not in answer.headers  # a browser could not be told to go on despite the warning
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(f"{service.url}/healthz", timeout=10)


def test_the_cookie_is_for_https_only(service: Service) -> None:
    signed = {"username": "sari", "password": PASSWORD.format(username="sari")}
    with httpx.Client(base_url=service.api, **service.options) as browser:
        answer = browser.post("/auth/login", json=signed, headers={"Origin": service.url})
        assert answer.status_code == 200, answer.text
        assert "secure" in answer.headers["set-cookie"].lower()
        assert browser.get("/me").json()["username"] == "sari"
        weaker = {"Origin": service.url.replace("https", "http", 1)}  # somebody on the way wrote that page
        assert browser.post("/auth/logout", headers=weaker).status_code == 403


async def test_a_socket_over_tls(service: Service) -> None:
    # Not the library's threaded client: over TLS it loses one handshake in 400, with the library's own server too.
    assert isinstance(service.verify, ssl.SSLContext)
    url = service.api.replace("https", "wss", 1) + "/cameras/feed/control"
    async with connect(url, additional_headers=service.headers("sari"), ssl=service.verify, open_timeout=10) as opened:
        first: dict[str, Any] = json.loads(await asyncio.wait_for(opened.recv(), 10))
    assert first["type"] == "state"


def test_old_tls_and_no_tls_are_refused(service: Service) -> None:
    old = anything()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match=r"(?i)\bEOF\b|protocol.version"):
        handshake(service, old)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        modern = anything()
        modern.minimum_version = modern.maximum_version = version
        handshake(service, modern).close()
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(service.url.replace("https", "http", 1) + "/healthz", timeout=10)


def test_who_begins_a_handshake_and_says_no_more_holds_nobody_up(service: Service) -> None:
    url = httpx.URL(service.url)
    silent = [socket.create_connection((url.host, url.port or 0), timeout=10) for _ in range(50)]
    for each in silent:
        each.sendall(b"\x16\x03\x01")
    assert httpx.get(f"{service.url}/healthz", **service.options).status_code == 200
    for each in silent:
        each.close()


async def test_what_waits_for_a_slow_reader_is_as_little_over_tls(folder: Path) -> None:
    """asyncio's own buffer beneath TLS as well: what waits there is late too."""
    make_certificate(folder / "slow", folder / "config.yaml")
    certificate = Certificate(folder / "slow/self-signed.pem", folder / "slow/self-signed.key")
    async with serving(certificate) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=anything())
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        (transport,) = server.transports()
        below = beneath_tls(transport)
        assert below is not None
        for each in (transport, below):
            assert each.get_write_buffer_limits()[1] == 16_384
        writer.close()


async def test_a_renewed_certificate_is_shown_without_a_restart(service: Service, folder: Path) -> None:
    before = shown(service)
    assert said(camctl_here("tls", "show", "--config", str(service.config))).find(before) > 0
    assert isinstance(service.verify, ssl.SSLContext)
    url = service.api.replace("https", "wss", 1) + "/cameras/feed/control"
    async with connect(url, additional_headers=service.headers("sari"), ssl=service.verify, open_timeout=10) as opened:
        await asyncio.wait_for(opened.recv(), 10)
        after = make_certificate(folder / "new", service.config)
        assert after != before
        # First a half-written pair, as an ACME client leaves it for a moment: the old one stays in use.
        (folder / "new/self-signed.pem").replace(folder / "tls/self-signed.pem")
        log = service.log
        await asyncio.to_thread(
            wait_until, lambda: "is not the key of" in log.read_text(), RENEWED_S, lambda: "nobody saw the half"
        )
        assert shown(service) == before
        (folder / "new/self-signed.key").replace(folder / "tls/self-signed.key")
        await asyncio.to_thread(
            wait_until, lambda: shown(service) == after, RENEWED_S, lambda: "still the old certificate"
        )
        assert shown(service, "camctl.test") == after  # with a name in the ClientHello, and without
        await opened.send(json.dumps({"type": "ping", "seq": 1}))
        async with asyncio.timeout(10):
            while json.loads(await opened.recv()).get("seq") != 1:
                pass


@pytest.mark.parametrize(
    ("tls", "fault"),
    [
        ({"certificate": "no.pem", "key": "no.key"}, "server.tls.certificate: no.pem: No such file"),
        ({"certificate": "no.pem"}, "server.tls: give both certificate and key"),
        ({"certificate": "{folder}/tls/self-signed.pem", "key": "{folder}/tls/self-signed.pem"}, "no private key"),
        ({"certificate": "{folder}/tls/self-signed.key", "key": "{folder}/tls/self-signed.key"}, "no certificate in"),
    ],
)
def test_files_that_cannot_be_used_are_named(service: Service, folder: Path, tls: dict[str, str], fault: str) -> None:
    own = folder / "faulty"
    own.mkdir(exist_ok=True)
    config = write_config(own, server={"tls": {key: value.format(folder=folder) for key, value in tls.items()}})
    for command in ("check-config", "serve"):
        done = camctl_here(command, "--config", str(config))
        assert done.returncode == 2
        assert fault in done.stderr


def test_a_self_signed_certificate_is_its_owners_alone_and_never_replaced(folder: Path) -> None:
    own = folder / "own"
    own.mkdir()
    config = write_config(own)
    said(camctl_here("tls", "self-signed", "--name", "LOCALHOST", "--config", str(config)))
    for name in ("self-signed.pem", "self-signed.key"):
        assert (own / name).stat().st_mode & 0o777 == 0o600
    again = camctl_here("tls", "self-signed", "--name", "localhost", "--config", str(config))
    assert again.returncode == 1
    assert "is there already" in again.stderr
    wrong = camctl_here("tls", "self-signed", "--name", "https://localhost", "--config", str(config))
    assert wrong.returncode == 2
