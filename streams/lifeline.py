"""A process ends with its parent: watch a pipe or socket whose other end only the parent holds."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable

_POLLRDHUP = getattr(select, "POLLRDHUP", 0x2000)


def watch(fd: int, on_end: Callable[[], None]) -> threading.Thread:
    """Call `on_end` once when the other end of `fd` is closed, which the kernel does even after SIGKILL.

    A thread waits in poll(2) and reads nothing, so the descriptor may be in use for messages meanwhile, and a stuck
    event loop does not keep a child alive. `on_end` runs in that thread. The descriptor must stay open.
    """
    thread = threading.Thread(target=_wait, args=(fd, on_end), name=f"lifeline-{fd}", daemon=True)
    thread.start()
    return thread


def _wait(fd: int, on_end: Callable[[], None]) -> None:
    poll = select.poll()
    poll.register(fd, _POLLRDHUP)  # POLLHUP, POLLERR and POLLNVAL are always reported
    poll.poll()
    on_end()
