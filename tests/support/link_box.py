"""The link box: programs behind a link with delay, jitter, loss, a narrow rate or outages. This kernel has no netem.

    with link_box("mobile") as link:
        # a service that listens on 0.0.0.0 or link.host is reached from behind the link at link.host
        subprocess.Popen(link.command(sys.executable, "phone.py", f"http://{link.host}:8080"))
        link.cut(1.5)

The programs run in a network namespace whose only way out is a pair of TUN devices with a relay between them
(tests/support/link_box_relay.py), so TCP and UDP alike meet what tests/support/link_box_model.py decides. Everything
ends with the block, and with the process that began it, however that ends.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path as FilePath
from typing import Any

from tests.support.link_box_model import PROFILES, Lane, Outage, Path, Profile, Transit

__all__ = ["PROFILES", "Lane", "LinkBox", "Outage", "Path", "Profile", "Transit", "link_box", "why_no_link_box"]

_ROOT = FilePath(__file__).parents[2]
_ANSWER_S = 10.0


class LinkBox:
    """A running link. `host`: this machine's address as seen from behind the link; `client`: the address there."""

    def __init__(self, relay: subprocess.Popen[str]) -> None:
        self._relay = relay
        ready = self._line()
        self._pid = int(ready["pid"])
        self.host = str(ready["host"])
        self.client = str(ready["client"])

    def command(self, *argv: str) -> list[str]:
        """What runs a program behind the link."""
        return ["nsenter", f"--net=/proc/{self._pid}/ns/net", "--", *argv]

    def use(self, profile: str | Profile, seed: int | None = None) -> None:
        """Another link from now on (the name of one of PROFILES, or one's own); times in it count from now."""
        chosen = PROFILES[profile] if isinstance(profile, str) else profile
        self._ask(profile=asdict(chosen if seed is None else replace(chosen, seed=seed)))

    def cut(self, for_s: float, *, holds: bool = False) -> None:
        """An outage that begins now."""
        self._ask(outage={"for_s": for_s, "holds": holds})

    def stats(self) -> dict[str, Any]:
        """Since `use`: packets passed and lost by reason, up and down; how much too late they left, in ms."""
        return self._ask(stats=True)

    def _ask(self, **question: object) -> dict[str, Any]:
        assert self._relay.stdin is not None
        self._relay.stdin.write(json.dumps(question) + "\n")
        self._relay.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._relay.stdout is not None
        stuck = threading.Timer(_ANSWER_S, self._relay.kill)  # then the line that is waited for ends
        stuck.start()
        try:
            line = self._relay.stdout.readline()
        finally:
            stuck.cancel()
        if not line:
            raise OSError(f"the link box's relay ended with {self._relay.wait(_ANSWER_S)}; its message is above")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise OSError(answer["error"])
        return answer


@contextlib.contextmanager
def link_box(profile: str | Profile = "clean") -> Iterator[LinkBox]:
    """A link for the length of a block.

    Raises:
        OSError: this machine allows none (see `why_no_link_box`).
    """
    relay = subprocess.Popen(
        [sys.executable, "-m", "tests.support.link_box_relay"],
        cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        link = LinkBox(relay)
        link.use(profile)
        yield link
    finally:
        assert relay.stdin is not None
        assert relay.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            relay.stdin.close()
        try:
            relay.wait(_ANSWER_S)
        except subprocess.TimeoutExpired:
            relay.kill()
            relay.wait()
        relay.stdout.close()


@functools.cache
def why_no_link_box() -> str | None:
    """Why this machine can have no link box, in a sentence; None when it can."""
    if os.geteuid() != 0:
        return "a link box needs root: it makes TUN devices and a network namespace"
    for program, package in (("ip", "iproute2"), ("nsenter", "util-linux")):
        if shutil.which(program) is None:
            return f"a link box needs the program {program} (Debian: {package})"
    try:
        with link_box():
            return None
    except OSError as error:
        return f"this machine allows no link box: {error}"
