from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from aiortc.rtcsctptransport import RTCSctpTransport

from streams.pool import MediaPool
from tests.system.media_browser import CHROMIUM, browser
from tests.system.media_scene import camera, encoded_loop, source_of
from tests.system.media_viewer import AiortcViewer
from tests.system.test_media_pool import pool_of, until

pytestmark = pytest.mark.system
Event = dict[str, Any]


def texts(events: list[Event], session_id: str = "s") -> list[str]:
    return [e["text"] for e in events if e["type"] == "datagram" and e["session_id"] == session_id]


async def figures(pool: MediaPool) -> dict[str, Any]:
    (stats,) = await pool.stats()
    return stats


async def test_texts_travel_both_ways_beside_the_picture_within_milliseconds() -> None:
    async with camera() as (server, _), pool_of(1) as (pool, events), AiortcViewer(data=True) as viewer:
        await viewer.watch(pool, "s", source_of(server))
        channel = await viewer.opened()
        await viewer.frames(3)
        draining = asyncio.create_task(viewer.drain())
        delays_s = []
        for number in range(30):
            sent_s = time.monotonic()
            channel.send(f'{{"seq":{number}}}')
            await until(lambda count=number: len(texts(events)) > count)
            pool.send_datagram("s", f"ack {number}")
            async with asyncio.timeout(2):
                assert await viewer.texts.get() == f"ack {number}"
            delays_s.append(time.monotonic() - sent_s)
        assert texts(events) == [f'{{"seq":{number}}}' for number in range(30)]
        assert sorted(delays_s)[15] < 0.05  # there and back, polled every 10 ms; 2 ms on an idle machine
        pool.send_datagram("nobody", "lost")
        pool.send_datagram("s", "x" * 5000)
        await pool.close_session("s")
        pool.send_datagram("s", "lost")
        await draining
        stats = await figures(pool)
        assert (stats["texts_received"], stats["texts_sent"], stats["data_broken"]) == (30, 30, 0)


async def test_only_texts_of_the_control_channel_count() -> None:
    async with camera() as (server, _), pool_of(1) as (pool, events), AiortcViewer(data=True) as viewer:
        chat = viewer.open_channel("chat")
        await viewer.watch(pool, "s", source_of(server))
        channel = await viewer.opened()
        await until(lambda: chat.readyState == "open")
        chat.send("not for you")
        channel.send(b"bytes")
        channel.send("a text")
        await until(lambda: texts(events))
        assert texts(events) == ["a text"]
        assert (await figures(pool))["texts_dropped"] == 2


async def test_who_floods_the_channel_is_cut_to_a_hundred_a_second() -> None:
    async with camera() as (server, _), pool_of(1) as (pool, events), AiortcViewer(data=True) as viewer:
        await viewer.watch(pool, "s", source_of(server))
        channel = await viewer.opened()
        began_s = time.monotonic()
        for number in range(300):
            channel.send(str(number))
            await asyncio.sleep(0.001)
        took_s = time.monotonic() - began_s
        await asyncio.sleep(0.1)
        assert 100 <= len(texts(events)) <= 101 + 100 * (took_s + 0.1)
        await asyncio.sleep(1.1)
        channel.send("patient")
        await until(lambda: "patient" in texts(events))


async def test_who_opens_many_channels_or_sends_garbage_hurts_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    good, bad = AiortcViewer(data=True), AiortcViewer(data=True)
    async with camera() as (server, _), pool_of(1) as (pool, events), good, bad:
        await good.watch(pool, "good", source_of(server))
        await bad.watch(pool, "bad", source_of(server))
        await asyncio.gather(good.opened(), bad.opened())
        await asyncio.gather(good.frames(2), bad.frames(2))
        for number in range(30):
            bad.open_channel(f"more {number}")
        await asyncio.sleep(0.2)
        sctp = bad.connection.sctp
        assert isinstance(sctp, RTCSctpTransport)
        before = (await figures(pool))["cpu_s"]
        for number in range(200):
            # Heartbeats whose parameter has no length, a SACK of everything, and noise.
            body = (b"\4\0\0\x08\0\1\0\0", b"\3\0\0\x14" + bytes(8) + b"\0\1\0\0\0\1\xff\xff", os.urandom(200))
            await sctp.transport._send_data(bytes(12) + body[number % 3])
        frames = await good.frames(25)
        assert len(frames) == 25
        stats = await figures(pool)
        assert stats["data_broken"] == 1
        assert stats["cpu_s"] - before < 1
        assert len(await bad.frames(5)) == 5, "its picture goes on"
        assert good.channel
        good.channel.send("still heard")
        await until(lambda: texts(events, "good") == ["still heard"])
    noise = capfd.readouterr().err
    assert "Traceback" not in noise
    assert "never retrieved" not in noise


async def test_sessions_that_end_in_any_way_end_quietly(capfd: pytest.CaptureFixture[str]) -> None:
    async with camera() as (server, _), pool_of(1) as (pool, events):
        for number in range(6):
            async with AiortcViewer(data=True) as viewer:
                await viewer.watch(pool, f"s{number}", source_of(server))
                channel = await viewer.opened()
                for _ in range(20):
                    channel.send("up")
                    pool.send_datagram(f"s{number}", "down" * 500)
                if number % 2:
                    await pool.close_session(f"s{number}")
        await until(lambda: len([e for e in events if e.get("state") == "closed"]) == 6)
        assert (await figures(pool))["sessions"] == 0
        async with AiortcViewer(data=True) as viewer:
            await viewer.watch(pool, "last", source_of(server))
            await viewer.opened()
            os.kill(pool.pids[0], signal.SIGSTOP)
            for _ in range(2000):
                pool.send_datagram("last", "x" * 4000)
            os.kill(pool.pids[0], signal.SIGCONT)
            await until(lambda: not viewer.texts.empty())
    noise = capfd.readouterr().err
    assert "Traceback" not in noise
    assert "never retrieved" not in noise


_DATA_FIRST = """
async ({id, dataFirst}) => {
  const pc = new RTCPeerConnection();
  const heard = [];
  const channel = pc.createDataChannel("control", {ordered: false, maxRetransmits: 0});
  channel.onmessage = (event) => heard.push(event.data);
  (window.viewers ??= {})[id] = {pc, channel, heard};
  if (dataFirst) await pc.setLocalDescription(await pc.createOffer());
  const video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  document.body.append(video);
  pc.addTransceiver("video", {direction: "recvonly"});
  pc.ontrack = (event) => { video.srcObject = new MediaStream([event.track]); };
  await pc.setLocalDescription(await pc.createOffer());
  const kinds = [...pc.localDescription.sdp.matchAll(/^m=(\\w+)/gm)].map((found) => found[1]);
  await pc.setRemoteDescription({type: "answer", sdp: await window.whep(id, pc.localDescription.sdp)});
  await new Promise((resolve, reject) => {
    video.requestVideoFrameCallback(resolve);
    setTimeout(() => reject(new Error(`no picture: ${pc.connectionState}`)), 10000);
  });
  for (let tries = 0; tries < 100 && channel.readyState !== "open"; tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  for (let number = 0; number < 20; number++) channel.send(`text ${number} é`);
  for (let tries = 0; tries < 100 && heard.length < 20; tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return {kinds, heard, maxMessage: pc.sctp.maxMessageSize, state: channel.readyState};
}
"""


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's chromium is not installed")
async def test_chromium_talks_over_the_data_channel_wherever_its_section_stands() -> None:
    encoded_loop()
    async with camera() as (server, _):
        events: list[Event] = []

        def answer(event: Event) -> None:
            events.append(event)
            if event["type"] == "datagram":
                pool.send_datagram(event["session_id"], f"ack of {event['text']}")

        pool = MediaPool(1, "127.0.0.1", 0, ["127.0.0.1"], on_event=answer)
        await pool.start()

        async def whep(session_id: str, offer: str) -> str:
            return (await pool.open_session(session_id, source_of(server), offer)).sdp

        try:
            async with browser(whep) as chromium:
                for name, kinds in (("last", ["video", "application"]), ("first", ["application", "video"])):
                    said = {"id": name, "dataFirst": name == "first"}
                    result = await chromium.evaluate(_DATA_FIRST, said)
                    assert result["kinds"] == kinds
                    assert (result["state"], result["maxMessage"]) == ("open", 4096)
                    assert texts(events, name) == [f"text {number} é" for number in range(20)]
                    assert result["heard"] == [f"ack of text {number} é" for number in range(20)]
                await chromium.evaluate("() => { for (const {pc} of Object.values(window.viewers)) pc.close(); }")
                await until(lambda: len([e for e in events if e.get("state") == "closed"]) == 2)
        finally:
            await pool.close()
