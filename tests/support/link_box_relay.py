"""The relay of a link box: carries IP packets between this machine and a network namespace as a profile says.

    python -m tests.support.link_box_relay

Needs root. It makes one TUN device here and one in a new namespace that it moves into; both are gone when it ends, and
it ends with its standard input. The first line that it prints is {"pid", "host", "client"}: its process, whose
namespace it is, and the two ends' addresses; or {"error"}. Then each JSON line that comes is answered by one:
{"profile": {...}} begins a new link (nothing of the old one is under way any more), {"outage": {"for_s", "holds"}} cuts
it now, {"stats": true} asks for counts.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import json
import math
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque
from typing import Any

from tests.support.link_box_model import Lane, Outage, Profile, Transit

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_MTU = 1400
_AT_ONCE = 64
_SAMPLES = 20_000


def open_tun(pattern: str) -> tuple[int, str]:
    """A new TUN device of the present namespace: its descriptor (not blocking) and the name it got.

    Raises:
        OSError: no /dev/net/tun, or no right to it.
    """
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        request = struct.pack("16sH22x", pattern.encode(), _IFF_TUN | _IFF_NO_PI)
        given = fcntl.ioctl(tun, _TUNSETIFF, request)
    except OSError:
        os.close(tun)
        raise
    return tun, given[:16].rstrip(b"\0").decode()


def ip(*words: str) -> None:
    """Run iproute2's ip; raises OSError with what it said."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip() or done.returncode}")


def _bring_up(device: str, ours: str, theirs: str) -> None:
    # Neither IPv6 chatter of the kernel's own nor what other programs say to every interface.
    ip("link", "set", "dev", device, "addrgenmode", "none", "multicast", "off", "mtu", str(_MTU))
    ip("address", "add", ours, "peer", theirs, "dev", device)
    ip("link", "set", "dev", device, "up")


def _new_namespace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, f"a new network namespace: {os.strerror(error)}")


class Relay:
    """Two TUN devices and the link between them."""

    def __init__(self, host: int, client: int) -> None:
        self._ends = {host: client, client: host}
        self._host = host
        self._late_ms: deque[float] = deque(maxlen=_SAMPLES)
        self._asked = b""
        self.use(Profile())

    def use(self, profile: Profile) -> None:
        """Begin a new link."""
        self._began_at = time.monotonic()
        self._late_ms.clear()
        # By the descriptor that the packets leave through; two seeds, or both directions would lose alike.
        self._transits = {
            self._ends[self._host]: Transit(Lane(profile.down, profile.outages, 2 * profile.seed)),
            self._host: Transit(Lane(profile.up, profile.outages, 2 * profile.seed + 1)),
        }

    def run(self) -> None:
        """Until the standard input ends."""
        while True:
            due_at = min(transit.next_at for transit in self._transits.values())
            wait_s = None if due_at == math.inf else max(0.0, self._began_at + due_at - time.monotonic())
            readable, _, _ = select.select([*self._ends, 0], [], [], wait_s)  # epoll would round up to a millisecond
            for end in self._ends:
                if end in readable:
                    self._read(end)
            self._send()
            if 0 in readable and not self._obey():
                return

    def _read(self, end: int) -> None:
        transit = self._transits[self._ends[end]]
        with contextlib.suppress(BlockingIOError):
            for _ in range(_AT_ONCE):
                packet = os.read(end, 65_536)
                transit.put(packet, time.monotonic() - self._began_at)

    def _send(self) -> None:
        for out, transit in self._transits.items():
            while (taken := transit.take(now := time.monotonic() - self._began_at)) is not None:
                leaves_at, packet = taken
                try:
                    os.write(out, packet)
                except OSError:  # the device's queue is full, or a program's packet is none: lost, and counted
                    transit.lane.lost["device"] += 1
                self._late_ms.append((now - leaves_at) * 1000)

    def _obey(self) -> bool:
        data = os.read(0, 65_536)
        *lines, self._asked = (self._asked + data).split(b"\n")
        for line in lines:
            sys.stdout.write(json.dumps(self._answer(json.loads(line))) + "\n")
            sys.stdout.flush()
        return bool(data)

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "profile" in asked:
            self.use(Profile.from_json(asked["profile"]))
        if "outage" in asked:
            outage = Outage(time.monotonic() - self._began_at, **asked["outage"])
            for transit in self._transits.values():
                transit.lane.cut(outage)
        late_ms = sorted(self._late_ms)
        down, up = (transit.lane for transit in self._transits.values())
        return {
            "up": {"passed": up.passed, "lost": dict(up.lost)},
            "down": {"passed": down.passed, "lost": dict(down.lost)},
            "late_ms": {
                share: round(late_ms[int(len(late_ms) * part)], 3) for share, part in _SHARES.items() if late_ms
            },
        }


_SHARES = {"p50": 0.5, "p99": 0.99, "p100": 0.999999}


def _hurry() -> None:
    """Ahead of everything that is measured through this link; without that right, a little less exact."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    gc.disable()  # nothing here makes cycles


def _set_up() -> tuple[int, int, dict[str, Any]]:
    host, device = open_tun("camlink%d")
    number = int(device.removeprefix("camlink"))
    ours, theirs = (f"198.18.{number}.{last}" for last in (1, 2))  # RFC 2544: addresses for measuring networks
    _bring_up(device, ours, theirs)
    _new_namespace()
    client, device = open_tun("camlink%d")
    ip("link", "set", "dev", "lo", "up")
    _bring_up(device, theirs, ours)
    ip("route", "add", "default", "dev", device)
    return host, client, {"pid": os.getpid(), "host": ours, "client": theirs}


def main() -> int:
    """Set up, say where, and relay; the exit code is 1 where this machine does not allow it."""
    try:
        host, client, ready = _set_up()
    except OSError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return 1
    _hurry()
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    Relay(host, client).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
