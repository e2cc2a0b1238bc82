"""Trials of "whatever dies, the camera stops": many simulated cameras, one service, phones that one may kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil
import yaml

from tests.support.commands import ROOT, camctl_here, said, street
from tests.support.processes import media_workers
from tests.support.service import PASSWORD, write_config
from tests.support.verdict import Event

PASSWORD_OF_CAMERAS = "trial-camera"
_READY_S = 60.0
_ASK_S = 30.0
_OPERATOR = "operator"


class PhoneProcess:
    """Phones in a process of their own (tests/support/phones.py)."""

    def __init__(self, api: str, token: str, wrap: Callable[..., list[str]] = lambda *argv: list(argv)) -> None:
        argv = wrap(sys.executable, "-m", "tests.support.phones", api, token)
        self.process = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.names: list[str] = []

    def ask(self, do: str, **order: object) -> dict[str, Any]:
        """One order and its answer; without `names`, it is for all of its phones."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, "names": self.names, **order}) + "\n")
        self.process.stdin.flush()
        stuck = threading.Timer(_ASK_S, self.process.kill)
        stuck.start()
        try:
            line = self.process.stdout.readline()
        finally:
            stuck.cancel()
        assert line, f"the phones' process did not answer {do!r}; it ended with {self.process.poll()}"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, f"{do!r}: {answer['error']}"
        return answer

    def open(self, cameras: Sequence[str], lane: str = "socket") -> None:
        """A phone for each camera, named like it."""
        self.names = list(cameras)
        self.ask("open", phones={camera: {"camera": camera, "lane": lane} for camera in cameras})

    def freeze(self) -> float:
        """SIGSTOP; returns when."""
        os.kill(self.process.pid, signal.SIGSTOP)
        return time.monotonic()

    def kill(self) -> float:
        """SIGKILL; returns when."""
        at_s = time.monotonic()
        os.kill(self.process.pid, signal.SIGKILL)
        return at_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class Town:
    """A street of cameras, which outlives the service, and the service, which may be killed and started again.

    `cameras` are named as in the configuration; `log` is what all its services wrote.
    """

    def __init__(self, folder: Path, simulated: Mapping[str, dict[str, Any]], config: Path, port: int) -> None:
        self._simulated = simulated
        self._config = config
        self._port = port
        self._service: subprocess.Popen[bytes] | None = None
        self._family: list[psutil.Process] = []  # of a service that was killed
        self._motors = httpx.Client(timeout=5)
        self.token = ""
        self.log = folder / "service.log"

    @property
    def cameras(self) -> list[str]:
        """Their names, in order."""
        return list(self._simulated)

    def api(self, host: str = "127.0.0.1") -> str:
        """The API as `host` is reached."""
        return f"http://{host}:{self._port}/api/v1"

    # The service ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the service and wait until every camera is live."""
        if not self.token:
            role = ["--role", "operator", "--area", "31"]
            config = ["--config", str(self._config)]
            said(
                camctl_here("user", "add", _OPERATOR, *role, *config, stdin=PASSWORD.format(username=_OPERATOR) + "\n")
            )
            self.token = said(camctl_here("user", "token", _OPERATOR, "--days", "1", *config)).strip()
        self.wait_gone()
        with self.log.open("ab") as out:
            self._service = subprocess.Popen(
                [sys.executable, "-m", "camctl", "serve", "--config", str(self._config)],
                cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.wait_live()

    def wait_live(self, within_s: float = _READY_S) -> None:
        """Wait until the service is ready and says of every camera that it is live."""
        deadline, waiting = time.monotonic() + within_s, "no answer"
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(headers=headers, timeout=5) as client:
            while waiting:
                assert self._service is not None
                assert self._service.poll() is None, f"the service ended with {self._service.returncode}; {self.tail()}"
                assert time.monotonic() < deadline, f"after {within_s:g} s: {waiting}; {self.tail()}"
                time.sleep(0.1)
                with contextlib.suppress(httpx.TransportError):
                    ready = client.get(f"http://127.0.0.1:{self._port}/readyz")
                    items = client.get(f"{self.api()}/cameras", params={"limit": 1000}).json()["items"]
                    dead = [f"{each['id']} {each['state']}" for each in items if each["state"] != "live"]
                    waiting = "" if ready.status_code == 200 and not dead else f"{ready.text}; {', '.join(dead)}"

    def tail(self) -> str:
        """The end of what the service wrote."""
        return self.log.read_text(errors="replace")[-4000:]

    @property
    def pid(self) -> int:
        """The service's own process, which serves the API."""
        assert self._service is not None
        return self._service.pid

    def children(self, words: str = "") -> list[psutil.Process]:
        """The processes below the service whose command line contains `words`, the deepest last."""
        found = []
        for child in psutil.Process(self.pid).children(recursive=True):
            with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
                if words in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def kill(self, words: str) -> float:
        """SIGKILL to the one child whose command line contains `words`; returns when."""
        return _kill(self.children(words))

    def kill_media_worker(self) -> float:
        """SIGKILL to the only one at work; returns when."""
        return _kill(media_workers(self.pid))

    def kill_api(self) -> float:
        """SIGKILL to the service's own process alone; returns when."""
        self._family = self.children()
        at_s = time.monotonic()
        os.kill(self.pid, signal.SIGKILL)
        return at_s

    def kill_everything(self) -> float:
        """SIGKILL to all processes; returns when. Who stops the cameras when another one dies is killed before it."""
        self._family = self.children()
        for module in ("camctl.stopper", "camctl.control"):
            [each] = self.children(module)
            each.kill()
        os.kill(self.pid, signal.SIGKILL)
        for each in self._family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        return time.monotonic()

    def wait_gone(self, within_s: float = 15.0) -> None:
        """Wait until a service that was killed has ended with all that belonged to it."""
        if self._service is not None:
            self._service.wait(within_s)
        _, alive = psutil.wait_procs(self._family, within_s)
        assert not alive, f"these outlived the service by {within_s:g} s: {alive}"

    def end(self) -> None:
        """Ctrl-C to a service that still runs."""
        self._motors.close()
        if self._service is None or self._service.poll() is not None:
            return
        self._service.send_signal(signal.SIGINT)
        try:
            self._service.wait(20)
        except subprocess.TimeoutExpired:
            self.kill_everything()
            self.wait_gone()
            raise

    def phones(self, wrap: Callable[..., list[str]] | None = None, host: str = "127.0.0.1") -> PhoneProcess:
        """A new process for phones; `wrap` is a link box's `command` if they are behind one."""
        return PhoneProcess(self.api(host), self.token, *([] if wrap is None else [wrap]))

    # The cameras' side door -----------------------------------------------------------------------------------------

    def _side_door(self, camera: str, what: str) -> str:
        return "/".join(self._simulated[camera]["onvif_url"].split("/")[:3]) + f"/simulator/{what}"

    def faults(self, cameras: Sequence[str], **faults: object) -> dict[str, float]:
        """Give these cameras troubles from now on; when each had them."""
        at_s = {}
        for camera in cameras:
            self._motors.post(self._side_door(camera, "faults"), json=faults).raise_for_status()
            at_s[camera] = time.monotonic()
        return at_s

    def motor_log(self, camera: str, since_s: float = 0.0) -> list[Event]:
        """What the motors did after a time."""
        answer = self._motors.get(self._side_door(camera, "motor-log"), params={"since": since_s})
        answer.raise_for_status()
        return [Event.from_json(each) for each in answer.json()["events"]]

    def moving(self, cameras: Sequence[str]) -> list[str]:
        """Which of these turn now."""
        return [each for each in cameras if self._motors.get(self._side_door(each, "state")).json()["moving"]]

    def wait_moving(self, cameras: Sequence[str], within_s: float = 5.0) -> None:
        """Wait until all of these turn."""
        deadline, still = time.monotonic() + within_s, list(cameras)
        while still:
            assert time.monotonic() < deadline, f"these do not turn after {within_s:g} s: {', '.join(still)}"
            turning = self.moving(still)
            still = [camera for camera in still if camera not in turning]
            time.sleep(0.02)


@contextlib.contextmanager
def town(folder: Path, cameras: Mapping[str, dict[str, Any]], /, **parts: dict[str, Any]) -> Iterator[Town]:
    """A town for the length of a block; `cameras`: name to settings of the simulator, of which the key "service" is
    for the service's own configuration instead. `parts` are sections of that. The service is not started yet.
    """
    account = {"username": "camctl", "password": PASSWORD_OF_CAMERAS}
    settings = {name: {key: value for key, value in each.items() if key != "service"} for name, each in cameras.items()}
    with street(folder, [{"name": name, "seed": 1, **account, **each} for name, each in settings.items()]) as running:
        simulated = dict(zip(cameras, running, strict=True))
        items = [
            {"id": name, "name": name, "area": "31.71.07.1002", "onvif": simulated[name]["onvif_url"], **account}
            | dict(each.get("service", {}))
            for name, each in cameras.items()
        ]
        config = write_config(folder, items, **parts)
        port = int(yaml.safe_load(config.read_text())["server"]["port"])
        place = Town(folder, simulated, config, port)
        try:
            yield place
        finally:
            place.end()


def _kill(found: list[psutil.Process]) -> float:
    [process] = found
    at_s = time.monotonic()
    process.kill()
    return at_s
