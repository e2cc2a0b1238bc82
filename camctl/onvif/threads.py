"""From the event loop to camera threads: bounded pools, and an await that ends on time even if its thread does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from camctl.onvif.budget import Budget
from camctl.ptz.ports import CameraError, CameraFault

T = TypeVar("T")

# A thread notices the end of its budget by itself; only when it does not is its socket shut from here.
_GRACE_S = 0.25


async def call_in(pool: ThreadPoolExecutor, budget: Budget, function: Callable[[], T]) -> T:
    """Run `function`, which obeys `budget`, in a thread. Ends with the budget, and at once when cancelled.

    Raises:
        CameraError: TIMEOUT; UNREACHABLE when the pool was shut down; whatever `function` raises.
    """
    try:
        future = asyncio.get_running_loop().run_in_executor(pool, function)
    except RuntimeError:
        raise CameraError(CameraFault.UNREACHABLE, "the service is being stopped") from None
    try:
        async with asyncio.timeout(budget.total_s + _GRACE_S):
            return await future
    except TimeoutError:
        budget.cancel()
        raise budget.timeout() from None
    except asyncio.CancelledError:
        budget.cancel()
        raise
