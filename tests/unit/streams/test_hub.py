from __future__ import annotations

import asyncio
import itertools

import pytest

from streams.errors import StreamError, StreamFault
from streams.hub import HubState
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtsp.origin import StreamSource
from tests.unit.streams.hub_kit import H264, SOURCE, Street, until


async def test_one_pull_serves_many_and_ends_a_while_after_the_last() -> None:
    street = Street(H264)
    hub = street.hub()
    holds = [hub.hold() for _ in range(3)]
    assert await hub.ready(1) == H264
    await street.playing(0)
    for hold in holds:
        assert hub.state is not HubState.IDLE
        hold.release()
        hold.release()
    await asyncio.sleep(0.005)
    assert not street.clients[0].is_closed
    await until(hub, HubState.IDLE)
    assert street.clients[0].is_closed
    assert len(street.clients) == 1


async def test_who_comes_back_within_the_linger_finds_it_running() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=0.03)
    hub.hold().release()
    await street.playing(0)
    hold = hub.hold()
    await asyncio.sleep(0.06)
    assert not street.clients[0].is_closed
    hold.release()
    await hub.close()


async def test_who_comes_while_it_stops_gets_a_new_pull() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=0)
    hub.hold().release()
    await street.playing(0)
    hub._linger_over()  # cancelled, but not ended yet
    hub.hold()
    await street.playing(1)
    await hub.close()


async def test_the_format_is_remembered_so_that_the_next_answer_need_not_wait() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=0)
    hub.hold().release()
    await street.playing(0)
    await until(hub, HubState.IDLE)
    street.gate.clear()
    hub.hold()
    assert await hub.ready(0.01) == H264
    await hub.close()


async def test_ready_waits_for_a_camera_that_is_slow_and_then_gives_up() -> None:
    street = Street(H264)
    street.gate.clear()
    hub = street.hub()
    hub.hold()
    with pytest.raises(StreamError) as caught:
        await hub.ready(0.02)
    assert caught.value.fault is StreamFault.TIMEOUT
    waiting = asyncio.create_task(hub.ready(2))
    await asyncio.sleep(0.01)
    street.gate.set()
    assert await waiting == H264
    await hub.close()


@pytest.mark.parametrize("fault", [StreamFault.UNREACHABLE, StreamFault.BAD_CREDENTIALS, StreamFault.BUSY])
async def test_ready_raises_why_the_camera_cannot_be_had(fault: StreamFault) -> None:
    street = Street(fault)
    hub = street.hub()
    hub.hold()
    with pytest.raises(StreamError) as caught:
        await hub.ready(1)
    assert caught.value.fault is fault
    assert [event.error.fault for event in street.events if event.error] == [fault]
    await hub.close()


async def test_another_codec_is_named() -> None:
    street = Street(VideoFormat("MP4V-ES"))
    hub = street.hub()
    hub.hold()
    with pytest.raises(StreamError) as caught:
        await hub.ready(1)
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "MP4V-ES")
    await hub.close()


async def test_bad_credentials_are_not_tried_again_by_viewers_who_come_and_go() -> None:
    street = Street(StreamFault.BAD_CREDENTIALS)
    hub = street.hub(linger_s=0)
    for _ in range(4):
        hold = hub.hold()
        with pytest.raises(StreamError) as caught:
            await hub.ready(1)
        assert caught.value.fault is StreamFault.BAD_CREDENTIALS
        hold.release()
        await until(hub, HubState.IDLE)
    assert len(street.clients) == 1
    street.now_s += 200
    hub.hold()
    with pytest.raises(StreamError):
        await hub.ready(1)
    assert len(street.clients) == 2
    await hub.close()


async def test_new_credentials_are_tried_at_once() -> None:
    street = Street(StreamFault.BAD_CREDENTIALS, H264)
    hub = street.hub()
    hub.hold()
    with pytest.raises(StreamError):
        await hub.ready(1)
    better = StreamSource("cam-1/main", SOURCE.url, SOURCE.address, "user", "benar")
    hub.change_source(better)
    assert await hub.ready(1) == H264
    assert street.sources == [SOURCE, better]
    await hub.close()


async def test_viewers_see_one_continuous_stream_across_a_reconnect() -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    receiver = street.bench.receiver(timestamp_offset=0, next_sequence=100)
    hub.join(receiver)
    first = await street.playing(0)
    first.send(5_000_000, 10.0, key=True)
    first.send(5_003_600, 10.04)
    first.fail()
    second = await street.playing(1)
    second.send(77, 12.04, key=True)
    second.send(3677, 12.08)
    street.bench.timer.run_out()
    packets = [packet for packet in street.bench.sender.to(receiver) if packet.marker]
    everything = street.bench.sender.to(receiver)
    assert [packet.sequence for packet in everything] == list(range(100, 100 + len(everything)))
    start = packets[0].timestamp
    assert [packet.timestamp - start for packet in packets] == [0, 3600, 3600 + 180_000, 3600 + 180_000 + 3600]
    assert hub.state is HubState.LIVE
    await hub.close()


async def test_a_camera_whose_clock_jumps_does_not_move_the_viewers_time() -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    receiver = street.bench.receiver(timestamp_offset=0)
    hub.join(receiver)
    client = await street.playing(0)
    client.send(1000, 10.0, key=True)
    client.send(1000 + 90_000 * 3600, 10.04)
    street.bench.timer.run_out()
    times = [packet.timestamp for packet in street.bench.sender.to(receiver) if packet.marker]
    assert times[-1] - times[0] == 3600
    await hub.close()


async def test_a_camera_whose_clock_is_set_back_does_not_move_the_viewers_time() -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    receiver = street.bench.receiver(timestamp_offset=0)
    hub.join(receiver)
    client = await street.playing(0)
    client.send(90_000 * 60, 10.0, key=True)
    client.send(90_000 * 57, 10.04)
    client.send(90_000 * 57 + 3600, 10.08)
    street.bench.timer.run_out()
    times = [packet.timestamp for packet in street.bench.sender.to(receiver) if packet.marker]
    assert [later - time for time, later in itertools.pairwise(times)] == [3600, 3600]
    await hub.close()


async def test_an_h265_camera_is_relayed_with_its_own_payloads() -> None:
    sets = (b"\x40\x01v", b"\x42\x01" + b"s" * 20, b"\x44\x01p")
    street = Street(VideoFormat("H265"))
    hub = street.hub()
    hub.hold()
    receiver = street.bench.receiver(timestamp_offset=0)
    hub.join(receiver)
    client = await street.playing(0)
    assert client.on_unit
    client.on_unit(AccessUnit((*sets, b"\x28\x01" + b"\xaf" * 2000), 0, True, 1.0, "H265"))
    street.bench.timer.run_out()
    packets = street.bench.sender.to(receiver)
    assert [packet.payload[0] >> 1 for packet in packets] == [48, 49, 49]
    assert await hub.ready(1) == VideoFormat("H265", sets)
    await hub.close()


async def test_viewers_are_told_before_pictures_of_another_codec_come() -> None:
    street = Street(H264, VideoFormat("H265", (b"\x40\x01v",)))
    hub = street.hub()
    hub.hold()
    (await street.playing(0)).fail()
    await street.playing(1)
    (event,) = [event for event in street.events if event.new_codec]
    assert event.state is HubState.CONNECTING
    assert (await hub.ready(1)).codec == "H265"
    await hub.close()


async def test_b_frames_are_told_of_with_the_state_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    for number in range(2):
        client = await street.playing(number)
        assert not hub.order.has_b_frames
        client.send(0, 1.0, key=True)
        for index, time in enumerate([3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11]):
            client.send(time * 3600, 1.04 + index / 25)
        assert street.events[-1].has_b_frames
        client.fail()
    assert sum("B-frames" in record.message for record in caplog.records) == 1
    await hub.close()


async def test_a_reconnect_forgets_the_old_pictures() -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    client = await street.playing(0)
    client.send(0, 1.0, key=True)
    assert await hub.next_key_unit(1) is hub.key_unit
    assert hub.fanout.cache.size > 0
    client.fail()
    await street.playing(1)
    assert hub.key_unit is None
    assert hub.fanout.cache.size == 0
    with pytest.raises(StreamError) as caught:
        await hub.next_key_unit(0.02)
    assert caught.value.fault is StreamFault.TIMEOUT
    await hub.close()


async def test_in_band_parameter_sets_complete_the_format() -> None:
    street = Street(VideoFormat("H264"))
    hub = street.hub()
    hub.hold()
    assert (await hub.ready(1)).profile_level_id is None
    (await street.playing(0)).send(0, 1.0, key=True)
    assert (await hub.ready(1)).profile_level_id == "42e01f"
    await hub.close()


async def test_key_frame_requests_are_coalesced() -> None:
    street = Street(H264)
    hub = street.hub()
    for _ in range(10):
        hub.want_key_frame()
    assert sum(event.wants_key for event in street.events) == 1
    assert hub.keys.wanted == 10
    street.now_s += 1
    hub.want_key_frame()
    assert sum(event.wants_key for event in street.events) == 2


async def test_a_bug_while_reading_is_a_failure_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    client = await street.playing(0)
    client.ended.set_exception(ZeroDivisionError())
    await street.playing(1)
    assert [event.error.fault for event in street.events if event.error] == [StreamFault.PROTOCOL]
    await hub.close()


async def test_a_pull_that_begins_inside_a_group_asks_the_camera_for_a_key_frame() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=5)
    hold = hub.hold()
    camera = await street.playing(0)
    for _ in range(10):
        camera.on_dropped()
    assert sum(event.wants_key for event in street.events) == 1
    street.now_s += 1.5
    hold.release()
    camera.on_dropped()
    assert sum(event.wants_key for event in street.events) == 1, "nobody watches any more"
    await hub.close()


async def test_a_camera_that_plays_but_shows_nothing_is_asked_for_a_key_frame() -> None:
    street = Street(H264)
    hub = street.hub(linger_s=5)
    hub.hold()
    camera = await street.playing(0)
    await asyncio.sleep(0.12)
    assert sum(event.wants_key for event in street.events) == 1
    camera.send(0, 1000.0, key=True)
    street.now_s += 10
    await asyncio.sleep(0.01)
    assert sum(event.wants_key for event in street.events) == 1
    await hub.close()


async def test_who_takes_whole_pictures_begins_with_the_cached_group_and_sees_one_time_line() -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    client = await street.playing(0)
    client.send(90_000, 1000.0, key=True)
    client.send(93_600, 1000.04)
    seen: list[AccessUnit] = []
    tap = hub.tap(seen.append)
    client.send(97_200, 1000.08)
    client.send(97_200 + 3600 * 90_000, 1000.12)  # the camera's clock was set
    assert [unit.is_key for unit in seen] == [True, False, False, False]
    steps = [later.timestamp - sooner.timestamp for sooner, later in itertools.pairwise(seen)]
    assert steps == [3600, 3600, pytest.approx(3600, abs=2)]
    hub.hide()
    client.send(97_200 + 3600 * 90_001, 1000.16)
    assert len(seen) == 4, "hidden"
    tap.close()
    tap.close()
    await hub.close()


async def test_a_taker_that_fails_does_not_take_the_picture_from_the_others() -> None:
    street = Street(H264)
    hub = street.hub()
    hub.hold()
    client = await street.playing(0)
    seen: list[AccessUnit] = []

    def fail(_unit: AccessUnit) -> None:
        raise RuntimeError

    hub.tap(fail)
    hub.tap(seen.append)
    client.send(90_000, 1000.0, key=True)
    client.send(93_600, 1000.04)
    assert len(seen) == 2
    await hub.close()
