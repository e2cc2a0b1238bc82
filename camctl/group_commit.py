"""Many small records with one write and one sync: what waits while the disk works goes out together.

The journal of control and the audit spool stand on it. Beside it, what both need of files.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)

MAX_WAITING = 10_000
SLOW_S = 3.0  # a disk that takes longer is as good as none

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Calls `write` in a thread, one call at a time, with all that waits; belongs to one event loop.

    `write(items, must_sync)` returns each item's result, in order, or raises OSError for all of them. `name` is the
    file's in sentences. `problem` says why records cannot be written, or that the disk has not answered for SLOW_S;
    empty when the last attempt worked.
    """

    def __init__(self, name: str, path: Path, write: Callable[[Sequence[Item], bool], Sequence[Result]]) -> None:
        self._name = name
        self._path = path
        self._write = write
        self._waiting: list[tuple[Item, bool, asyncio.Future[Result]]] = []
        self._writing: asyncio.Task[None] | None = None
        self.problem = ""
        self.on_change: list[Callable[[], None]] = []  # called, in order, when `problem` changed

    @property
    def is_full(self) -> bool:
        """Whether so much waits that nothing more is taken."""
        return len(self._waiting) >= MAX_WAITING

    def put(self, item: Item, *, durable: bool) -> asyncio.Future[Result]:
        """Write soon, in order; the future is done when it is written, for `durable` ones when it is on the disk.

        It raises OSError when the item could not be written. Nobody needs to await it.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_seen)
        if self.is_full:
            future.set_exception(OSError("the disk is too slow: too many records wait to be written"))
            return future
        self._waiting.append((item, durable, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting(), name=self._name)
        return future

    async def finish(self) -> None:
        """Wait until nothing waits any more."""
        while self._writing is not None:
            await asyncio.wait({self._writing})

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                items = [item for item, _durable, _future in batch]
                must_sync = any(durable for _item, durable, _future in batch)
                late = OSError(errno.ETIMEDOUT, "the disk does not answer")
                slow = asyncio.get_running_loop().call_later(SLOW_S, self.failed, late)
                try:
                    results = await asyncio.to_thread(self._write, items, must_sync)
                except OSError as error:
                    self.failed(error)
                    for _item, _durable, future in batch:
                        if not future.done():
                            future.set_exception(OSError(error.errno, error.strerror or str(error)))
                else:
                    self.worked()
                    for (_item, _durable, future), result in zip(batch, results, strict=True):
                        if not future.done():
                            future.set_result(result)
                finally:
                    slow.cancel()
        finally:
            self._writing = None

    def failed(self, error: OSError) -> None:
        """The disk refused."""
        why = error.strerror or error
        if not self.problem:
            _log.error("%s %s cannot be written: %s", self._name, self._path, why)
        self._say(f"{self._name} cannot be written: {why}")

    def worked(self) -> None:
        """The disk took it."""
        if self.problem:
            _log.warning("%s can be written again", self._name)
        self._say("")

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            for call in tuple(self.on_change):
                call()


def write_all(file: int, text: bytes) -> None:
    """Write the whole text, however many calls that takes."""
    while text:
        text = text[os.write(file, text) :]


def sync_folder(folder: Path) -> None:
    """Put names of files in this folder on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _seen(future: asyncio.Future[Result]) -> None:
    if not future.cancelled():
        future.exception()  # whoever has to know awaits it; for the others `problem` tells
