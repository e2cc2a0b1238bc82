"""Accounts of the re-stream of a running service, by command line and HTTP: given, narrowed by rights, taken away."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from streams.errors import StreamError, StreamFault
from streams.rtp.frames import AccessUnit
from streams.rtsp.client import RtspClient
from tests.support.commands import camctl_here
from tests.support.ports import free_tcp_port
from tests.support.rtsp_kit import pull, until
from tests.support.service import running, write_config
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


async def ends_within_a_second_of(change: Callable[[], object], port: int, name: str, secret: str) -> None:
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
    await asyncio.to_thread(change)
    changed_s = time.monotonic()
    await until(lambda: ended_s)
    assert ended_s[0] - changed_s < 1.0
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

            await ends_within_a_second_of(lambda: service.user("disable", "dewi"), port, "perekam-1", secret)
            assert await outcome(port, f"{MINE}/main", "perekam-1", secret) is StreamFault.NOT_FOUND
            await asyncio.to_thread(service.user, "enable", "dewi")
            await asyncio.sleep(1.0)
            removal = ("restream", "remove", "perekam-1")
            await ends_within_a_second_of(lambda: service.user(*removal), port, "perekam-1", secret)
            assert await outcome(port, f"{MINE}/main", "perekam-1", secret) is StreamFault.BAD_CREDENTIALS
            assert (await asyncio.to_thread(service.user, "restream", "list")) == ""
            assert secret.encode() not in await asyncio.to_thread((tmp_path / "people.db").read_bytes)
        finally:
            await asyncio.to_thread(service_block.__exit__, None, None, None)
        assert secret not in service.log.read_text()
        on_record = await asyncio.to_thread(camctl_here, "audit", "export", "--config", str(config))
        rows = [json.loads(line) for line in on_record.stdout.splitlines()]
        views = [
            (row["action"], row["camera"], row["actor_name"], row["reason_text"])
            for row in rows
            if "view" in str(row.get("action"))
        ]
        ends = [MINE, "dewi", "revoked"]
        assert views == [("view-start", MINE, "dewi", ""), ("view-end", *ends)] * 2
        await until(lambda: not scene.sinks)


async def plays_at(url: str, name: str, secret: str) -> None:
    """Pictures come from this address, once the running service has heard of the account."""
    address = httpx.URL(url)
    async with asyncio.timeout(2.0):
        while await outcome(address.port or 0, address.path[1:], name, secret) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await pull(RtspClient(url, "127.0.0.1", name, secret), 6)


async def test_an_account_made_by_http_pulls_and_its_removal_ends_it(tmp_path: Path) -> None:
    port = free_tcp_port()
    async with camera() as (server, scene):
        config = configured(tmp_path, server.port, port)
        people = {
            "dewi": ["--role", "partner", "--area", "31.71", "--organisation", "PT Contoh"],
            "agus": ["--role", "admin", "--area", "31.71"],
        }
        service_block = running(tmp_path, config, people)
        service = await asyncio.to_thread(service_block.__enter__)
        secrets = []
        try:
            with service.browser("dewi") as dewi, service.browser("agus") as agus:
                for who, name, body in ((dewi, "perekam-1", {}), (agus, "perekam-2", {"username": "dewi"})):
                    answer = await asyncio.to_thread(who.post, "/restream/accounts", json={"name": name, **body})
                    assert answer.status_code == 201, answer.text
                    made = answer.json()
                    secrets.append(made["secret"])
                    [streams] = made["streams"]
                    assert streams["main"] == f"rtsp://127.0.0.1:{port}/{MINE}/main"
                    for quality in ("main", "sub"):
                        await plays_at(streams[quality], name, made["secret"])
                    assert await outcome(port, f"{THEIRS}/main", name, made["secret"]) is StreamFault.NOT_FOUND
                for who, name, secret in ((agus, "perekam-1", secrets[0]), (dewi, "perekam-2", secrets[1])):
                    removal = f"/restream/accounts/{name}"
                    await ends_within_a_second_of(lambda who=who, to=removal: who.delete(to), port, name, secret)
                    assert await outcome(port, f"{MINE}/main", name, secret) is StreamFault.BAD_CREDENTIALS
        finally:
            await asyncio.to_thread(service_block.__exit__, None, None, None)
        log = service.log.read_text()
        assert "agus made the re-stream account perekam-2 of dewi" in log
        assert not [secret for secret in secrets if secret in log]
        await until(lambda: not scene.sinks)
