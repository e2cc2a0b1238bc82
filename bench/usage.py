"""What processes used: CPU to the nanosecond, resident memory; and on which core they run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil


def cpu_ns(pids: Iterable[int]) -> int:
    """Time on a CPU of all threads that live now (/proc/PID/task/TID/schedstat; times(2) has ticks of 10 ms)."""
    total = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended just now
                total += int((thread / "schedstat").read_text().split()[0])
    return total


def resident_bytes(pids: Iterable[int]) -> int:
    """Resident memory of the processes together."""
    return sum(psutil.Process(pid).memory_info().rss for pid in pids)


def forget_peak(pid: int) -> None:
    """Let `peak_bytes` begin anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_bytes(pid: int) -> int:
    """The most resident memory that the process had since `forget_peak` (VmHWM, which the kernel keeps)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def below(pid: int, words: str) -> list[int]:
    """The processes below `pid` whose command line contains `words`."""
    children = psutil.Process(pid).children(recursive=True)
    return [child.pid for child in children if words in " ".join(child.cmdline())]


def server_and_load_core() -> tuple[int, int]:
    """A core for what is measured and one for who measures; the same one on a machine that has only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Processes started in the block may run on `core` only; None leaves them all."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
