"""What all drivers of a process share, and the maker of drivers that owns it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from camctl.egress import EgressPolicy
from camctl.onvif.documents import Documents
from camctl.onvif.envelopes import Envelopes

# Finding out what a camera is blocks a thread for up to half a minute where a camera accepts connections and says
# nothing. Moves, Stops and questions never need these.
SURVEY_THREADS = 32
READING_THREADS = 2  # CPU work only
RESOLVING_THREADS = 8


def _pool(threads: int, name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, f"onvif-{name}")


@dataclass(frozen=True, slots=True)
class Shared:
    """The parsed WSDLs and the bounded pools of threads."""

    policy: EgressPolicy
    documents: Documents = field(default_factory=Documents)
    surveying: ThreadPoolExecutor = field(default_factory=lambda: _pool(SURVEY_THREADS, "survey"))
    surveys: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SURVEY_THREADS))
    reading: ThreadPoolExecutor = field(default_factory=lambda: _pool(READING_THREADS, "read"))
    resolving: ThreadPoolExecutor = field(default_factory=lambda: _pool(RESOLVING_THREADS, "resolve"))
    envelopes: Envelopes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "envelopes", Envelopes(self.documents))

    async def close(self) -> None:
        """End the threads; waits for those that read, not for a name server."""
        self.resolving.shutdown(wait=False, cancel_futures=True)
        for pool in (self.surveying, self.reading):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
