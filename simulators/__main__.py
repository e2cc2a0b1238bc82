"""`python -m simulators FILE.yaml`: run a street of simulated cameras until Ctrl-C or the parent's end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import cv2

from simulators.config import StreetConfig
from simulators.loading import ConfigError, load_street
from simulators.street import StreetError, describe, run_street
from streams.lifeline import watch

EXIT_FAILED, EXIT_USAGE = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run; the exit code is 0 after an orderly end, 1 after a failure, 2 for a bad file or a port in use."""
    options = _parse(arguments)
    cv2.setNumThreads(1)  # every stream has a thread of its own; a pool per picture costs more than it gives
    logging.basicConfig(level=logging.INFO, format="%(asctime)s simulators %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    try:
        config = load_street(options.file)
        asyncio.run(_run(config, options.ready_file, options.lifeline_fd))
    except (ConfigError, StreetError) as error:
        sys.stderr.write(f"simulators: {error}\n")
        return EXIT_USAGE
    except Exception:
        logging.getLogger("simulators").exception("the street ended by a failure")
        return EXIT_FAILED
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators", description="Run a street of simulated cameras.")
    parser.add_argument(
        "file", type=Path, metavar="FILE.yaml", help="the street, see docs/reference/street-example.yaml"
    )
    parser.add_argument("--ready-file", type=Path, metavar="F", help="written as JSON when every camera answers")
    parser.add_argument("--lifeline-fd", type=int, metavar="N", help="end when the other end of this descriptor closes")
    return parser.parse_args(arguments)


async def _run(config: StreetConfig, ready_file: Path | None, lifeline_fd: int | None) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if lifeline_fd is not None:
        watch(lifeline_fd, lambda: _orphaned(loop, stop))
    street = await run_street(config)
    try:
        ready = describe(street.endpoints)
        for camera in ready["cameras"]:
            sys.stdout.write(f"{camera['name']}: {camera['onvif_url']} {camera['rtsp_url']}\n")
        sys.stdout.flush()
        if ready_file is not None:
            await asyncio.to_thread(_write_atomically, ready_file, json.dumps(ready, indent=2))
        await _first(stop.wait(), street.failed())
    finally:
        await street.close()


def _orphaned(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """The parent is gone; runs in the lifeline's thread, perhaps after the loop has ended already."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)


async def _first(*works: Coroutine[Any, Any, object]) -> None:
    """Wait until one is done, drop the other, and raise what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()


def _write_atomically(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
