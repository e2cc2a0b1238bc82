"""A flood of hostile datagrams on loopback: viewers lose next to nothing, the worker keeps its size and its manners."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from streams.pool import MediaPool, StreamSource
from streams.webrtc.mux import IceCredentials, UdpMux
from tests.support.demo import ROOT
from tests.system.flood import check
from tests.system.media_scene import camera, source_of
from tests.system.media_viewer import AiortcViewer
from tests.system.test_media_pool import pool_of

pytestmark = pytest.mark.system

RATE, FLOOD_S = 20_000, 3.0
MOST_LOST = 0.01
MOST_GROWTH_BYTES = 6 << 20


async def received(viewer: AiortcViewer) -> tuple[int, int]:
    """Packets that came and packets that never did, by the viewer's own count."""
    report = await viewer.connection.getReceivers()[0].getStats()
    (inbound,) = (item for item in report.values() if item.type == "inbound-rtp")
    return inbound.packetsReceived, inbound.packetsLost


def own_sockets() -> set[int]:
    """The inodes of this process's UDP sockets."""
    ports = {connection.laddr.port for connection in psutil.Process().net_connections("udp4")}
    return {int(fields[9]) for fields in _udp_table() if int(fields[1].partition(":")[2], 16) in ports}


def _udp_table() -> list[list[str]]:
    return [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]


def dropped_here(inodes: set[int]) -> int:
    """Datagrams that reached these sockets and found their queues full, because this process had no time to read."""
    return sum(int(fields[-1]) for fields in _udp_table() if int(fields[9]) in inodes)


async def flood(port: int, victim_sdp: str) -> int:
    """Flood the port in a process of its own; how many datagrams."""
    found = [re.search(rf"a={name}:(\S+)", victim_sdp) for name in ("ice-ufrag", "ice-pwd")]
    words = [match[1] for match in found if match]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.system.flood", str(port), str(RATE), str(FLOOD_S), *words,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    return int(out)


@dataclass(frozen=True)
class Look:
    """How things stand: what the worker says, what the viewers got and lost, and what was lost in their own queues."""

    stats: dict[str, Any]
    got: int
    lost: int
    starved: int

    @classmethod
    async def at(cls, pool: MediaPool, viewers: Sequence[AiortcViewer], sockets: set[int]) -> Look:
        (stats,) = await pool.stats()
        counts = [await received(viewer) for viewer in viewers]
        return cls(stats, sum(got for got, _ in counts), sum(lost for _, lost in counts), dropped_here(sockets))

    def since(self, before: Look, name: str) -> Any:
        return self.stats[name] - before.stats[name]


async def join_amid_it(pool: MediaPool, source: StreamSource, viewer: AiortcViewer) -> float:
    """Seconds from the offer to the third frame, begun when the flood has run for a second."""
    await asyncio.sleep(1.0)
    began_s = time.monotonic()
    await viewer.watch(pool, "late", source)
    await viewer.frames(3, timeout_s=12)
    return time.monotonic() - began_s


def judge(before: Look, after: Look, sent: int) -> None:
    got, lost = after.got - before.got, after.lost - before.lost
    assert sent >= RATE * FLOOD_S * 0.5, "the machine could not send a flood worth the name"
    assert after.since(before, "datagrams_received") >= sent * 0.1
    assert got > 200
    # What found a viewer's own queue full is no harm of the flood's: nobody floods that.
    assert lost - (after.starved - before.starved) <= MOST_LOST * (got + lost)
    assert after.since(before, "rss_bytes") < MOST_GROWTH_BYTES
    assert after.since(before, "tasks") <= 12  # the new viewer's, and the victim's handshake
    for kind in ("datagrams_malformed", "datagrams_strange", "checks_excess"):
        assert after.since(before, kind) > sent * 0.02
    assert after.since(before, "datagrams_forged") > 0


def words(before: Look, after: Look, sent: int, joined_s: float) -> str:
    taken, cpu_s = after.since(before, "datagrams_received"), after.since(before, "cpu_s")
    lost, all_ = after.lost - before.lost, after.got - before.got + after.lost - before.lost
    return (
        f"{sent} datagrams in {FLOOD_S:g} s, {taken} taken; viewers lost {lost} of {all_} packets, "
        f"{after.starved - before.starved} of them here for want of time; "
        f"memory {after.since(before, 'rss_bytes') / 1024:+.0f} KB; {cpu_s:.2f} s of CPU with video, "
        f"{1e6 * cpu_s / taken:.1f} us a datagram; joined in {joined_s:.2f} s during it; "
        f"loop late by {after.stats['lag_s'] * 1000:.1f} ms"
    )


@pytest.mark.timeout(60)
async def test_viewers_hardly_notice_a_flood_and_new_ones_come_in(
    record_property: Callable[[str, object], None],
) -> None:
    async with camera() as (server, _), pool_of(1) as (pool, events), contextlib.AsyncExitStack() as stack:
        *viewers, victim, late = [await stack.enter_async_context(AiortcViewer()) for _ in range(4)]
        for number, viewer in enumerate(viewers):
            await viewer.watch(pool, f"s{number}", source_of(server))
            await viewer.frames(10)
        drains = [asyncio.create_task(viewer.drain()) for viewer in viewers]
        victim_sdp = (await pool.open_session("victim", source_of(server), await victim.offer())).sdp
        await asyncio.sleep(1.0)
        sockets = own_sockets()
        before = await Look.at(pool, viewers, sockets)
        flooding = asyncio.create_task(flood(pool.ports[0], victim_sdp))
        joined_s = await join_amid_it(pool, source_of(server), late)
        sent = await flooding
        after = await Look.at(pool, viewers, sockets)
        record_property("figures", words(before, after, sent, joined_s))
        judge(before, after, sent)
        assert not [event for event in events if event.get("state") == "closed" and event["session_id"] != "victim"]
        for drain in drains:
            drain.cancel()


class Deaf:
    def on_check(self, address: Any, *, nominated: bool, priority: int, now_s: float) -> None:
        pass


def test_what_a_datagram_of_nobody_costs(record_property: Callable[[str, object], None]) -> None:
    """Beside what a valid check costs."""
    ours = IceCredentials("0123456789ab", "password" * 4)
    valid, forged = check(ours.ufrag, ours.password), check(ours.ufrag, "wrong" * 5)
    kinds = {
        "a valid check, answered": (valid, 45),
        "STUN with a wrong signature": (forged, 45),
        "checks beyond a viewer's allowance": (valid, 5000),
        "STUN of an unknown user": (check("ffffffffffff", "p" * 24), 5000),
        "a DTLS record of nobody": (b"\x16\xfe\xfd" + bytes(100), 5000),
        "random bytes that look like STUN": (b"\0\1\0\x08\x21\x12\xa4\x42" + bytes(100), 5000),
    }
    costs_us = {}
    for name, (data, count) in kinds.items():
        mux = UdpMux()
        mux.sender = type("Nowhere", (), {"send": lambda self, data, address: 1})()  # type: ignore[assignment]
        mux.register(ours, Deaf())  # type: ignore[arg-type]
        began_s = time.thread_time()
        for number in range(count):
            mux.receive(data, ("192.0.2.1" if data is valid else "192.0.2.2", 1024 + number))
        costs_us[name] = 1e6 * (time.thread_time() - began_s) / count
        mux.close()
    record_property("figures", "; ".join(f"{name}: {cost:.1f} us" for name, cost in costs_us.items()))
    full = costs_us["a valid check, answered"]
    assert costs_us["STUN of an unknown user"] < full / 4
    assert costs_us["checks beyond a viewer's allowance"] < full / 4
