"""Who is slow is skipped to a key picture, who comes sees something at once, and nothing hidden goes anywhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streams.errors import StreamError, StreamFault
from streams.feed_relay import MAX_CACHED_BYTES, FeedRelays, FeedViewer, Outbox
from streams.mp4 import Piece

INIT = Piece(b"init", codecs="avc1.42C01E")
KEY = "cam-1/main"


def picture(number: int, *, key: bool = False, size: int = 10) -> Piece:
    return Piece(f"{'k' if key else 'p'}{number}".ljust(size, ".").encode(), is_key=key)


def names(pieces: list[Piece]) -> list[str]:
    return [piece.data.decode().rstrip(".") for piece in pieces]


def drained(outbox: Outbox) -> list[str]:
    found = []
    while (piece := outbox.pop()) is not None:
        found.append(piece)
    return names(found)


def fill(outbox: Outbox, *what: str, at_s: float = 0.0, size: int = 10) -> None:
    for name in what:
        piece = INIT if name == "init" else picture(int(name[1:]), key=name[0] == "k", size=size)
        outbox.push(piece, at_s)


def test_all_is_sent_in_order_from_the_first_key_picture_on() -> None:
    outbox = Outbox()
    fill(outbox, "p0", "init", "p1", "k2", "p3")
    assert drained(outbox) == ["init", "k2", "p3"]
    assert (outbox.skipped, outbox.size) == (2, 0)
    fill(outbox, "p4")
    assert drained(outbox) == ["p4"]


def test_over_the_bytes_it_goes_on_with_the_newest_key_picture_that_waits() -> None:
    outbox = Outbox(max_bytes=40)
    fill(outbox, "init", "k0", "p1", "k2", "p3")
    assert drained(outbox) == ["init", "k2", "p3"]
    assert outbox.skipped == 2


def test_without_one_it_waits_for_the_next() -> None:
    outbox = Outbox(max_bytes=35)
    fill(outbox, "init", "k0", "p1", "p2", "p3")
    assert drained(outbox) == ["init"]
    assert outbox.needs_key
    fill(outbox, "p4", "k5", "p6")
    assert drained(outbox) == ["k5", "p6"]
    assert outbox.skipped == 5


def test_what_waits_too_long_is_skipped_too() -> None:
    outbox = Outbox(max_lag_s=2.0)
    fill(outbox, "init", "k0", "p1", at_s=100.0)
    fill(outbox, "p2", at_s=101.9)
    assert outbox.lag_s(101.9) == pytest.approx(1.9)
    fill(outbox, "k3", at_s=102.1)
    assert drained(outbox) == ["init", "k3"]
    assert outbox.lag_s(200.0) == 0.0


def test_one_picture_that_is_larger_than_all_may_be_is_not_kept() -> None:
    outbox = Outbox(max_bytes=100)
    fill(outbox, "init", "k0")
    fill(outbox, "k1", size=200)
    assert drained(outbox) == ["init"]
    assert outbox.size == 0


def test_a_new_format_survives_being_skipped() -> None:
    outbox = Outbox(max_bytes=30)
    fill(outbox, "k0", "p1", "init", "k2")
    assert drained(outbox) == ["init", "k2"]


class House:
    """Relays with one worker; what it tells is written by the test."""

    def __init__(self) -> None:
        self.emptied: list[str] = []
        self.relays = FeedRelays(lambda key, owner: self.emptied.append(key))
        self.told_hidings = 0

    def join(self, key: str = KEY) -> FeedViewer:
        return self.relays.join(key, "worker")

    def tell(self, *pieces: Piece, key: str = KEY) -> None:
        for piece in pieces:
            facts: dict[str, Any] = {"key_picture": piece.is_key, "codecs": piece.codecs, "hidings": self.told_hidings}
            self.relays.take({"type": "feed", "key": key, **facts}, piece.data)


async def sent(viewer: FeedViewer) -> list[str]:
    """All that can be had now."""
    return drained(viewer.outbox)


async def test_who_comes_later_gets_the_newest_group_at_once() -> None:
    house = House()
    first = house.join()
    house.tell(INIT, picture(0, key=True), picture(1), picture(2, key=True), picture(3))
    second = house.join()
    house.tell(picture(4))
    assert await sent(first) == ["init", "k0", "p1", "k2", "p3", "p4"]
    assert await sent(second) == ["init", "k2", "p3", "p4"]


async def test_of_a_large_group_who_comes_gets_the_key_picture_and_goes_on_with_the_next() -> None:
    house = House()
    first = house.join()
    house.tell(INIT, picture(0, key=True), picture(1, size=MAX_CACHED_BYTES), picture(2))
    second = house.join()
    assert second.outbox.needs_key
    house.tell(picture(3), picture(4, key=True), picture(5))
    assert await sent(second) == ["init", "k0", "k4", "p5"]
    assert len(await sent(first)) == 7


async def test_what_was_taken_before_the_hiding_goes_nowhere_even_when_it_comes_afterwards() -> None:
    house = House()
    held, other = house.join(), house.join("cam-2/main")
    house.tell(INIT, picture(0, key=True), picture(1))
    house.tell(INIT, picture(0, key=True), key="cam-2/main")
    house.relays.hide("cam-1/")
    assert await sent(held) == []
    assert await sent(other) == ["init", "k0"]
    house.tell(picture(2, key=True))  # on its way when the worker was told
    late = house.join()
    assert await sent(held) + await sent(late) == []
    house.told_hidings = 1
    house.tell(picture(3), picture(4, key=True), picture(5))
    assert await sent(held) == ["init", "k4", "p5"], "players begin anew"
    assert await sent(late) == ["init", "k4", "p5"]


async def test_the_last_who_leaves_ends_the_feed_once() -> None:
    house = House()
    first, second = house.join(), house.join()
    first.close()
    first.close()
    assert house.emptied == []
    second.close()
    assert house.emptied == [KEY]
    house.tell(INIT)  # still on its way
    again = house.join()
    assert await sent(again) == []


async def test_all_are_told_when_a_feed_ends() -> None:
    house = House()
    viewers = [house.join(), house.join()]
    waiting = asyncio.create_task(viewers[0].next())
    await asyncio.sleep(0)
    house.relays.take({"type": "feed_failed", "key": KEY, "fault": "codec", "detail": "no", "codec": "H265"}, b"")
    for error in await asyncio.gather(waiting, viewers[1].next(), return_exceptions=True):
        assert isinstance(error, StreamError)
        assert (error.fault, error.codec) == (StreamFault.CODEC, "H265")
    viewers[0].close()
    assert house.emptied == [], "the worker has ended it itself"
    survivor = house.join()
    house.relays.end_of("another worker", StreamError(StreamFault.CLOSED, "gone"))
    house.tell(INIT, picture(0, key=True))
    assert (await survivor.next()).is_init
    house.relays.end_of("worker", StreamError(StreamFault.CLOSED, "gone"))
    with pytest.raises(StreamError):
        await survivor.next()
