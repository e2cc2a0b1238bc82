"""The viewers of a benchmark, in a process and mostly on a core of their own.

    python -m bench.viewers SETTINGS_AS_JSON

SETTINGS is {"ways": see bench.ways, "key_packets": N, "aes_cm": bool, "stamps": bool}, all but the first optional.
Each line on standard input is answered by one on standard output:

{"do": "measure", "viewers": N, "windows": W, "window_s": S, "settle_s": T, "pids": [...]} lets viewers join until there
are N, waits, and counts for W windows; the answer has a row for each window and the memory of `pids`.
{"do": "storm", "viewers": N, "over_s": S} lets N more join within S seconds and tells how long each waited for a whole
key picture, and what the others lost meanwhile.
{"do": "keep", "seconds": S} notes when each packet came, and {"do": "lags", "sent": [...]} says how much later than the
camera sent it (bench.lag).
{"do": "lasts"} tells when the last packet of each viewer came: the kernel's wall clock in ns, 0 for none. These three
need "stamps".
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import traceback
from typing import Any

import httpx
import numpy as np

from bench import lag
from bench.crowd import Crowd
from bench.program import answer, lines_of_stdin
from bench.receiver import Receiver, skip_rtp
from bench.usage import cpu_ns, resident_bytes
from bench.ways import from_json

_STORM_S = 30.0


async def _window(crowd: Crowd, pids: list[int], seconds: float) -> dict[str, float]:
    before, dropped, packets = crowd.count, crowd.dropped, crowd.packets
    cpu0, own0, at = cpu_ns(pids), time.process_time_ns(), time.perf_counter()
    await asyncio.sleep(seconds)
    seen, cpu, own = crowd.count - before, cpu_ns(pids) - cpu0, time.process_time_ns() - own0
    return {
        "packets": seen.packets,
        "lost": seen.lost,
        "dropped": crowd.dropped - dropped,
        "silent": int((crowd.packets == packets).sum()),
        "bytes": seen.bytes,
        "cpu_ns": cpu,
        "load_cpu_ns": own,
        "wall_s": time.perf_counter() - at,
    }


async def _measure(crowd: Crowd, question: dict[str, Any]) -> dict[str, Any]:
    await crowd.grow(question["viewers"])
    await asyncio.sleep(question["settle_s"])
    pids = question["pids"]
    windows = [await _window(crowd, pids, question["window_s"]) for _ in range(question["windows"])]
    if windows:
        crowd.check()
    return {
        "windows": windows,
        "resident_bytes": resident_bytes(pids),
        "profile": crowd.profile,
        "repeated": crowd.repeated,
    }


async def _storm(crowd: Crowd, question: dict[str, Any]) -> dict[str, Any]:
    count, there = question["viewers"], len(crowd)
    newcomers = await crowd.prepared(count)
    lost, expected = crowd.lost(there), crowd.count.expected
    refused: list[str] = []
    began_s = time.monotonic()

    async def join(receiver: Receiver, number: int) -> None:
        await asyncio.sleep(max(0.0, began_s + number * question["over_s"] / count - time.monotonic()))
        try:
            await receiver.open(client)
        except (OSError, httpx.HTTPError) as error:
            refused.append(str(error) or type(error).__name__)

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=count)) as client:
        await asyncio.gather(*(join(each, number) for number, each in enumerate(newcomers)))
    joined_s = time.monotonic() - began_s
    while time.monotonic() < began_s + _STORM_S and not all(  # noqa: ASYNC110  # a hundred of them
        each.first_key_s for each in newcomers
    ):
        await asyncio.sleep(0.02)
    waits = [each.first_key_s for each in newcomers]
    return {
        "waits_s": [each for each in waits if each is not None], "without": sum(each is None for each in waits),
        "refused": refused[:3], "joined_s": joined_s, "there": there, "there_lost": crowd.lost(there) - lost,
        "there_packets": crowd.count.expected - expected, "dropped": crowd.dropped,
    }  # fmt: skip


async def _keep(crowd: Crowd, question: dict[str, Any]) -> dict[str, Any]:
    crowd.kept = []
    await asyncio.sleep(question["seconds"])
    return {"kept": sum(each.shape[1] for each in crowd.kept)}


def _lags(crowd: Crowd, question: dict[str, Any]) -> dict[str, Any]:
    kept, crowd.kept = crowd.kept, None
    if not kept:
        raise SystemExit("nothing was kept")
    viewers, timestamps, stamps_ns = np.concatenate(kept, axis=1)
    found = lag.lags(question["sent"], viewers, timestamps, stamps_ns)
    shares = {str(share): found.percentile_ms(share) for share in question["shares"]}
    return {"packets": len(found.ms), "unmatched": found.unmatched, "max": found.percentile_ms(1.0), "shares": shares}


def _reading_ended(reading: asyncio.Task[None]) -> None:
    """It never should: say why and end, so that the parent does not wait for an answer."""
    if not reading.cancelled() and (error := reading.exception()):
        traceback.print_exception(error)
        sys.stderr.flush()
        os._exit(1)


async def main() -> None:
    """Do as asked until the parent is gone."""
    settings = json.loads(sys.argv[1])
    skip_rtp(aes_cm=settings.get("aes_cm", False))
    ways, key_packets = [from_json(each) for each in settings["ways"]], settings.get("key_packets", 1)
    crowd = Crowd(ways, key_packets=key_packets, stamps=settings.get("stamps", False))
    questions = lines_of_stdin()
    reading = asyncio.create_task(crowd.run())
    reading.add_done_callback(_reading_ended)
    while (question := await questions.get()) is not None:
        match question["do"]:
            case "measure":
                answer(**await _measure(crowd, question))
            case "storm":
                answer(**await _storm(crowd, question))
            case "keep":
                answer(**await _keep(crowd, question))
            case "lags":
                answer(**_lags(crowd, question))
            case "lasts":
                answer(lasts_ns=crowd.lasts_ns[: len(crowd)].tolist())
    sys.stdout.flush()
    os._exit(0)  # taking leave of hundreds of connections takes long and is not what is measured


if __name__ == "__main__":
    asyncio.run(main())
