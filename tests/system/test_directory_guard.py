"""The city's directory over real sockets: nobody is called but where the guard said, and whoever answers there has to
have the name's certificate.

A canary listens where nobody may go. Names are answered by the test; addresses are this machine's.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from auth.oidc import new_attempt
from auth.oidc_client import OidcClient
from auth.oidc_settings import DirectoryRefusedError, OidcError, OidcSettings
from auth.pinned_http import LIMITS
from camctl.directory import DirectoryGuard
from camctl.egress import OwnMachine
from tests.support.certificates import self_signed

pytestmark = pytest.mark.system

NAME, OTHER = "login.example.go.id", "elsewhere.example.go.id"
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


@dataclass
class Peer:
    """A directory at one address: what it was asked for, and under which names. It keeps connections open."""

    port: int
    scheme: str
    redirect: str | None = None
    connections: int = 0
    asked: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    named_by_tls: list[str | None] = field(default_factory=list)
    answering: list[asyncio.Task[None]] = field(default_factory=list)

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.answering.append(asyncio.create_task(self._answer(reader, writer)))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
                headers = dict(line.lower().split(": ", 1) for line in lines if line)
                await reader.readexactly(int(headers.get("content-length", "0")))
                self.asked.append(head.split()[1])
                self.hosts.append(headers["host"])
                writer.write(self._reply(self.asked[-1]))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # it is the client that hangs up here
        finally:
            writer.close()

    def _reply(self, path: str) -> bytes:
        if self.redirect is not None:
            return f"HTTP/1.1 302 Found\r\nLocation: {self.redirect}\r\nContent-Length: 0\r\n\r\n".encode()
        issuer = f"{self.scheme}://{NAME if self.scheme == 'https' else 'localhost'}:{self.port}"
        said = {"issuer": issuer, "authorization_endpoint": f"{issuer}/authorize", "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys"} if "well-known" in path else {"id_token": "a-token"}  # fmt: skip
        body = json.dumps(said).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@asynccontextmanager
async def peer(address: str, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    it = Peer(port, "http" if tls is None else "https")
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: it.named_by_tls.append(name)
    server = await asyncio.start_server(it.take, address, port, ssl=tls)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.wait_for(asyncio.gather(*it.answering), 5)


class Names:
    """A name server of the test's: each look-up takes the next answer, the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []
        monkeypatch.setattr("camctl.egress.system_resolve", self._look_up)
        real = socket.getaddrinfo

        def only_addresses(host: object, *args: object, **named: object) -> object:
            socket.inet_pton(socket.AF_INET, str(host))  # a name here was never judged
            return real(host, *args, **named)  # type: ignore[call-overload]

        monkeypatch.setattr("socket.getaddrinfo", only_addresses)

    def _look_up(self, host: str) -> list[str]:
        self.asked.append(host)
        return list(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


@asynccontextmanager
async def client(
    port: int,
    networks: Sequence[str],
    trusted: ssl.SSLContext | None = None,
    own: OwnMachine | None = None,
    origin: str = f"https://{NAME}",
) -> AsyncIterator[OidcClient]:
    issuer = f"{origin}:{port}"
    settings = OidcSettings(issuer, "camctl", "very-secret", "https://cctv.example.go.id/api/v1/auth/oidc/callback")
    wire = None if trusted is None else httpx.AsyncHTTPTransport(verify=trusted, trust_env=False, limits=LIMITS)
    made = OidcClient(settings, DirectoryGuard(issuer, networks, own or OwnMachine()), transport=wire)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


def tls(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server with a certificate of this name, and for a client that trusts it."""
    certificate = self_signed(folder / name, name)
    return certificate.server(), ssl.create_default_context(cafile=str(certificate.chain))


async def test_the_name_stays_in_host_and_tls_and_is_looked_up_for_each_call(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(monkeypatch, [HERE])
    shown, trusted = tls(folder, NAME)
    async with peer(HERE, tls=shown) as it, client(it.port, [f"{HERE}/32"], trusted) as asking:
        await asking.provider()
        assert await asking.redeem("a-code", new_attempt()) == "a-token"
    assert it.asked == ["/.well-known/openid-configuration", "/token"]
    assert it.hosts == [f"{NAME}:{it.port}"] * 2
    assert it.named_by_tls == [NAME] * 2
    assert names.asked == [NAME] * 2


async def test_no_connection_is_kept_for_a_call_that_it_was_not_judged_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """By httpx's own transport, as the service has it; without TLS, as on one machine."""
    Names(monkeypatch, [HERE])
    async with peer(HERE) as it, client(it.port, [f"{HERE}/32"], origin="http://localhost") as asking:
        await asking.provider()
        assert await asking.redeem("a-code", new_attempt()) == "a-token"
    assert (it.connections, it.hosts) == (2, [f"localhost:{it.port}"] * 2)


async def test_a_certificate_for_another_name_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, [HERE])
    for name in (OTHER, HERE):  # nor one for the address that was pinned
        shown, trusted = tls(folder, name)
        async with peer(HERE, tls=shown) as it, client(it.port, [f"{HERE}/32"], trusted) as asking:
            with pytest.raises(OidcError, match="ConnectError"):
                await asking.provider()
        assert it.asked == []


async def test_an_authority_that_nobody_knows_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By httpx's own transport, as the service has it."""
    Names(monkeypatch, [HERE])
    shown, _ = tls(folder, NAME)
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / NAME / "camera.pem"))
    async with peer(HERE, tls=shown) as it, client(it.port, [f"{HERE}/32"]) as asking:
        with pytest.raises(OidcError, match="ConnectError"):
            await asking.provider()
    assert it.asked == []


@pytest.mark.parametrize("found", ["127.0.0.1", "::ffff:127.0.0.1", "::1", "0.0.0.0", "::"])
async def test_what_is_refused_sees_no_connection(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    """Every one of these would reach the listener here, if it were connected to."""
    address = "::1" if found in {"::1", "::"} else HERE
    Names(monkeypatch, [found])
    async with peer(address) as canary, client(canary.port, ["10.0.0.0/8"]) as asking:
        with pytest.raises(DirectoryRefusedError):
            await asking.provider()
        await asyncio.sleep(0.1)
    assert canary.connections == 0


@pytest.mark.parametrize("found", ["169.254.169.254", "fe80::1", "224.0.0.1", "10.0.0.1", "192.168.1.1", "fd00::1"])
async def test_to_what_is_refused_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    Names(monkeypatch, [found], [HERE, found])
    loop = asyncio.get_running_loop()
    for method in ("create_connection", "sock_connect"):
        monkeypatch.setattr(loop, method, lambda *_args, **_named: pytest.fail("it connects"))
    for _ in range(2):
        async with client(443, [f"{HERE}/32"]) as asking:
            with pytest.raises(DirectoryRefusedError, match="is not called") as caught:
                await asking.provider()
        assert "very-secret" not in str(caught.value)


async def test_our_own_port_sees_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, [HERE])
    async with peer(HERE) as ours, client(ours.port, ["127.0.0.0/8"], own=OwnMachine((), (ours.port,))) as asking:
        with pytest.raises(DirectoryRefusedError, match="this service's own"):
            await asking.provider()
    assert ours.connections == 0


async def test_a_name_that_changes_its_mind_between_two_calls_is_judged_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the code and the client's secret go nowhere else than what was judged for that call."""
    shown, trusted = tls(folder, NAME)
    names = Names(monkeypatch, [HERE], [ELSEWHERE])
    async with (
        peer(HERE, tls=shown) as it,
        peer(ELSEWHERE, it.port, tls=tls(folder, NAME)[0]) as canary,
        client(it.port, [f"{HERE}/32"], trusted) as asking,
    ):
        await asking.provider()
        with pytest.raises(DirectoryRefusedError, match=f"{ELSEWHERE}/32"):
            await asking.redeem("a-code", new_attempt())
    assert (it.asked, canary.connections) == (["/.well-known/openid-configuration"], 0)
    assert names.asked == [NAME] * 2


async def test_a_name_that_moves_within_what_is_approved_is_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And to whom it moved has to have the name's certificate as well."""
    shown, trusted = tls(folder, NAME)
    Names(monkeypatch, [HERE], [ELSEWHERE])
    async with (
        peer(HERE, tls=shown) as it,
        peer(ELSEWHERE, it.port, tls=tls(folder, OTHER)[0]) as other,
        client(it.port, ["127.0.0.0/8"], trusted) as asking,
    ):
        await asking.provider()
        with pytest.raises(OidcError, match="ConnectError"):
            await asking.redeem("a-code", new_attempt())
    assert (it.asked, other.asked) == (["/.well-known/openid-configuration"], [])
    assert other.connections + len(other.named_by_tls) > 0


async def test_neither_redirects_nor_the_environments_proxies_lead_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, trusted = tls(folder, NAME)
    Names(monkeypatch, [HERE])
    async with (
        peer(HERE, tls=shown) as it,
        peer(ELSEWHERE) as canary,
        client(it.port, ["127.0.0.0/8"], trusted) as asking,
    ):
        it.redirect = f"http://{ELSEWHERE}:{canary.port}/"
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, it.redirect)
        with pytest.raises(OidcError, match="status 302"):
            await asking.provider()
    assert (len(it.asked), canary.connections) == (1, 0)
