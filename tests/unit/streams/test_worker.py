"""What a worker does with the events of its parent; the rest is shown by the system tests."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import pytest

from streams import snapshot
from streams.hub import Client, HubEvent, HubState
from streams.quality import Quality
from streams.rtsp.origin import StreamSource
from streams.viewers import _Viewer
from streams.webrtc.mux import UdpMux
from streams.wire import Payload, WireError
from streams.worker import MediaWorker, WorkerSettings
from tests.unit.streams.hub_kit import H264, SOURCE, Street
from tests.unit.streams.rtp.fanout_kit import FakeSealer

# The tests hold a socket object that is never bound or connected.
pytestmark = pytest.mark.enable_socket


class Bench:
    def __init__(self) -> None:
        self.street = Street(H264)
        self.told: list[tuple[str, Payload]] = []
        self.is_lagging = False
        self.mux = UdpMux()
        self.worker = MediaWorker(
            WorkerSettings("127.0.0.1", ("127.0.0.1",)), self.mux, 1, FakeSealer(),
            lambda kind, payload: self.told.append((kind, payload)), lambda: self.is_lagging, self.connect,
        )  # fmt: skip

    def connect(self, source: StreamSource) -> Client:
        return self.street.connect(source)

    async def snapshot(self, source: StreamSource = SOURCE) -> bytes:
        _, jpeg = await self.worker.handlers["snapshot"]({"source": asdict(source)}, b"")
        return jpeg

    async def hidden(self) -> dict[str, bool]:
        stats, _ = await self.worker.handlers["stats"]({}, b"")
        return {item["key"]: item["hidden"] for item in stats["streams"]}

    def hide(self, prefix: str, *, hidden: bool = True) -> None:
        self.worker.take("hide", {"prefix": prefix, "hidden": hidden})

    async def close(self) -> None:
        await self.worker.close()
        self.mux.close()


async def test_streams_are_hidden_by_every_prefix_that_fits_also_those_of_later() -> None:
    bench = Bench()
    first, other = SOURCE, StreamSource("cam-10/main", SOURCE.url, SOURCE.address)
    bench.worker._hub(first)
    bench.hide("cam-1/")
    bench.worker._hub(other)
    assert await bench.hidden() == {"cam-1/main": True, "cam-10/main": False}
    bench.hide("cam-")
    bench.hide("cam-1/", hidden=False)
    bench.worker._hub(StreamSource("cam-1/sub", SOURCE.url, SOURCE.address))
    assert set((await bench.hidden()).values()) == {True}
    bench.hide("cam-", hidden=False)
    bench.hide("cam-9/", hidden=False)
    assert set((await bench.hidden()).values()) == {False}
    await bench.close()


async def test_a_picture_that_was_being_made_when_it_was_hidden_is_not_given_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    monkeypatch.setattr(snapshot, "render_jpeg", lambda unit, size: b"jpeg of " + bytes(str(unit.timestamp), "ascii"))
    asking = asyncio.create_task(bench.snapshot())
    camera = await bench.street.playing(0)
    now_s = asyncio.get_running_loop().time()
    camera.send(1000, now_s, key=True)
    await asyncio.sleep(0)
    bench.hide("cam-1/")
    bench.hide("cam-1/", hidden=False)
    for error in await asyncio.gather(asking, return_exceptions=True):
        assert isinstance(error, WireError)
        assert error.code == "hidden"
    asking = asyncio.create_task(bench.snapshot())
    await asyncio.sleep(0.01)
    camera.send(46_000, now_s + 1, key=True)
    assert await asking == b"jpeg of 46000"
    bench.hide("cam-1/")
    with pytest.raises(WireError):
        await bench.snapshot()
    await bench.close()


async def test_datagrams_of_nobody_are_lost_and_a_parent_that_lags_is_spared() -> None:
    bench = Bench()
    bench.worker.take("datagram", {"session_id": "nobody", "text": "lost"})
    bench.worker.take("a kind of tomorrow", {})
    session: Any = type("Session", (), {"session_id": "s"})()
    bench.worker._viewers._heard(session, "first")
    bench.is_lagging = True
    bench.worker._viewers._heard(session, "second")
    assert bench.told == [("datagram", {"session_id": "s", "text": "first"})]
    stats, _ = await bench.worker.handlers["stats"]({}, b"")
    assert stats["texts_dropped"] == 1
    await bench.close()


async def test_viewers_of_a_camera_that_changed_its_codec_are_sent_away() -> None:
    bench = Bench()
    closed: list[str] = []
    for key in ("cam-1/main", "cam-2/main"):
        hub = bench.worker._hub(StreamSource(key, SOURCE.url, SOURCE.address))
        session: Any = type("Session", (), {"close_soon": lambda _, why, key=key: closed.append(f"{key}: {why}")})()
        viewing: Any = type("Viewing", (), {"hubs": {Quality.MAIN: hub}})()
        bench.worker._viewers._viewers[key] = _Viewer(session, viewing)
    bench.worker._stream_changed(HubEvent("cam-1/main", HubState.CONNECTING, new_codec=True))
    assert closed == ["cam-1/main: the camera changed its codec"]
    bench.worker._viewers._viewers.clear()
    await bench.close()


async def test_b_frames_and_the_codec_are_among_the_figures_and_told_with_the_state() -> None:
    bench = Bench()
    hub = bench.worker._hub(SOURCE)
    hold = hub.hold()
    camera = await bench.street.playing(0)
    for index, time in enumerate([0, 3, 1, 2, 6, 4, 5, 9, 7, 8]):
        camera.send(time * 3600, 1.0 + index / 25, key=index == 0)
    stats, _ = await bench.worker.handlers["stats"]({}, b"")
    assert (stats["streams"][0]["codec"], stats["streams"][0]["b_frames"]) == ("H264", True)
    told = [payload["b_frames"] for kind, payload in bench.told if kind == "stream_state"]
    assert told == [False, False, True]
    hold.release()
    await bench.close()
