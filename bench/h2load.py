"""Requests at a steady rate by h2load (nghttp2), a load generator that nobody here wrote."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.program import ProgramError
from bench.usage import on_core

CLIENTS = 50
_APART_MS = 21  # no multiple of a client's 25 ms between two requests at 2,000 a second: they do not ask in step
_SETTLE_S = 1.0
_LATE_S = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """What was seen while all clients were at work. `sent` requests in all were answered, those before and after too.

    Milliseconds of those that were answered with 200; how many were not; and over which time.
    """

    took_ms: list[float]
    refused: int
    lasted_s: float
    sent: int

    @property
    def per_s(self) -> float:
        """The rate that was achieved."""
        return (len(self.took_ms) + self.refused) / self.lasted_s


def read_log(text: str, ramp_s: float) -> Load:
    """h2load's log: start in microseconds, status, microseconds. The first and last `ramp_s` do not count. Pure.

    Raises:
        ValueError: nothing is left.
    """
    rows = [tuple(int(cell) for cell in line.split("\t")[:3]) for line in text.splitlines()]
    starts = [start for start, _, _ in rows]
    if not starts or max(starts) - min(starts) <= 2e6 * ramp_s:
        raise ValueError("h2load was not long enough at work")
    first, last = min(starts) + ramp_s * 1e6, max(starts) - ramp_s * 1e6
    within = [(status, took) for start, status, took in rows if first <= start < last]
    took_ms = [took / 1e3 for status, took in within if status == 200]
    return Load(took_ms, len(within) - len(took_ms), (last - first) / 1e6, len(rows))


async def h2load(
    url: str, headers: Mapping[str, str], per_s: float, seconds: float, folder: Path, core: int | None
) -> Load:
    """Ask `url` at this rate, spread evenly, for so many seconds with all clients, each on a connection it keeps.

    Raises:
        ProgramError: it is not installed, or failed.
    """
    binary = shutil.which("h2load")
    if binary is None:
        raise ProgramError("h2load is not installed; it is in Debian's nghttp2-client (tools/debian_packages bench)")
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    ramp_s = CLIENTS * _APART_MS / 1e3
    count = round(per_s * (seconds + ramp_s + 2 * _SETTLE_S))
    argv = [
        binary, "--h1", f"--clients={CLIENTS}", "--rate=1", f"--rate-period={_APART_MS}ms", f"--requests={count}",
        f"--rps={per_s / CLIENTS:g}", f"--log-file={log}",
        *(f"--header={name}: {value}" for name, value in headers.items()), url,
    ]  # fmt: skip
    with on_core(core):
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    try:
        async with asyncio.timeout(3 * seconds + _LATE_S):
            said, _ = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.returncode:
        raise ProgramError(f"h2load ended with code {process.returncode}:\n{said.decode(errors='replace')[-2000:]}")
    return read_log(await asyncio.to_thread(log.read_text), ramp_s + _SETTLE_S)
