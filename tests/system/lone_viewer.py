"""A viewer in a process of its own, to be killed: says its offer as JSON, reads the answer so, and says "live"."""

from __future__ import annotations

import asyncio
import json
import sys

from tests.system.media_viewer import AiortcViewer


def say(message: str) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def main() -> None:
    async with AiortcViewer() as viewer:
        say(await viewer.offer())
        line = await asyncio.to_thread(sys.stdin.readline)
        await viewer.take(json.loads(line))
        await viewer.frames(5)
        say("live")
        await viewer.drain()


if __name__ == "__main__":
    asyncio.run(main())
