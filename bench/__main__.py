"""`python -m bench [NAME ...] [--quick]`: measure, each figure beside its peer or limit."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from bench import (
    audit,
    badlink,
    capacity,
    command,
    cuts,
    dark,
    delay,
    glass,
    grants,
    growth,
    join,
    links,
    relay,
    requests,
    signins,
    steer,
    storm,
)
from bench.program import ProgramError

_BENCHMARKS = {
    "command": command.run,
    "join": join.run,
    "relay": relay.run,
    "growth": growth.run,
    "capacity": capacity.run,
    "delay": delay.run,
    "storm": storm.run,
    "glass": glass.run,
    "badlink": badlink.run,
    "steer": steer.run,
    "dark": dark.run,
    "links": links.run,
    "grants": grants.run,
    "audit": audit.run,
    "signins": signins.run,
    "requests": requests.run,
    "cuts": cuts.run,
}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure camctl beside its peers and limits.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(_BENCHMARKS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer runs: whether it works, not how fast it is")
    options = parser.parse_args()
    strangers = set(options.names) - set(_BENCHMARKS)
    if strangers:
        parser.error(f"there is no benchmark {', '.join(sorted(strangers))}; there are {', '.join(_BENCHMARKS)}")
    return options


def _machine() -> str:
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return f"{cores} cores, {system}, Python {platform.python_version()}; load average before the start {load:.1f}"


def main() -> int:
    """Run what was asked for; the exit code is 1 when a benchmark could not be carried out."""
    options = _parse()
    print(_machine(), flush=True)
    failed = False
    for name, run in _BENCHMARKS.items():
        if options.names and name not in options.names:
            continue
        started_s = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix=f"camctl-bench-{name}-") as folder:
                print(asyncio.run(run(Path(folder), quick=options.quick)))
        except (ProgramError, OSError, RuntimeError, TimeoutError) as error:
            failed = True
            print(f"\n{name} could not be measured: {str(error) or type(error).__name__}", file=sys.stderr)
        print(f"  ({name} took {time.monotonic() - started_s:.0f} s)", flush=True)
    return int(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
