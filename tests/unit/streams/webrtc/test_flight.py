from __future__ import annotations

import asyncio

import pytest

from streams.webrtc import flight as module
from streams.webrtc.flight import Flight


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", (0.02, 0.05))


async def test_a_flight_that_nobody_answers_is_sent_again_whole_and_then_left_to_openssl() -> None:
    sent: list[bytes] = []
    flight = Flight(sent.append)
    flight.sent(b"one")
    flight.sent(b"two")
    await asyncio.sleep(0.15)
    assert sent == [b"one", b"two"] * 2
    assert flight.rtt_s is None


async def test_what_the_peer_says_before_our_flight_has_reached_it_does_not_end_the_repeating() -> None:
    sent: list[bytes] = []
    flight = Flight(sent.append)
    flight.sent(b"hello")
    flight.answered()
    assert flight.rtt_s is not None
    await asyncio.sleep(0.03)
    assert sent == [b"hello"]
    flight.sent(b"next")
    await asyncio.sleep(0.03)
    assert sent == [b"hello", b"next"], "the next flight takes the place of the one before"
    flight.end()
    flight.end()
    await asyncio.sleep(0.06)
    assert sent == [b"hello", b"next"]


async def test_an_answer_to_what_was_sent_twice_tells_no_round_trip() -> None:
    flight = Flight(lambda _: None)
    flight.answered()
    flight.sent(b"hello")
    await asyncio.sleep(0.03)
    flight.answered()
    assert flight.rtt_s is None
    flight.end()
