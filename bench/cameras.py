"""Cameras of the media benchmarks: one that nobody here wrote, and loops that cost next to nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.program import Program

_READY_S = 20.0
_ASK_S = 10.0
KEY_PACKETS = 30  # a loop's key picture of 57 KB has 48 or more, its other pictures 8


@contextlib.asynccontextmanager
async def foreign_camera(folder: Path, core: int | None = None) -> AsyncIterator[str]:
    """A camera that nobody here wrote, which streams; its RTSP address."""
    argv = ["/usr/bin/python3", str(Path(__file__).with_name("gst_camera.py"))]
    async with await Program.start("gst_camera", argv, folder, core=core) as program:
        yield await program.line(_READY_S)


@dataclass(frozen=True, slots=True)
class LoopCameras:
    """Any number of cameras that play one loop, see `bench.loop_camera`."""

    port: int
    key_bytes: int
    kbps: dict[str, float]
    program: Program

    def url(self, name: str = "main") -> str:
        """The address of a camera; its name begins with "main" (2 Mb/s) or "sub" (300 kb/s)."""
        return f"rtsp://127.0.0.1:{self.port}/{name}"

    async def sent(self) -> list[Any]:
        """What the camera "main" sent since the last call: timestamp, wall clock in ns, whether a key picture."""
        pictures: list[Any] = (await self.program.ask(_ASK_S, sent=True))["sent"]
        return pictures

    def __str__(self) -> str:
        return f"{self.kbps['main'] / 1000:.1f} Mb/s, 25 pictures a second, key pictures of {self.key_bytes // 1000} KB"


@contextlib.asynccontextmanager
async def loop_cameras(folder: Path, core: int | None, idr_interval_s: float = 2.0) -> AsyncIterator[LoopCameras]:
    """Such cameras in a process of their own."""
    async with await Program.module("loop_camera", str(idr_interval_s), folder=folder, core=core) as program:
        ready = json.loads(await program.line(_READY_S))
        yield LoopCameras(ready["port"], ready["key_bytes"], ready["kbps"], program)
