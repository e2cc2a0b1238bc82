"""Sound as cameras send it: packets in, samples with a time that goes on out."""

from __future__ import annotations

import pytest

from streams.rtp.audio import AudioClock, AudioPacket, AudioReceiver
from streams.rtp.packet import pack_header


def receiver(bad: list[tuple[str, str]] | None = None) -> AudioReceiver:
    found = bad if bad is not None else []
    return AudioReceiver(8, ssrc=1, on_bad=lambda kind, where: found.append((kind, where)))


def rtp(sequence: int, timestamp: int, payload: bytes = b"s" * 160, *, ssrc: int = 5, payload_type: int = 8) -> bytes:
    return pack_header(payload_type, False, sequence, timestamp, ssrc) + payload


def test_a_packet_is_its_samples_and_their_time() -> None:
    heard = receiver()
    assert heard.rtp(rtp(1, 1000), 0.0) == AudioPacket(b"s" * 160, 1000, 0.0)
    assert heard.rtp(rtp(2, 1160), 0.02) == AudioPacket(b"s" * 160, 1160, 0.02)


def test_time_goes_on_when_the_timestamp_wraps() -> None:
    heard = receiver()
    heard.rtp(rtp(1, 0xFFFF_FFFF - 99), 0.0)
    after = heard.rtp(rtp(2, 60), 0.02)
    assert after is not None
    assert after.timestamp == (1 << 32) + 60


def test_another_sender_goes_on_where_the_one_before_was() -> None:
    heard = receiver()
    heard.rtp(rtp(1, 1000), 0.0)
    after = heard.rtp(rtp(700, 5, ssrc=6), 0.5)
    assert after is not None
    assert after.timestamp == 1000 + 4000


@pytest.mark.parametrize(
    "data", [b"", b"x" * 5, rtp(1, 0, payload_type=0), rtp(1, 0, b""), rtp(1, 0, b"s" * 1300)], ids=str
)
def test_what_cannot_be_passed_on_is_left_out(data: bytes) -> None:
    bad: list[tuple[str, str]] = []
    heard = receiver(bad)
    assert heard.rtp(data, 0.0) is None
    assert len(bad) == (0 if data == rtp(1, 0, b"") else 1)
    assert heard.rtp(rtp(2, 160), 0.02) is not None


def test_the_viewers_time_is_ours_when_the_cameras_clock_was_set() -> None:
    clock = AudioClock()
    assert clock.at(AudioPacket(b"s", 1000, 10.0)) == 1000
    assert clock.at(AudioPacket(b"s", 1160, 10.02)) == 1160
    assert clock.at(AudioPacket(b"s", 900_000, 10.04)) == 1160 + 160
    assert clock.at(AudioPacket(b"s", 900_160, 10.06)) == 1160 + 320


def test_the_viewers_time_is_ours_over_two_pulls() -> None:
    clock = AudioClock()
    clock.at(AudioPacket(b"s", 1000, 10.0))
    clock.restart()
    assert clock.at(AudioPacket(b"s", 77, 12.0)) == 1000 + 16_000
