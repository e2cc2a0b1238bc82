"""Which of a service's processes are which."""

from __future__ import annotations

import psutil


def is_media_worker_at_work(process: psutil.Process) -> bool:
    """Whether it is a media worker with a port for viewers: the spare one has none."""
    try:
        words = " ".join(process.cmdline())
        return "streams.worker_main" in words and bool(process.net_connections(kind="udp"))
    except psutil.NoSuchProcess:  # or a zombie, when it was killed just now
        return False


def media_workers(service_pid: int) -> list[psutil.Process]:
    """The media workers at work below a service."""
    below = psutil.Process(service_pid).children(recursive=True)
    return [process for process in below if is_media_worker_at_work(process)]
