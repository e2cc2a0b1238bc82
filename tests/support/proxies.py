"""Reverse proxies before a service, with the very configurations that docs/guide/https.md shows."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.commands import ROOT, process, wait_started
from tests.support.ports import free_tcp_port

NAME = "cctv.example.go.id"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"


def program(name: str) -> str | None:
    """Where Debian put it, None if it is not installed."""
    return shutil.which(name, path=_PATH)


def shown_in_guide(language: str) -> str:
    """The configuration of the guide in this language."""
    guide = (ROOT / "docs/guide/https.md").read_text(encoding="utf-8")
    found = re.findall(rf"```{language}\n(.*?)```", guide, re.DOTALL)
    assert len(found) == 1, language
    return str(found[0])


def _put(text: str, old: str, new: str) -> str:
    assert old in text, f"the guide has no {old!r} any more"
    return text.replace(old, new)


def nginx_command(folder: Path, port: int, upstream: int, certificate: Path, key: Path) -> list[str]:
    """nginx with the guide's server, as a process of one user, with nothing outside the folder."""
    site = shown_in_guide("nginx")
    site = _put(site, "listen 80;", f"listen 127.0.0.1:{free_tcp_port()};")
    site = _put(site, "listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    site = _put(site, "127.0.0.1:8080", f"127.0.0.1:{upstream}")
    site = _put(site, f"/etc/letsencrypt/live/{NAME}/fullchain.pem", str(certificate))
    site = _put(site, f"/etc/letsencrypt/live/{NAME}/privkey.pem", str(key))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\n    access_log off;\n{paths}{site}}}\n"
    )
    return [program("nginx") or "nginx", "-p", str(folder), "-e", "stderr", "-c", str(path)]


def caddy_command(folder: Path, port: int, upstream: int, certificate: Path, key: Path) -> list[str]:
    """Caddy with the guide's site; the certificate is given, since nobody here signs one."""
    site = shown_in_guide("caddyfile")
    site = _put(site, "{\n\tservers {", "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers {")
    site = _put(site, f"{NAME} {{", f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}")
    site = _put(site, "127.0.0.1:8080", f"127.0.0.1:{upstream}")
    path = folder / "Caddyfile"
    path.write_text(site)
    home = f"HOME={folder}"
    return ["env", home, f"XDG_DATA_HOME={folder}", program("caddy") or "caddy", "run", "--config", str(path)]


@contextmanager
def proxy(command: list[str], port: int, log: Path) -> Iterator[None]:
    """The proxy for the length of a block, once it accepts connections."""

    def accepts() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    with process(log, *command) as running:
        wait_started(running, accepts, log)
        yield
