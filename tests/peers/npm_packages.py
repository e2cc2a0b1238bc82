"""The npm packages that the peer tests run against us, installed exactly as the lock file names them."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
_INSTALL_S = 90


def tool(name: str) -> str:
    """Node's programs: those beside this Python first, then the machine's."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = shutil.which(name, path=path)
    assert found is not None, f"{name} is not installed"
    return found


async def run(command: Sequence[str], limit_s: float) -> tuple[int, str, str]:
    """Run a command here; its exit code and output."""
    directory = str(Path(tool("node")).parent)
    environment = {**os.environ, "PATH": os.pathsep.join((directory, os.environ.get("PATH", "")))}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=HERE, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), limit_s)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def installed() -> None:
    """Install exactly what the lock file names, unless it is there already; one test process at a time."""
    stamp, lock = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    with (HERE / ".npmrc").open("rb") as gate:
        await asyncio.to_thread(fcntl.flock, gate, fcntl.LOCK_EX)
        if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
            return
        code, _, errors = await run([tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], _INSTALL_S)
        assert code == 0, errors
