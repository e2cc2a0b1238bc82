"""The `camctl` command as a person runs it, and the simulated street on its own."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from camctl.__main__ import main

ROOT = Path(__file__).parents[2]
COMMAND_S = 60.0
START_S = 60.0


def camctl(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "camctl", *arguments],
        cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=COMMAND_S, check=False,
    )  # fmt: skip


def camctl_here(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The same in this process, which is quicker; for commands that end by themselves and start no others."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with mock.patch("sys.stdin", io.StringIO(stdin)), redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(list(arguments))
        except SystemExit as end:  # argparse's way out
            code = int(end.code or 0)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The output of a command that must have worked."""
    assert done.returncode == 0, f"{done.args}: {done.stderr}"
    return done.stdout


@contextmanager
def process(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the length of a block, its output in `log`; Ctrl-C ends it, and force if that does not."""
    with log.open("wb") as out:
        running = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGINT)
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            raise


def wait_until(condition: Callable[[], object], within_s: float, otherwise: Callable[[], str]) -> float:
    """Seconds until `condition` held; fails with `otherwise()` after `within_s`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s, f"after {within_s} s: {otherwise()}"
        time.sleep(0.02)
    return time.monotonic() - started


def wait_started(running: subprocess.Popen[bytes], condition: Callable[[], object], log: Path) -> None:
    """Wait until a process serves; fails with its log when it ends or does not."""

    def is_up() -> bool:
        assert running.poll() is None, f"it ended with {running.returncode}:\n{log.read_text()}"
        return bool(condition())

    wait_until(is_up, START_S, log.read_text)


@contextmanager
def street(folder: Path, cameras: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Simulated cameras on free ports for the length of a block; gives their addresses with their accounts."""
    path, ready, log = folder / "street.yaml", folder / "street.json", folder / "street.log"
    path.write_text(yaml.safe_dump({"first_onvif_port": 0, "first_rtsp_port": 0, "cameras": list(cameras)}))
    with process(log, sys.executable, "-m", "simulators", str(path), "--ready-file", str(ready)) as running:
        wait_started(running, ready.exists, log)
        found = json.loads(ready.read_text())["cameras"]
        yield [camera | given for camera, given in zip(found, cameras, strict=True)]
