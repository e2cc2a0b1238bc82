"""The client's own code for a page of the benchmarks: its statistics, and how long it holds pictures back."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

_WEB = Path(__file__).parents[1] / "web"
_ENTRY = """
export {{ sampleOf }} from "{whep}/stats.ts";
export {{ Meter }} from "{whep}/meter.ts";
"""


@cache
def client_script() -> str:
    """A script that sets `client` to the client's statistics and meter. Takes a moment; raises OSError."""
    with tempfile.TemporaryDirectory(prefix="camctl-bench-client-") as folder:
        entry, made = Path(folder) / "entry.ts", Path(folder) / "made.js"
        entry.write_text(_ENTRY.format(whep=_WEB / "src/drivers/whep"))
        program = _WEB / "node_modules/.bin/rolldown"
        words = [program, entry, "--format", "iife", "--name", "client", "--file", made]
        done = subprocess.run(words, cwd=_WEB, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise OSError(f"the client's code cannot be bundled: {done.stderr or done.stdout}")
        return made.read_text()
