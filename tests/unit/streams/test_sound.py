"""The sound beside a hub's pictures: who hears it, and when nobody may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from streams.hub import Hub
from streams.quality import Quality
from streams.rtp.audio import AudioFormat, AudioPacket
from streams.rtp.fanout import Receiver
from tests.unit.streams.hub_kit import H264, FakeClient, Street
from tests.unit.streams.rtp.fanout_kit import Bench, Packet
from tests.unit.streams.test_viewing import MAIN, NEAR, SUB, Place

PCMU, PCMA = AudioFormat("PCMU"), AudioFormat("PCMA")


def speak(camera: FakeClient, timestamp: int, arrived_s: float, payload: bytes = b"hello") -> None:
    camera.on_sound(AudioPacket(payload, timestamp, arrived_s))


def heard(bench: Bench, listener: Receiver) -> list[Packet]:
    bench.timer.run_out()
    return bench.sender.to(listener)


class House:
    """One hub whose camera has sound."""

    def __init__(self) -> None:
        self.street = Street(H264)
        self.street.audio = PCMA
        self.hub: Hub = self.street.hub()
        self.hold = self.hub.hold()
        self.bench = self.street.bench

    def listener(self) -> Receiver:
        listener = self.bench.receiver(timestamp_offset=0)
        listener.payload_type = 8
        return listener


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.hub.close()


async def test_a_listener_hears_what_comes_in_packets_without_marker(house: House) -> None:
    camera, listener = await house.street.playing(0), house.listener()
    assert house.hub.sound.format == PCMA
    speak(camera, 0, 1000.0, b"before")
    house.hub.sound.join(listener, "PCMA")
    speak(camera, 160, 1000.02, b"one")
    speak(camera, 320, 1000.04, b"two")
    packets = heard(house.bench, listener)
    assert [packet.payload for packet in packets] == [b"one", b"two"]
    assert [(packet.timestamp, packet.marker, packet.payload_type) for packet in packets] == [
        (160, False, 8),
        (320, False, 8),
    ]
    assert (packets[1].sequence - packets[0].sequence) & 0xFFFF == 1
    assert house.hub.sound.media_time(listener, 1000.04 + 0.5) == 320 + 4000
    house.hub.sound.part(listener)
    speak(camera, 480, 1000.06)
    assert (len(heard(house.bench, listener)), house.hub.sound.listeners) == (2, 0)


async def test_nothing_is_heard_while_pictures_are_withheld(house: House) -> None:
    camera, listener = await house.street.playing(0), house.listener()
    taken: list[AudioPacket] = []
    house.hub.sound.tap(taken.append)
    house.hub.sound.join(listener, "PCMA")
    house.hub.hide()
    speak(camera, 0, 1000.0)
    house.hub.show()
    speak(camera, 160, 1000.1)  # was said before
    assert (heard(house.bench, listener), taken) == ([], [])
    speak(camera, 8000, 1001.0)
    assert (len(heard(house.bench, listener)), len(taken)) == (1, 1)


async def test_who_was_told_another_codec_hears_nothing(house: House) -> None:
    camera, early, late = await house.street.playing(0), house.listener(), house.listener()
    house.hub.sound.join(early, "PCMU")
    house.hub.sound.join(late, "PCMA")
    speak(camera, 0, 1000.0)
    assert (len(heard(house.bench, early)), len(heard(house.bench, late))) == (0, 1)
    house.street.audio = PCMU  # of the next pull
    camera.fail()
    camera = await house.street.playing(1)
    speak(camera, 0, 1000.0)
    assert len(heard(house.bench, late)) == 1, "it would be noise"


async def test_the_sound_goes_with_the_pictures_from_one_stream_to_the_other() -> None:
    place = Place()
    for street in place.streets.values():
        street.audio = PCMA
    viewing = await place.open()
    viewing._audio = "PCMA"
    listener = place.bench.receiver(timestamp_offset=0)
    viewing.join(place.receiver, NEAR, listener)
    clocks = {MAIN: 5000, SUB: 900_000}
    for number in range(4):
        if number == 2:
            viewing._begins(SUB)
        for quality, camera in place.cameras.items():
            speak(camera, clocks[quality] + 160 * number, place.now_s, quality.value.encode())
        place.now_s += 0.02
    packets = heard(place.bench, listener)
    assert [packet.payload for packet in packets] == [b"main", b"main", b"sub", b"sub"]
    assert [packet.timestamp - packets[0].timestamp for packet in packets] == [0, 160, 320, 480]
    assert [packet.sequence - packets[0].sequence for packet in packets] == [0, 1, 2, 3]
    assert viewing.sound_time(listener, place.now_s) is not None
    viewing.leave(place.receiver)
    assert {quality: hub.sound.listeners for quality, hub in place.hubs.items()} == {Quality.MAIN: 0, Quality.SUB: 0}
    viewing.close()
    await asyncio.gather(*(hub.close() for hub in place.hubs.values()))
