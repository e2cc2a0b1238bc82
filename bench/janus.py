"""Janus (Debian package `janus`), the peer that is written in C: its configuration, its life, one RTSP mountpoint."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.program import Program, ProgramError, free_port

_READY_S = 30.0
_MOUNTPOINT = 1
_LIBRARY = "janus/plugins/libjanus_streaming.so"
_NOT_NEEDED = (
    "audiobridge", "duktape", "echotest", "lua", "nosip", "recordplay", "sip", "textroom", "videocall", "videoroom",
    "voicemail",
)  # fmt: skip
_TRANSPORTS = ("mqtt", "nanomsg", "pfunix", "rabbitmq", "websockets")


@asynccontextmanager
async def janus(
    rtsp_url: str, folder: Path, *, core: int | None = None, event_loops: int = 0
) -> AsyncIterator[tuple[str, Program]]:
    """Janus with one mountpoint, number 1, of this camera; yields the address of its HTTP interface.

    As shipped it has a thread for each viewer; `event_loops` = 1 is its best setting for one core. Whatever it has no
    reason to load here is disabled; all other settings are its own.

    Raises:
        ProgramError: it is not installed, or not ready in time.
    """
    binary, libraries = shutil.which("janus"), _libraries()
    if binary is None or libraries is None:
        raise ProgramError("Janus is missing; tools/debian-packages-bench.txt names what the benchmarks need")
    port = free_port()
    home = await asyncio.to_thread(_write, folder / f"janus-{port}", libraries, rtsp_url, port, event_loops)
    argv = [binary, "--configs-folder", str(home), "--disable-colors"]
    async with await Program.start(f"janus-{port}", argv, folder, core=core) as program:
        url = f"http://127.0.0.1:{port}/janus"
        draining = asyncio.create_task(program.drain())
        try:
            await _until_ready(url, program)
            yield url, program
        finally:
            draining.cancel()


def _libraries() -> Path | None:
    """Where Debian has put Janus' parts, which depends on the architecture."""
    found = sorted(Path("/usr/lib").glob(f"*/{_LIBRARY}"))
    return found[0].parents[1] if found else None


def _write(home: Path, libraries: Path, rtsp_url: str, port: int, event_loops: int) -> Path:
    home.mkdir()
    (home / "janus.jcfg").write_text(settings(libraries, event_loops))
    (home / "janus.transport.http.jcfg").write_text(
        f'general: {{ json = "compact"; base_path = "/janus"; http = true; port = {port}; ip = "127.0.0.1"; }}\n'
    )
    (home / "janus.plugin.streaming.jcfg").write_text(mountpoint(rtsp_url))
    return home


def settings(libraries: Path, event_loops: int) -> str:
    """Janus' main file. Sessions do not end by themselves, so that viewers need not ask for theirs to be kept."""
    plugins = ",".join(f"libjanus_{name}.so" for name in _NOT_NEEDED)
    transports = ",".join(f"libjanus_{name}.so" for name in _TRANSPORTS)
    loops = f"event_loops = {event_loops};" if event_loops else ""
    folders = " ".join(f'{each}_folder = "{libraries}/{each}";' for each in ("plugins", "transports", "events"))
    return (
        f"general: {{ {folders} debug_level = 2; session_timeout = 0; {loops} }}\n"
        f'plugins: {{ disable = "{plugins}"; }}\n'
        f'transports: {{ disable = "{transports}"; }}\n'
    )


def mountpoint(rtsp_url: str) -> str:
    """The streaming plugin's file; an account in the address goes into settings of its own."""
    parts = urlsplit(rtsp_url)
    address = parts._replace(netloc=f"{parts.hostname}:{parts.port}").geturl()
    account = f'rtsp_user = "{parts.username}"; rtsp_pwd = "{parts.password}";' if parts.username else ""
    return (
        f'camera: {{ type = "rtsp"; id = {_MOUNTPOINT}; description = "camera"; audio = false; video = true;'
        f' url = "{address}"; {account} videocodec = "h264"; videopt = 96; rtsp_failcheck = true;'
        ' videofmtp = "profile-level-id=42e01f;packetization-mode=1"; }\n'
    )


async def _until_ready(url: str, program: Program) -> None:
    deadline = time.monotonic() + _READY_S
    async with httpx.AsyncClient() as client:
        while True:
            program.check()
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"{url}/info")).status_code == httpx.codes.OK:
                    return
            if time.monotonic() > deadline:
                raise ProgramError(f"Janus was not ready within {_READY_S:g} s")
            await asyncio.sleep(0.1)
