"""A real coturn on ports of its own, with a secret and a certificate made for the test."""

from __future__ import annotations

import datetime as dt
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.ports import free_udp_ports

SECRET = "rahasia-bersama-0123456789"
START_S = 15.0


def is_installed() -> bool:
    """Whether Debian's coturn is there."""
    return shutil.which("turnserver") is not None


@dataclass(frozen=True)
class Coturn:
    """Where it listens: `port` for UDP and TCP, `tls_port` for TLS; `certificate` is what it shows, self-signed."""

    host: str
    port: int
    tls_port: int
    certificate: Path
    log: Path

    @property
    def urls(self) -> dict[str, str]:
        """By transport from the viewer to it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return {
            "udp": f"turn:{host}:{self.port}?transport=udp",
            "tcp": f"turn:{host}:{self.port}?transport=tcp",
            "tls": f"turns:{host}:{self.tls_port}?transport=tcp",
        }


@contextmanager
def coturn(folder: Path, host: str = "127.0.0.1") -> Iterator[Coturn]:
    """A TURN server for the length of a block; relays to loopback too, which no real one should."""
    port = free_udp_ports(32)
    server = Coturn(host, port, port + 1, folder / "turn.pem", folder / "turn.log")
    key = _certificate(server.certificate, host)
    settings = {
        "listening-ip": host, "relay-ip": host, "listening-port": port, "tls-listening-port": port + 1,
        "min-port": port + 2, "max-port": port + 31, "static-auth-secret": SECRET, "realm": "camctl.test",
        "cert": server.certificate, "pkey": key, "userdb": folder / "turn.db", "pidfile": folder / "turn.pid",
        "log-file": "stdout", "denied-peer-ip": "0.0.0.0-255.255.255.255", "allowed-peer-ip": host,
    }  # fmt: skip
    # As the guide has it: a relay to the service and to nothing else.
    all_ipv6 = "denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    switches = (
        all_ipv6,
        "use-auth-secret",
        "fingerprint",
        "no-cli",
        "no-multicast-peers",
        "allow-loopback-peers",
        "verbose",
    )
    config = folder / "turnserver.conf"
    config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()) + "\n".join(switches) + "\n")
    with server.log.open("w") as out:
        process = subprocess.Popen(["turnserver", "-c", str(config)], stdout=out, stderr=subprocess.STDOUT, cwd=folder)
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Coturn, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    for port in (server.port, server.tls_port):
        while True:
            assert process.poll() is None, f"coturn ended:\n{server.log.read_text()}"
            try:
                socket.create_connection((server.host, port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, f"coturn does not listen:\n{server.log.read_text()}"
                time.sleep(0.05)
            else:
                break


def _certificate(path: Path, host: str) -> Path:
    """Write a certificate for `host`; the path of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "coturn of a test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = path.with_suffix(".key")
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return secret
