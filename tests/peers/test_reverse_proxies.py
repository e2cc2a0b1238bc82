"""nginx and Caddy before the service, configured as the guide says: they bring the real client, and no invented one."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from camctl.tls import make_self_signed
from tests.support.commands import camctl_here, said, wait_until
from tests.support.ports import free_tcp_port
from tests.support.proxies import NAME, caddy_command, nginx_command, program, proxy
from tests.support.service import PASSWORD, Service, running, write_config

pytestmark = pytest.mark.peer

CLIENT = "127.0.0.2"  # no trusted proxy
FEED = {"id": "feed", "name": "Jl. Sabang", "area": "31.71.07", "rtsp": {"main": "rtsp://127.0.0.1:9/main"}}
COMMANDS = {"nginx": nginx_command, "caddy": caddy_command}


@dataclass
class Proxied:
    service: Service
    port: int
    tls: ssl.SSLContext

    @property
    def origin(self) -> str:
        return f"https://{NAME}:{self.port}"

    def browser(self) -> httpx.Client:
        """As from another machine; names are not looked up."""
        transport = httpx.HTTPTransport(verify=self.tls, local_address=CLIENT)
        headers = {"Host": f"{NAME}:{self.port}", "Origin": self.origin}
        return httpx.Client(base_url=f"https://127.0.0.1:{self.port}", transport=transport, headers=headers, timeout=15)

    def ask(self, browser: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
        return browser.request(method, path, extensions={"sni_hostname": NAME}, **options)


@pytest.fixture(scope="module", params=sorted(COMMANDS))
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    if program(request.param) is None:
        pytest.skip(f"Debian's {request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    certificate, key = folder / "proxy.pem", folder / "proxy.key"
    certificate_pem, key_pem = make_self_signed([NAME], datetime.now(UTC))
    certificate.write_bytes(certificate_pem)
    key.write_bytes(key_pem)
    port, inner = free_tcp_port(), free_tcp_port()
    trusting = {"public_url": f"https://{NAME}:{port}", "trusted_proxies": ["127.0.0.1/32"]}
    config = write_config(folder, [FEED], server={"host": "127.0.0.1", "port": inner, **trusting})
    command = COMMANDS[request.param](folder, port, inner, certificate, key)
    with (
        running(folder, config, {"sari": ["--role", "operator", "--area", "31"]}) as service,
        proxy(command, port, folder / "proxy.log"),
    ):
        yield Proxied(service, port, ssl.create_default_context(cafile=str(certificate)))


def addresses(service: Service) -> list[str]:
    """Whose sign-ins are on record."""
    rows = said(camctl_here("audit", "export", "--action", "sign-in", "--config", str(service.config)))
    return re.findall(r"address\W+([0-9a-f.:]+)", rows)


def test_a_sign_in_is_the_clients_own_and_its_cookie_secure(proxied: Proxied) -> None:
    signed = {"username": "sari", "password": PASSWORD.format(username="sari")}
    invented = {"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Proto": "http", "Forwarded": "for=192.0.2.66"}
    with proxied.browser() as browser:
        answer = proxied.ask(browser, "POST", "/api/v1/auth/login", json=signed, headers=invented)
        assert answer.status_code == 200, answer.text
        assert "secure" in answer.headers["set-cookie"].lower()
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert proxied.ask(browser, "GET", "/metrics").status_code in {401, 403}
        cookie = {"Cookie": f"camctl_session={answer.cookies['camctl_session']}"}
        assert proxied.ask(browser, "GET", "/api/v1/me", headers=cookie).json()["username"] == "sari"
    service = proxied.service
    wait_until(lambda: CLIENT in addresses(service), 10, lambda: str(addresses(service)))
    assert set(addresses(service)) == {CLIENT}


async def test_a_socket_goes_through(proxied: Proxied) -> None:
    url = f"wss://{NAME}:{proxied.port}/api/v1/cameras/feed/control"
    line = socket.create_connection(("127.0.0.1", proxied.port), timeout=10)
    headers = proxied.service.headers("sari")
    async with connect(url, sock=line, ssl=proxied.tls, additional_headers=headers, origin=proxied.origin) as opened:  # type: ignore[arg-type]
        assert json.loads(await asyncio.wait_for(opened.recv(), 10))["type"] == "state"
        await opened.send(json.dumps({"type": "ping", "seq": 1}))
        async with asyncio.timeout(10):
            while json.loads(await opened.recv()).get("seq") != 1:
                pass


def test_another_sites_page_and_too_much_are_refused(proxied: Proxied) -> None:
    with proxied.browser() as browser:
        evil = {"Origin": "https://evil.example"}
        assert proxied.ask(browser, "POST", "/api/v1/auth/login", json={}, headers=evil).status_code in {403, 422}
        large = proxied.ask(browser, "POST", "/api/v1/auth/login", content=b"x" * 10**6)
        assert large.status_code == 413
