"""Five hundred people sign in at the same moment, while somebody else goes on steering; beside it hashing alone."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher

from auth.passwords import PARALLEL
from bench import report
from bench.house import House, house, simulated_camera
from bench.program import Program
from bench.signer import Asked
from bench.town import settle
from bench.usage import forget_peak, peak_bytes, resident_bytes

_PEOPLE, _QUICK_PEOPLE = 500, 60
_HASHES, _QUICK_HASHES = 60, 12
_PASSWORD = "seribu-kamera-satu-kota"
_HASH_MIB = 64
_EVERY_S = 0.1
_BEFORE_S, _QUICK_BEFORE_S = 10.0, 3.0
_ROUND_S = 1.0
_ASK_S = 700.0
_AREA = "31.71"
_REQUESTS = {"GET /me": ["GET", "/me"], "Stop": ["POST", "/cameras/cam/ptz/stop"]}
_HEAD = ("", "n", "p50", "p95", "max")


@dataclass(frozen=True, slots=True)
class Storm:
    """What was seen; `hash_s`: of one hash while as many are made at a time as the service makes, over that number."""

    signed: list[Asked]
    before: dict[str, list[Asked]]
    meanwhile: dict[str, list[Asked]]
    hash_s: float
    idle_bytes: int
    peak_bytes: int


def overtaken(asked: Sequence[Asked]) -> int:
    """By how many who asked later somebody was overtaken at most; `asked` is in the order of asking."""
    ends = [answered_s for _, answered_s, _ in asked]
    return max((sum(later < end for later in ends[n:]) for n, end in enumerate(ends)), default=0)


def _hash_s(hashed: str, count: int) -> float:
    """Seconds that each hash adds when as many are checked at a time as the service does."""
    hasher = PasswordHasher()
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda _: hasher.verify(hashed, _PASSWORD), range(PARALLEL)))  # warm
        began_s = time.perf_counter()
        list(pool.map(lambda _: hasher.verify(hashed, _PASSWORD), range(count)))
    return (time.perf_counter() - began_s) / count


async def _asking(asker: Program, seconds: float) -> dict[str, list[Asked]]:
    question = {"requests": _REQUESTS, "every_s": _EVERY_S, "seconds": seconds}
    return dict((await asker.ask(_ASK_S, do="ask", **question))["asked"])


async def _meanwhile(asker: Program, storm: asyncio.Task[object]) -> dict[str, list[Asked]]:
    """What the one who is signed in already waits for, until the last of the storm was answered."""
    seen: dict[str, list[Asked]] = {name: [] for name in _REQUESTS}
    while not storm.done():
        for name, asked in (await _asking(asker, _ROUND_S)).items():
            seen[name] += asked
    return seen


async def _measure(running: House, folder: Path, *, quick: bool) -> Storm:
    hashed = await asyncio.to_thread(PasswordHasher().hash, _PASSWORD)
    hash_s = await asyncio.to_thread(_hash_s, hashed, _QUICK_HASHES if quick else _HASHES)
    names = [f"p{number}" for number in range(_QUICK_PEOPLE if quick else _PEOPLE)]
    async with running.people() as (_, store):
        await asyncio.to_thread(settle, store.sessions, names, "official", _AREA, hashed)
    for name in ("signer", "asker"):
        (folder / name).mkdir()
    async with (
        await Program.module("signer", running.api, running.token, folder=folder / "signer") as signer,
        await Program.module("signer", running.api, running.token, folder=folder / "asker") as asker,
    ):
        before = await _asking(asker, _QUICK_BEFORE_S if quick else _BEFORE_S)
        idle = resident_bytes([running.pid])
        forget_peak(running.pid)
        storm = asyncio.create_task(signer.ask(_ASK_S, do="sign_in", names=names, password=_PASSWORD))
        meanwhile = await _meanwhile(asker, storm)
        signed = (await storm)["asked"]
        return Storm(signed, before, meanwhile, hash_s, idle, peak_bytes(running.pid))


def _row(name: str, values: Sequence[float], digits: int) -> list[str]:
    cells = (report.number(report.percentile(values, share), digits) for share in (0.5, 0.95, 1.0))
    return [name, str(len(values)), *cells]


def _waits(asked: Sequence[Asked], status: int) -> list[float]:
    return [answered_s - asked_s for asked_s, answered_s, each in asked if each == status]


def _sign_in_table(storm: Storm) -> str:
    waits = _waits(storm.signed, 200)
    alone = [number * storm.hash_s for number in range(1, len(storm.signed) + 1)]
    lasted_s = max(end for _, end, _ in storm.signed) - min(start for start, _, _ in storm.signed)
    refused = Counter(status for _, _, status in storm.signed if status != 200)
    grown_mib, bound_mib = (storm.peak_bytes - storm.idle_bytes) / 2**20, PARALLEL * _HASH_MIB
    notes = [
        f"{len(waits) / lasted_s:.1f} sign-ins a second; hashing alone, {PARALLEL} at a time: {1 / storm.hash_s:.1f}",
        f"refused or not answered: {sum(refused.values())} {dict(refused) or ''}".rstrip(),
        f"nobody was overtaken by more than {overtaken(storm.signed)} who asked later",
        (
            f"memory of the service's process: {storm.idle_bytes / 2**20:.0f} MiB before, at most {grown_mib:.0f} MiB "
            f"more meanwhile; {PARALLEL} hashes are {bound_mib} MiB"
        ),
    ]
    rows = [_row("sign-ins", waits, 1), _row("hashing alone, one after the other", alone, 1)]
    title = f"signins: {len(storm.signed)} people at the same moment; s from asking to the answer"
    return report.table(title, _HEAD, rows, notes)


def _meanwhile_table(storm: Storm) -> str:
    rows, refused = [], 0
    for name, (method, _) in _REQUESTS.items():
        status = 200 if method == "GET" else 202
        for when, seen in (("before", storm.before), ("meanwhile", storm.meanwhile)):
            rows.append(_row(f"{name}, {when}", [each * 1e3 for each in _waits(seen[name], status)], 1))
            refused += sum(each != status for _, _, each in seen[name])
    notes = [f"asked every {_EVERY_S * 1e3:.0f} ms by somebody who was signed in; refused or not answered: {refused}"]
    return report.table("signins: what others wait for meanwhile; ms", _HEAD, rows, notes)


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the tables."""
    async with simulated_camera(folder) as camera, house([camera.item()], folder) as running:
        storm = await _measure(running, folder, quick=quick)
    return _sign_in_table(storm) + _meanwhile_table(storm)
