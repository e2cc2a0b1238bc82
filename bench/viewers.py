"""The load of `relay`, in a process and on a core of its own.

    python -m bench.viewers WHEP_URL HEADERS_AS_JSON

Each line {"viewers": N, "windows": W, "window_s": S, "settle_s": T, "pids": [...]} on standard input lets viewers join
until there are N, waits, and counts for W windows; the answer has a row for each window and the memory of `pids`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

import httpx

from bench.program import answer, lines_of_stdin
from bench.receiver import Receiver, count_rtp, counted
from bench.usage import cpu_ns, resident_bytes

_CONNECT_S = 20.0


async def _join(receivers: list[Receiver], wanted: int, whep: str, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient() as client:
        while len(receivers) < wanted:
            receiver = Receiver(whep, headers)
            await receiver.open(client)
            receivers.append(receiver)
    async with asyncio.timeout(_CONNECT_S):
        while not all(receiver.is_connected for receiver in receivers):  # noqa: ASYNC110  # fifty of them
            await asyncio.sleep(0.05)


async def _window(pids: list[int], seconds: float) -> dict[str, float]:
    before, cpu0, own0, at = counted(), cpu_ns(pids), time.process_time_ns(), time.perf_counter()
    await asyncio.sleep(seconds)
    seen, cpu, own = counted() - before, cpu_ns(pids) - cpu0, time.process_time_ns() - own0
    return {
        "packets": seen.packets,
        "lost": seen.lost,
        "bytes": seen.bytes,
        "cpu_ns": cpu,
        "load_cpu_ns": own,
        "wall_s": time.perf_counter() - at,
    }


async def _measure(receivers: list[Receiver], question: dict[str, Any], whep: str, headers: dict[str, str]) -> None:
    await _join(receivers, question["viewers"], whep, headers)
    await asyncio.sleep(question["settle_s"])
    pids = question["pids"]
    windows = [await _window(pids, question["window_s"]) for _ in range(question["windows"])]
    answer(windows=windows, resident_bytes=resident_bytes(pids))


async def main() -> None:
    """Measure as asked until the parent is gone."""
    whep, headers = sys.argv[1], json.loads(sys.argv[2])
    count_rtp()
    questions = lines_of_stdin()
    receivers: list[Receiver] = []
    while (question := await questions.get()) is not None:
        await _measure(receivers, question, whep, headers)
    sys.stdout.flush()
    os._exit(0)  # taking leave of hundreds of connections takes long and is not what is measured


if __name__ == "__main__":
    asyncio.run(main())
