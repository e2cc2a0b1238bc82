"""Accounts of the re-stream from the command line, beside a running service: given, narrowed by rights, taken away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from streams.errors import StreamError, StreamFault
from streams.rtp.frames import AccessUnit
from streams.rtsp.client import RtspClient
from tests.support.commands import camctl_here
from tests.support.ports import free_tcp_port
from tests.support.rtsp_kit import until
from tests.support.service import Service, running, write_config
from tests.system.media_scene import camera

pytestmark = pytest.mark.system

MINE, THEIRS = "jalan-pt", "jalan-kota"


def configured(folder: Path, camera_port: int, port: int) -> Path:
    feed = {"main": f"rtsp://127.0.0.1:{camera_port}/main"}
    account = {"username": "viewer", "password": "rahasia"}
    items = [
        {"id": id_, "name": id_, "area": "31.71.07.1002", "owner": owner, "rtsp": feed, **account}
        for id_, owner in ((MINE, "PT Contoh"), (THEIRS, "PT Lain"))
    ]
    return write_config(folder, items, restream={"enabled": True, "host": "127.0.0.1", "port": port})


async def outcome(port: int, path: str, name: str, secret: str) -> StreamFault | None:
    """Why DESCRIBE was refused, or None."""
    client = RtspClient(f"rtsp://127.0.0.1:{port}/{path}", "127.0.0.1", name, secret)
    try:
        await client.open()
    except StreamError as error:
        return error.fault
    finally:
        await client.close()
    return None


async def ends_within_a_second_of(change: tuple[str, ...], service: Service, port: int, name: str, secret: str) -> None:
    units: list[AccessUnit] = []
    ended_s: list[float] = []
    client = RtspClient(f"rtsp://127.0.0.1:{port}/{MINE}/main", "127.0.0.1", name, secret)
    await client.open()

    async def play() -> None:
        try:
            await client.play(units.append)
        except StreamError:
            ended_s.append(time.monotonic())

    playing = asyncio.create_task(play())
    await until(lambda: len(units) > 5)
    await asyncio.to_thread(service.user, *change)
    changed_s = time.monotonic()
    await until(lambda: ended_s)
    assert ended_s[0] - changed_s < 1.0, change
    await playing
    await client.close()


async def test_an_account_lives_and_dies_with_its_person(tmp_path: Path) -> None:
    port = free_tcp_port()
    async with camera() as (server, scene):
        config = configured(tmp_path, server.port, port)
        people = {
            "dewi": ["--role", "partner", "--area", "31", "--organisation", "PT Contoh"],
            "budi": ["--role", "operator", "--area", "31"],
        }
        service_block = running(tmp_path, config, people)
        service = await asyncio.to_thread(service_block.__enter__)
        try:
            add = ("restream", "add", "dewi", "--name")
            secret = await asyncio.to_thread(service.user, *add, "Perekam-1")
            assert len(secret) == 32
            assert secret not in await asyncio.to_thread(service.user, "restream", "list")
            await asyncio.sleep(1.0)

            # The person's own camera, and no other; main and sub of it.
            assert await outcome(port, f"{MINE}/main", "perekam-1", secret) is None
            assert await outcome(port, f"{MINE}/sub", "perekam-1", secret) is None
            assert await outcome(port, f"{THEIRS}/main", "perekam-1", secret) is StreamFault.NOT_FOUND
            assert await outcome(port, f"{MINE}/main", "perekam-1", "salah") is StreamFault.BAD_CREDENTIALS

            again = await asyncio.to_thread(camctl_here, "user", *add, "perekam-1", "--config", str(config))
            assert again.returncode != 0
            assert "already" in again.stderr
            unknown = await asyncio.to_thread(
                camctl_here, "user", *add, "x", "--camera", "tidak-ada", "--config", str(config)
            )
            assert "tidak-ada" in unknown.stderr

            await ends_within_a_second_of(("disable", "dewi"), service, port, "perekam-1", secret)
            assert await outcome(port, f"{MINE}/main", "perekam-1", secret) is StreamFault.NOT_FOUND
            await asyncio.to_thread(service.user, "enable", "dewi")
            await asyncio.sleep(1.0)
            await ends_within_a_second_of(("restream", "remove", "perekam-1"), service, port, "perekam-1", secret)
            assert await outcome(port, f"{MINE}/main", "perekam-1", secret) is StreamFault.BAD_CREDENTIALS
            assert (await asyncio.to_thread(service.user, "restream", "list")) == ""
            assert secret.encode() not in await asyncio.to_thread((tmp_path / "people.db").read_bytes)
        finally:
            await asyncio.to_thread(service_block.__exit__, None, None, None)
        assert secret not in service.log.read_text()
        await until(lambda: not scene.sinks)
