"""One stream to many receivers: cut into packets once, then per receiver 12 bytes of header, SRTP in place, one send.

The per-packet path is written for speed: see `_emit`. docs/decisions/0001 says why, `make bench` measures it.
"""

from __future__ import annotations

import secrets
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from streams.rtp.burst import MAX_BLOCK_BYTES, Address
from streams.rtp.frames import VIDEO_CLOCK_HZ
from streams.rtp.gop import Frame, GopCache, Squeeze

BURST = 16  # packets a receiver gets in one pass; a key frame in one piece overflows the queue in front of a phone
PASS_S = 0.002
_HISTORY = 2048  # packets that can be sent again
_MAX_RESEND = 64
_MAX_BACKLOG = 512  # passes; a stream faster than this is sent unpaced rather than hoarded
_HEADER = struct.Struct("!BBHII")
_VERSION = 0x80
_MARKER = 0x80


class Sealer(Protocol):
    """Makes RTP packets SRTP where they lie, in one buffer that is used again and again (64 KB and a bit)."""

    @property
    def view(self) -> memoryview:
        """The buffer."""

    def spans(self, layout: Sequence[tuple[int, int]]) -> Sequence[object]:
        """Prepare (offset, length) of packets for `seal`."""

    def seal(self, key: object, spans: Sequence[object]) -> bool:
        """Protect the packets at `spans`, which grow by the key's tag length; False if the library refuses."""


class Sender(Protocol):
    """What `BurstSender` does."""

    def send_run(self, block: memoryview, stride: int, count: int, address: Address) -> int:
        """Send a run of datagrams; how many went out."""


class Timer(Protocol):
    """The part of an event loop that pacing needs."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object:
        """Call back after `delay` seconds."""


@dataclass(slots=True, eq=False)
class Receiver:
    """Where one viewer's packets go and what was sent: `packets` and `octets` (payload) are the SR's counters."""

    address: Address
    key: object
    tag_length: int
    ssrc: int
    payload_type: int
    timestamp_offset: int = field(default_factory=lambda: secrets.randbits(32))
    # In the lower half, so that no rollover comes before the receiver has seen a packet (RFC 3711 section 3.3.1).
    first_sequence: int = field(default_factory=lambda: secrets.randbits(15))
    packets: int = 0
    octets: int = 0
    dropped: int = 0
    resent: int = 0
    first_s: float = 0.0  # when the first packet went out, by the monotonic clock; 0 before it
    sequence_offset: int = 0
    squeeze: Squeeze = field(default_factory=lambda: Squeeze(0, 0))
    first_index: int = 0
    catching_up: deque[_Run] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class _Run:
    """Packets of one frame that go out in one send: equal sizes, the last may be shorter."""

    frame: Frame
    first_index: int
    payloads: tuple[bytes, ...]
    is_end: bool  # of the frame: the last packet has the marker bit


class _Block:
    """A run laid out for one SRTP tag length: the template, where the headers go, what to protect."""

    __slots__ = ("count", "headers", "octets", "run", "sealed_size", "spans", "stride", "template")

    def __init__(self, run: _Run, tag_length: int, sealer: Sealer) -> None:
        payloads = run.payloads
        self.run = run
        self.count = count = len(payloads)
        self.stride = stride = 12 + len(payloads[0]) + tag_length
        self.octets = sum(map(len, payloads))
        self.template = template = bytearray(stride * (count - 1) + 12 + len(payloads[-1]))
        self.sealed_size = len(template) + tag_length
        layout = []
        self.headers = []
        for number, payload in enumerate(payloads):
            at = number * stride
            template[at + 12 : at + 12 + len(payload)] = payload
            layout.append((at, 12 + len(payload)))
            self.headers.append((at, _MARKER if run.is_end and number == count - 1 else 0, number))
        self.spans = sealer.spans(layout)


def split_runs(frame: Frame, tag_room: int = 16) -> Iterator[_Run]:
    """Cut a frame into runs of at most `BURST` packets, all but the last of a run being equally long."""
    run: list[bytes] = []
    start = frame.first_index
    limit = min(BURST, MAX_BLOCK_BYTES // (12 + tag_room + max(map(len, frame.payloads))))
    for payload in frame.payloads:
        ends = run and (len(payload) > len(run[0]) or len(run[-1]) != len(run[0]) or len(run) >= limit)
        if ends:
            yield _Run(frame, start, tuple(run), is_end=False)
            start += len(run)
            run = []
        run.append(payload)
    yield _Run(frame, start, tuple(run), is_end=True)


class Fanout:
    """The receivers of one stream. Not thread-safe: everything happens on the event loop.

    A frame of up to `BURST` packets goes out at once; the rest of a larger one follows in passes `PASS_S` apart,
    receivers interleaved. A new receiver first catches up with the cached GOP at the same pace, then joins the others.
    """

    def __init__(self, sealer: Sealer, sender: Sender, timer: Timer, cache: GopCache[Frame] | None = None) -> None:
        self._sealer = sealer
        self._sender = sender
        self._timer = timer
        self.cache: GopCache[Frame] = cache or GopCache()
        self._live: dict[int, list[Receiver]] = {}
        self._behind: list[Receiver] = []
        self._passes: deque[list[_Run]] = deque()
        self._is_ticking = False
        self._next_number = 0
        self._next_index = 0
        self._history: list[tuple[Frame, int] | None] = [None] * _HISTORY
        self._edge: tuple[int, float] | None = None
        self.seal_errors = 0

    @property
    def backlog(self) -> tuple[int, int]:
        """Passes that wait, and receivers that are behind."""
        return len(self._passes), len(self._behind)

    def push(self, payloads: Sequence[bytes], timestamp: int, *, is_key: bool, arrived_s: float) -> None:
        """Take the stream's next access unit, already cut into RTP payloads, and send it to everybody."""
        if not payloads:
            return
        frame = Frame(self._next_number, self._next_index, tuple(payloads), timestamp, is_key)
        self._next_number += 1
        self._next_index += len(payloads)
        self._edge = (timestamp, arrived_s)
        for position in range(len(payloads)):
            self._history[(frame.first_index + position) % _HISTORY] = (frame, position)
        self.cache.push(frame)
        if not self._live and not self._behind:
            return
        runs = list(split_runs(frame))
        for receiver in self._behind:
            receiver.catching_up.extend(runs)
        self._passes.extend(_passes(runs))
        if not self._is_ticking:
            self._send_pass()
            self._schedule()
        while len(self._passes) > _MAX_BACKLOG:
            self._send_pass()

    def join(self, receiver: Receiver) -> None:
        """Add a receiver: it gets the cached GOP, squeezed in time, and then what comes."""
        frames = self.cache.frames
        first = frames[0].first_index if frames else self._next_index
        receiver.first_index = first
        receiver.sequence_offset = (receiver.first_sequence - first) & 0xFFFF
        if frames:
            receiver.squeeze = Squeeze(frames[-1].number, frames[-1].timestamp)
            for frame in frames:
                receiver.catching_up.extend(split_runs(frame))
        self._behind.append(receiver)
        if not self._is_ticking:
            self._catch_up()
            self._schedule()

    def leave(self, receiver: Receiver) -> None:
        """Remove a receiver; nothing is sent to it any more. Idempotent."""
        receiver.catching_up.clear()
        if receiver in self._behind:
            self._behind.remove(receiver)
        group = self._live.get(receiver.tag_length, [])
        if receiver in group:
            group.remove(receiver)
            if not group:
                del self._live[receiver.tag_length]

    def forget(self) -> None:
        """The stream broke or ended: keep no picture of it; receivers, sequence numbers and timestamps go on."""
        self.cache.clear()
        self._history = [None] * _HISTORY

    def discard(self) -> None:
        """Send nothing of what waits and forget all pictures; receivers stay, and see no gap in sequence numbers."""
        waiting = _packets(run for group in self._passes for run in group)
        self._passes.clear()
        for receivers in self._live.values():
            for receiver in receivers:
                self._skip(receiver, waiting)
        for receiver in self._behind:
            self._skip(receiver, _packets(receiver.catching_up))
            receiver.catching_up.clear()
        self.forget()

    def _skip(self, receiver: Receiver, packets: int) -> None:
        """The last `packets` of the stream were not sent to this receiver and never will be."""
        receiver.sequence_offset = (receiver.sequence_offset - packets) & 0xFFFF
        receiver.first_index = self._next_index  # what it has was sent under other indexes

    def resend(self, receiver: Receiver, sequences: Iterable[int]) -> int:
        """Send packets again that a receiver missed (RFC 4585 generic NACK), bit by bit the same; how many."""
        sent = 0
        for sequence in list(sequences)[:_MAX_RESEND]:
            behind = (self._next_index + receiver.sequence_offset - 1 - sequence) & 0xFFFF
            index = self._next_index - 1 - behind
            entry = self._history[index % _HISTORY] if index >= receiver.first_index else None
            if entry is None or entry[0].first_index + entry[1] != index:
                continue
            frame, position = entry
            is_end = position == len(frame.payloads) - 1
            run = _Run(frame, index, (frame.payloads[position],), is_end=is_end)
            self._emit(_Block(run, receiver.tag_length, self._sealer), (receiver,))
            sent += 1
        receiver.resent += sent
        return sent

    def media_time(self, receiver: Receiver, now_s: float) -> int | None:
        """The receiver's RTP timestamp of the moment `now_s`, 32 bits, for its sender report; None before any frame."""
        if self._edge is None:
            return None
        timestamp, arrived_s = self._edge
        return (timestamp + round((now_s - arrived_s) * VIDEO_CLOCK_HZ) + receiver.timestamp_offset) & 0xFFFF_FFFF

    def _tick(self) -> None:
        self._is_ticking = False
        self._send_pass()
        self._catch_up()
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_ticking and (self._passes or self._behind):
            self._is_ticking = True
            self._timer.call_later(PASS_S, self._tick)

    def _send_pass(self) -> None:
        if not self._passes:
            return
        for run in self._passes.popleft():
            for tag_length, receivers in self._live.items():
                self._emit(_Block(run, tag_length, self._sealer), receivers)

    def _catch_up(self) -> None:
        for receiver in tuple(self._behind):
            room = BURST
            while receiver.catching_up and room > 0:
                run = receiver.catching_up.popleft()
                room -= len(run.payloads)
                self._emit(_Block(run, receiver.tag_length, self._sealer), (receiver,))
            # With passes left, the live receivers are amid a frame that this one has whole: wait for the next.
            if not receiver.catching_up and not self._passes:
                self._behind.remove(receiver)
                self._live.setdefault(receiver.tag_length, []).append(receiver)

    def _emit(self, block: _Block, receivers: Iterable[Receiver]) -> None:
        """Send one block to receivers of one tag length: copy, patch headers, protect, send."""
        view, seal, spans, headers = self._sealer.view, self._sealer.seal, block.spans, block.headers
        template, count, stride, octets = block.template, block.count, block.stride, block.octets
        frame, first_index = block.run.frame, block.run.first_index
        size, out = len(template), view[: block.sealed_size]
        pack_into, send_run = _HEADER.pack_into, self._sender.send_run
        for receiver in receivers:
            view[:size] = template
            base = first_index + receiver.sequence_offset
            time = (receiver.squeeze.timestamp(frame) + receiver.timestamp_offset) & 0xFFFF_FFFF
            payload_type, ssrc = receiver.payload_type, receiver.ssrc
            for at, marker, number in headers:
                pack_into(view, at, _VERSION, payload_type | marker, (base + number) & 0xFFFF, time, ssrc)
            if not seal(receiver.key, spans):
                self.seal_errors += 1
                continue
            sent = send_run(out, stride, count, receiver.address)
            if not receiver.packets:
                receiver.first_s = monotonic()
            receiver.packets += sent
            receiver.dropped += count - sent
            receiver.octets += octets * sent // count


def _packets(runs: Iterable[_Run]) -> int:
    return sum(len(run.payloads) for run in runs)


def _passes(runs: Iterable[_Run]) -> Iterator[list[_Run]]:
    """Group runs so that a pass has at most `BURST` packets (a single run never has more)."""
    group: list[_Run] = []
    size = 0
    for run in runs:
        if group and size + len(run.payloads) > BURST:
            yield group
            group, size = [], 0
        group.append(run)
        size += len(run.payloads)
    if group:
        yield group
