"""The camera that nobody here wrote, tests/peers/gst_rtsp_camera.py, in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAM = Path(__file__).parents[1] / "peers/gst_rtsp_camera.py"


@contextmanager
def gst_camera(*options: str) -> Iterator[int]:
    """Run it by the system's Python, which has GStreamer's bindings; its port."""
    process = subprocess.Popen(["/usr/bin/python3", str(_PROGRAM), *options], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()
