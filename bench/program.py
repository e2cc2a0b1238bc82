"""The processes that a benchmark starts: each in a group of its own, ended with us however we end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.usage import on_core

ROOT = Path(__file__).parents[1]
_END_S = 10.0
_TAIL = 2000
_LINE_BYTES = 1 << 26  # of an answer with every single time that was measured


class ProgramError(Exception):
    """A process did not do what it was started for; the message has the end of what it wrote."""


class Program:
    """A running process. Its standard input is a pipe of ours, which ends when we do: camctl's processes watch it as
    `--lifeline-fd 0`, helpers by reading it.

    It is asked by one JSON line there and answers with one on its standard output; what it writes to standard error
    goes to `log`.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._log = log

    @classmethod
    async def start(cls, name: str, argv: Sequence[str], folder: Path, *, core: int | None = None) -> Self:
        """Start it, on `core` only if one is given; its log lies in `folder`."""
        log = folder / f"{name}.log"
        with log.open("w") as out, on_core(core):
            process = await asyncio.create_subprocess_exec(
                *argv, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=out,
                start_new_session=True, limit=_LINE_BYTES,
            )  # fmt: skip
        return cls(name, process, log)

    @classmethod
    async def module(cls, module: str, *arguments: str, folder: Path, core: int | None = None) -> Self:
        """Start one of the benchmark's own helpers: `python -m bench.MODULE ARGUMENTS`."""
        return await cls.start(module, [sys.executable, "-m", f"bench.{module}", *arguments], folder, core=core)

    async def line(self, timeout_s: float) -> str:
        """The next line of its standard output.

        Raises:
            ProgramError: none came in time, or it ended.
        """
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise self._failed(f"said nothing for {timeout_s:g} s") from None
        if not line:
            raise self._failed("ended")
        return line.decode().strip()

    async def ask(self, timeout_s: float, **question: object) -> dict[str, Any]:
        """Send one JSON object and return the one that comes back.

        Raises:
            ProgramError: no answer came in time, or it ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            raise self._failed("ended") from None
        answer: dict[str, Any] = json.loads(await self.line(timeout_s))
        return answer

    async def drain(self) -> None:
        """Read and forget its standard output until it ends, so that it never waits for us."""
        assert self._process.stdout is not None
        while await self._process.stdout.read(1 << 16):
            pass

    def check(self) -> None:
        """Raises ProgramError when it has ended."""
        if self._process.returncode is not None:
            raise self._failed(f"ended with code {self._process.returncode}")

    def _failed(self, what: str) -> ProgramError:
        return ProgramError(f"{self.name} {what}:\n{self._log.read_text(errors='replace')[-_TAIL:]}")

    async def end(self) -> None:
        """SIGTERM, then SIGKILL; returns when it is gone."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_END_S):
                    await self._process.wait()
                    return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.end()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that was free just now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lines_of_stdin() -> asyncio.Queue[dict[str, Any] | None]:
    """What the parent asks, as a helper reads it: JSON objects, then None when the parent has gone."""
    loop = asyncio.get_running_loop()
    questions: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(maxsize=16)

    def read() -> None:
        line = sys.stdin.readline()
        if not line:
            loop.remove_reader(sys.stdin)
        questions.put_nowait(json.loads(line) if line else None)

    loop.add_reader(sys.stdin, read)
    return questions


def answer(**values: object) -> None:
    """A helper's answer to its parent."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
