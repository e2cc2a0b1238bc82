"""A network of a phone's own: a namespace behind a veth pair, whose address changes and which may let no UDP through.

Needs root, `ip` and `nft`; `can_make` says whether they are there. Nothing outside of the namespace is touched but the
near end of the pair.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = "/usr/bin/chromium"


@dataclass(frozen=True)
class Network:
    """`host` and `host6` are the near end's addresses, which a service can be bound to."""

    name: str
    prefix: str
    prefix6: str

    @property
    def host(self) -> str:
        return f"{self.prefix}.1"

    @property
    def host6(self) -> str:
        return f"{self.prefix6}::1"

    def move(self, old: int, new: int) -> None:
        """The phone's last address byte changes: the old address is gone at once."""
        self.run("ip", "address", "del", f"{self.prefix}.{old}/24", "dev", "phone")
        self.run("ip", "address", "add", f"{self.prefix}.{new}/24", "dev", "phone")

    def close_udp(self) -> None:
        """No UDP in or out any more, as in a guest network of an office."""
        self.run("nft", "add table inet closed")
        for name in ("input", "output"):
            hook = f"{{ type filter hook {name} priority 0; }}"
            self.run("nft", f"add chain inet closed {name} {hook}; add rule inet closed {name} meta l4proto udp drop")

    def open_only(self, *tcp_ports: int) -> None:
        """Nothing goes out any more but TCP to these ports."""
        ports = ", ".join(map(str, tcp_ports))
        self.run("nft", "add table inet closed")
        self.run("nft", "add chain inet closed output { type filter hook output priority 0; policy drop; }")
        self.run("nft", f"add rule inet closed output tcp dport {{ {ports} }} accept")

    def open_all(self) -> None:
        """Everything goes through again."""
        self.run("nft", "add table inet closed; delete table inet closed")

    def run(self, *command: str) -> None:
        _run("ip", "netns", "exec", self.name, *command)

    def program(self, folder: Path, path: str = CHROMIUM) -> str:
        """A file to execute that is the program at `path`, run in the namespace."""
        wrapper = folder / f"{Path(path).name}-{self.name}"
        wrapper.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {path} "$@"\n')
        wrapper.chmod(0o755)
        return str(wrapper)


def can_make() -> bool:
    """Whether this machine lets us make one."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nft"))):
        return False
    name = f"probe-{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    if made.returncode == 0:
        _run("ip", "netns", "delete", name)
    return made.returncode == 0


@contextmanager
def network() -> Iterator[Network]:
    """A namespace for the length of a block; the phone begins at address 2."""
    token = secrets.token_hex(3)
    name, near = f"phone-{token}", f"near-{token}"
    number = int(token, 16)
    net = Network(name, f"10.{200 + number % 50}.{number // 50 % 256}", f"fd77:{number % 0xFFFF:x}")
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", "phone", "netns", name)
        _run("ip", "address", "add", f"{net.host}/24", "dev", near)
        _run("ip", "-6", "address", "add", f"{net.host6}/64", "dev", near, "nodad")
        _run("ip", "link", "set", near, "up")
        net.run("ip", "link", "set", "lo", "up")
        net.run("ip", "address", "add", f"{net.prefix}.2/24", "dev", "phone")
        net.run("ip", "-6", "address", "add", f"{net.prefix6}::2/64", "dev", "phone", "nodad")
        net.run("ip", "link", "set", "phone", "up")
        yield net
    finally:
        subprocess.run(["ip", "link", "delete", near], check=False, capture_output=True)  # programs may linger in it
        _run("ip", "netns", "delete", name)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
