"""Debian's Firefox, without a window, driven over WebDriver BiDi (W3C) with nothing but a WebSocket."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

FIREFOX = "/usr/bin/firefox-esr"
_START_S = 60.0
_ANSWER_S = 30.0
# No page of its own, nothing fetched from the makers, and pictures may begin by themselves.
_PREFERENCES = {
    "app.update.enabled": False,
    "browser.startup.page": 0,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-gmpopenh264.enabled": False,
    "media.autoplay.default": 0,
    "toolkit.telemetry.enabled": False,
}


class Firefox:
    """One page of a running Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.capabilities = self.command("session.new", {"capabilities": {}})["capabilities"]
        self._page = self.command("browsingContext.getTree", {})["contexts"][0]["context"]

    def command(self, method: str, parameters: dict[str, Any]) -> Any:
        """The answer to a command; an error is raised."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        deadline = time.monotonic() + _ANSWER_S
        while True:
            message = json.loads(self._socket.recv(timeout=max(0.1, deadline - time.monotonic())))
            if message.get("id") == self._number:
                assert message["type"] == "success", message
                return message["result"]

    def goto(self, url: str) -> None:
        self.command("browsingContext.navigate", {"context": self._page, "url": url, "wait": "complete"})

    def reload(self) -> None:
        self.command("browsingContext.reload", {"context": self._page, "wait": "complete"})

    def run(self, body: str, *arguments: Any) -> Any:
        """What the body of an async function gives, as JSON would carry it; `args` are the arguments."""
        inner = f"const args = JSON.parse(text); const run = async () => {{ {body} }};"
        script = f"async (text) => {{ {inner} return JSON.stringify((await run()) ?? null); }}"
        answer = self.command(
            "script.callFunction",
            {
                "functionDeclaration": script, "awaitPromise": True, "target": {"context": self._page},
                "arguments": [{"type": "string", "value": json.dumps(arguments)}],
            },
        )  # fmt: skip
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])


@contextmanager
def firefox() -> Iterator[Firefox]:
    """A headless Firefox with a profile of its own."""
    with tempfile.TemporaryDirectory(prefix="camctl-firefox-") as folder:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
        (Path(folder) / "user.js").write_text("\n".join(lines))
        log = Path(folder) / "log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [FIREFOX, "--headless", "--no-remote", "--profile", folder, "--remote-debugging-port", "0"],
                stdout=out, stderr=subprocess.STDOUT, env={"HOME": folder, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            )  # fmt: skip
        try:
            with connect(f"{_address(process, log)}/session", max_size=None, ping_interval=None) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_S
    while True:
        found = re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text())
        if found:
            return found.group(1)
        assert process.poll() is None, f"Firefox ended with {process.returncode}:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"Firefox was not ready in {_START_S} s:\n{log.read_text()}"
        time.sleep(0.1)
