"""Fakes for the fan-out: a sealer that appends a tag, a sender that records, a timer that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from streams.rtp.fanout import Fanout, Receiver


class Packet(NamedTuple):
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    tag: bytes


class FakeSealer:
    """The key is the tag that is put behind each packet; key None refuses."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(70_000))

    def spans(self, layout: Sequence[tuple[int, int]]) -> Sequence[object]:
        return list(layout)

    def seal(self, key: object, spans: Sequence[object]) -> bool:
        if key is None:
            return False
        tag = cast("bytes", key)
        for offset, length in cast("Sequence[tuple[int, int]]", spans):
            self.view[offset + length : offset + length + len(tag)] = tag
        return True


class FakeSender:
    def __init__(self) -> None:
        self.runs: list[tuple[list[bytes], Any]] = []
        self.full = False

    def send_run(self, block: memoryview, stride: int, count: int, address: Any) -> int:
        if self.full:
            return 0
        parts = [bytes(block[at : at + stride]) for at in range(0, len(block), stride)]
        assert len(parts) == count
        assert len(block) <= 65_507
        self.runs.append((parts, address))
        return count

    def to(self, receiver: Receiver) -> list[Packet]:
        raws = [part for parts, address in self.runs if address == receiver.address for part in parts]
        return [parse(raw, receiver.tag_length) for raw in raws]


class HandTimer:
    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object:
        self.calls.append(callback)
        return None

    def turn(self) -> bool:
        calls, self.calls = self.calls, []
        for call in calls:
            call()
        return bool(calls)

    def run_out(self) -> int:
        turns = 0
        while self.turn():
            turns += 1
            assert turns < 10_000
        return turns


def parse(raw: bytes, tag_length: int) -> Packet:
    assert raw[0] == 0x80
    number = int.from_bytes
    end = len(raw) - tag_length
    return Packet(
        raw[1] & 0x7F,
        bool(raw[1] & 0x80),
        number(raw[2:4]),
        number(raw[4:8]),
        number(raw[8:12]),
        raw[12:end],
        raw[end:],
    )


class Bench:
    def __init__(self) -> None:
        self.sealer, self.sender, self.timer = FakeSealer(), FakeSender(), HandTimer()
        self.fanout = Fanout(self.sealer, self.sender, self.timer)
        self._port = 5000
        self._frames = 0
        self.pushed: list[tuple[int, bytes]] = []

    def receiver(self, tag_length: int = 16, **more: Any) -> Receiver:
        self._port += 1
        more.setdefault("key", bytes([self._port & 255]) * tag_length)
        return Receiver(("192.0.2.1", self._port), tag_length=tag_length, ssrc=self._port, payload_type=96, **more)

    def push(self, *sizes: int, key: bool | None = None) -> None:
        """The stream's next frame; unless said, the first one is a key frame and the others are not."""
        number = self._frames
        key = number == 0 if key is None else key
        self._frames += 1
        payloads = [bytes([number & 255, place & 255]) + b"x" * (size - 2) for place, size in enumerate(sizes)]
        self.pushed += [(number, payload) for payload in payloads]
        self.fanout.push(payloads, number * 3600, is_key=key, arrived_s=number / 25)
