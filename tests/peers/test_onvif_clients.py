"""The npm package `onvif` by agsh, which many home servers use, connects to the simulated camera and steers it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import sim_onvif_kit as kit

pytestmark = pytest.mark.peer
HERE = Path(__file__).parent
INSTALL_S, RUN_S = 90, 30


def tool(name: str) -> str:
    """Node's programs: those beside this Python first, then the machine's."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = shutil.which(name, path=path)
    assert found is not None, f"{name} is not installed"
    return found


async def run(command: Sequence[str], limit_s: float) -> tuple[int, str, str]:
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
    """Install exactly what the lock file names, unless it is there already."""
    stamp, lock = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    code, _, errors = await run([tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], INSTALL_S)
    assert code == 0, errors


async def agsh(port: int, password: str = kit.PASSWORD) -> tuple[int, Any, str]:
    await installed()
    code, output, errors = await run([tool("node"), "agsh_onvif.cjs", str(port), kit.USERNAME, password], RUN_S)
    return code, json.loads(output) if code == 0 else None, errors


@pytest.mark.parametrize(
    "quirks",
    [(), ("no-getservices",), ("http-digest-only",), ("capabilities-none", "closes-connection")],
    ids=["plain", "no-getservices", "digest-only", "capabilities-none"],
)
async def test_agsh_onvif_connects_moves_and_reads_the_new_position(quirks: tuple[str, ...]) -> None:
    quick = {"max_pan_deg_per_s": 300, "max_tilt_deg_per_s": 300, "zoom_travel_s": 0.5}
    async with kit.serving([kit.camera(quirks=list(quirks), **quick)]) as running:
        code, told, errors = await agsh(running[0].port)
        assert code == 0, errors
        kinds = [event.kind for event in running[0].camera.motor_log]
    assert told["manufacturer"] == "camctl"
    assert told["profiles"] == ["main profile", "sub profile"]
    assert told["active"] == "profile_main"
    assert told["stream"] == "rtsp://127.0.0.1:8554/main"
    assert told["snapshot"].startswith(f"http://127.0.0.1:{running[0].port}/snapshot.jpg")
    assert told["nodes"] == ["ptz_node_0"]
    assert told["moving"] == "MOVING"
    assert told["after"]["x"] > told["before"]["x"] + 0.05
    assert told["presets"] == {"Simpang": 1, "Halte": 2, "Monas": 3}  # it makes numbers of tokens
    assert told["preset"]["x"] == pytest.approx(-48 / 170, abs=1e-3)
    assert (told["absolute"]["x"], told["absolute"]["zoom"]) == (pytest.approx(0.5), pytest.approx(0.25))
    assert told["brightness"] == 50
    assert kinds[:2] == ["move", "stop"]


async def test_agsh_onvif_is_refused_with_a_wrong_password() -> None:
    async with kit.serving([kit.camera()]) as running:
        code, _, errors = await agsh(running[0].port, "wrong")
        assert code == 1
        assert "authorized" in errors.lower()
        assert not running[0].camera.motor_log
