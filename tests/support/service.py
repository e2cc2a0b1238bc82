"""A running `camctl serve` with a configuration of the test's own; people come from the command line, as in a city."""

from __future__ import annotations

import re
import ssl
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.commands import camctl_here, process, said, wait_started
from tests.support.ports import free_tcp_port, free_udp_ports

PASSWORD = "kata-sandi-{username}"


@dataclass
class Service:
    """A service that is ready, its people's tokens by name, and its files."""

    url: str
    config: Path
    log: Path
    pid: int
    tokens: dict[str, str] = field(default_factory=dict)
    verify: ssl.SSLContext | bool = True

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    def client(self, username: str, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.api, headers=self.headers(username), **self.options | options)

    @contextmanager
    def browser(self, username: str) -> Iterator[httpx.Client]:
        """Signed in with the password, as in person: for what no token may do."""
        signed = {"username": username, "password": PASSWORD.format(username=username)}
        with httpx.Client(base_url=self.api, **self.options) as client:
            client.post("/auth/login", json=signed).raise_for_status()
            yield client

    @property
    def options(self) -> dict[str, Any]:
        """What httpx has to know of it."""
        return {"timeout": 20, "verify": self.verify}

    def headers(self, username: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[username]}"}

    def user(self, *arguments: str, stdin: str = "") -> str:
        """`camctl user ...` beside the running service, which must work; its output."""
        return said(camctl_here("user", *arguments, "--config", str(self.config), stdin=stdin)).strip()


def write_config(folder: Path, cameras: Sequence[Mapping[str, Any]] = (), /, **parts: Mapping[str, Any]) -> Path:
    """A configuration on free ports: loopback is approved, one media worker; `parts` are laid over it by section."""
    config: dict[str, dict[str, Any]] = {
        "server": {"host": "127.0.0.1", "port": free_tcp_port()},
        "media": {"workers": 1, "udp_host": "127.0.0.1", "udp_port": free_udp_ports(1), "advertise": ["127.0.0.1"]},
        "store": {"url": f"sqlite:///{folder / 'people.db'}"},
        "control": {"journal": str(folder / "control.journal")},
        "audit": {"folder": str(folder / "audit")},
        "log": {"level": "debug"},
        "cameras": {"approved_networks": ["127.0.0.0/8"], "items": [dict(camera) for camera in cameras]},
    }
    for section, values in parts.items():
        config[section] = config.get(section, {}) | dict(values)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@contextmanager
def running(
    folder: Path, config: Path, people: Mapping[str, Sequence[str]], *, ends_with: int = 0
) -> Iterator[Service]:
    """A service for the length of a block. `people`: username to the options of `camctl user add`.

    `ends_with`: the exit code, -9 where the test kills it.
    """
    server = yaml.safe_load(config.read_text())["server"]
    log = folder / "service.log"
    service = Service(f"http://127.0.0.1:{server['port']}", config, log, 0)
    if server.get("tls"):
        service.url = service.url.replace("http", "https", 1)
        service.verify = ssl.create_default_context(cafile=server["tls"]["certificate"])
    for username, options in people.items():
        service.user("add", username, *options, stdin=PASSWORD.format(username=username) + "\n")
        service.tokens[username] = service.user("token", username, "--days", "1")
    with process(log, sys.executable, "-m", "camctl", "serve", "--config", str(config)) as started:
        service.pid = started.pid
        wait_started(started, lambda: _is_ready(service), log)
        yield service
    assert started.returncode == ends_with, f"exit code {started.returncode}:\n{log.read_text()}"
    assert not re.search("Traceback|Task exception was never retrieved|was never awaited", log.read_text()), (
        log.read_text()
    )


def _is_ready(service: Service) -> bool:
    try:
        return httpx.get(f"{service.url}/readyz", verify=service.verify, timeout=2).status_code == 200
    except httpx.TransportError:
        return False
