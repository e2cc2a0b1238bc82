"""The npm package `onvif` by agsh, which many home servers use, connects to the simulated camera and steers it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.peers.npm_packages import installed, run, tool
from tests.support import sim_onvif_kit as kit

pytestmark = pytest.mark.peer
RUN_S = 30


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
