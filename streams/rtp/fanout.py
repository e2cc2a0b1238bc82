"""One stream to many receivers: cut into packets once, then per receiver 12 bytes of header, SRTP in place, one send.

The per-packet path is written for speed: see `_emit`. docs/decisions/0001 says why, `make bench` measures it.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Protocol

from streams.rtp.blocks import (
    BURST,
    HEADER,
    MARKER,
    VERSION,
    Block,
    Parting,
    Receiver,
    Retransmission,
    Run,
    Sealer,
    Sender,
    packets_in,
    passes_of,
    split_runs,
)
from streams.rtp.frames import VIDEO_CLOCK_HZ
from streams.rtp.gop import SQUEEZED_STEP, Frame, GopCache, Squeeze
from streams.rtp.history import History

__all__ = ["BURST", "PASS_S", "Fanout", "Receiver", "Retransmission"]

PASS_S = 0.002
_MAX_RESEND = 64
_MAX_BACKLOG = 512  # passes; a stream faster than this is sent unpaced rather than hoarded
_DRAIN_PASSES = 100  # a receiver that catches up has what is there now within so many passes, however slow it began
_MAX_BEHIND = 8192  # runs that wait for one receiver; they share their bytes with the cache
_ORIGINAL = struct.Struct("!H")  # the sequence number before a payload that is sent again (RFC 4588 section 4)


class Timer(Protocol):
    """The part of an event loop that pacing needs."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object:
        """Call back after `delay` seconds."""


class Fanout:
    """The receivers of one stream. Not thread-safe: everything happens on the event loop.

    A frame of up to `BURST` packets goes out at once; the rest of a larger one follows in passes `PASS_S` apart,
    receivers interleaved. A new receiver first catches up with the cached GOP at the same pace, then joins the others;
    or it begins with the next key frame. Timestamps are in 1/`clock_hz` s.
    """

    def __init__(
        self,
        sealer: Sealer,
        sender: Sender,
        timer: Timer,
        cache: GopCache[Frame] | None = None,
        *,
        clock_hz: int = VIDEO_CLOCK_HZ,
        marks_end: bool = True,
    ) -> None:
        self._sealer = sealer
        self._sender = sender
        self._timer = timer
        self._clock_hz = clock_hz
        self._marks_end = marks_end
        self.cache: GopCache[Frame] = cache or GopCache()
        self._live: dict[int, list[Receiver]] = {}
        self._behind: list[Receiver] = []
        self._waiting: dict[Receiver, Callable[[], None]] = {}
        self._passes: deque[list[Run]] = deque()
        self._is_ticking = False
        self._next_number = 0
        self._next_index = 0
        self._history = History()
        self._edge: tuple[int, float] | None = None
        self.seal_errors = 0

    def beside(self, *, clock_hz: int, marks_end: bool) -> Fanout:
        """A fan-out of another medium, by the same ways."""
        return Fanout(self._sealer, self._sender, self._timer, clock_hz=clock_hz, marks_end=marks_end)

    @property
    def backlog(self) -> tuple[int, int]:
        """Passes that wait, and receivers that are behind."""
        return len(self._passes), len(self._behind)

    def push(self, payloads: Sequence[bytes], timestamp: int, *, is_key: bool, arrived_s: float) -> None:
        """Take the stream's next access unit, already cut into RTP payloads, and send it to everybody."""
        if not payloads:
            return
        number, index = self._next_number, self._next_index
        frame = Frame(number, index, tuple(payloads), timestamp, is_key, arrived_s, self._marks_end)
        self._next_number += 1
        self._next_index += len(payloads)
        self._edge = (timestamp, arrived_s)
        self._history.push(frame)
        self.cache.push(frame)
        runs = list(split_runs(frame)) if self._live or self._behind else []
        for receiver in self._behind:
            receiver.catching_up.extend(runs if receiver.burst >= BURST else split_runs(frame, receiver.burst))
            while len(receiver.catching_up) > _MAX_BEHIND:
                self._emit(Block(receiver.catching_up.popleft(), receiver.tag_length, self._sealer), (receiver,))
        if self._waiting and is_key:
            self._begin_waiting(frame)
        if not runs and not self._behind:
            return
        self._passes.extend(passes_of(runs))
        if not self._is_ticking:
            self._send_pass()
            self._catch_up()
            self._schedule()
        while len(self._passes) > _MAX_BACKLOG:
            self._send_pass()

    def join(self, receiver: Receiver, *, cached: bool = True, on_begin: Callable[[], None] | None = None) -> None:
        """Add a receiver: it gets the cached GOP, squeezed in time, and then what comes.

        With `cached` False, or nothing in the cache, it begins with the next key frame; `on_begin` is called right
        before its first packet, when it has to have left every other stream.
        """
        frames = self.cache.frames if cached else ()
        if not frames:
            self._waiting[receiver] = on_begin or _nothing
            return
        if on_begin:
            on_begin()
        self._begin(receiver, frames)
        if not self._is_ticking:
            self._catch_up()
            self._schedule()

    def _begin_waiting(self, frame: Frame) -> None:
        waiting, self._waiting = self._waiting, {}
        for receiver, on_begin in waiting.items():
            on_begin()
            self._begin(receiver, (frame,))

    def _begin(self, receiver: Receiver, frames: Sequence[Frame]) -> None:
        """Let it catch up, beginning with `frames`, its numbers and its time going on where they were."""
        first, newest = frames[0], frames[-1]
        receiver.begin(first.first_index)
        receiver.squeeze = Squeeze(newest.number, newest.timestamp)
        if receiver.parting is not None:
            parting, receiver.parting = receiver.parting, None
            elapsed = round((newest.arrived_s - parting.at_s) * self._clock_hz)
            offset = parting.timestamp + elapsed - newest.timestamp
            # A squeezed group may reach further back than what the receiver has seen already.
            earliest = parting.newest + SQUEEZED_STEP - receiver.squeeze.timestamp(first)
            receiver.timestamp_offset = max(offset, earliest)
        for frame in frames:
            receiver.catching_up.extend(split_runs(frame, receiver.burst))
        self._behind.append(receiver)

    def leave(self, receiver: Receiver) -> None:
        """Remove a receiver; nothing is sent to it any more. Idempotent."""
        receiver.catching_up.clear()
        self._waiting.pop(receiver, None)
        if receiver in self._behind:
            self._behind.remove(receiver)
        group = self._live.get(receiver.tag_length, [])
        if receiver in group:
            group.remove(receiver)
            if not group:
                del self._live[receiver.tag_length]

    def part(self, receiver: Receiver) -> None:
        """As `leave`, but the receiver goes on with another stream: it gets the rest of the frame that it is in."""
        if receiver in self._live.get(receiver.tag_length, ()):
            for run in (run for group in self._passes for run in group):
                self._emit(Block(run, receiver.tag_length, self._sealer), (receiver,))
            self._note_parting(receiver, self._next_index)
        elif receiver in self._behind:
            left = receiver.catching_up
            while left and left[0].first_index != left[0].frame.first_index:
                self._emit(Block(left.popleft(), receiver.tag_length, self._sealer), (receiver,))
            self._note_parting(receiver, left[0].first_index if left else self._next_index)
        self.leave(receiver)

    def _note_parting(self, receiver: Receiver, next_index: int) -> None:
        receiver.next_sequence = (next_index + receiver.sequence_offset) & 0xFFFF
        if self._edge is None:
            return
        timestamp, at_s = self._edge
        # What is not sent yet cannot be later than the newest frame, squeezed or not.
        receiver.parting = Parting(timestamp + receiver.timestamp_offset, at_s, timestamp + receiver.timestamp_offset)

    @property
    def count(self) -> int:
        """How many receivers it has, those included that wait for a key frame."""
        return sum(map(len, self._live.values())) + len(self._behind) + len(self._waiting)

    def forget(self) -> None:
        """The stream broke or ended: keep no picture of it; receivers, sequence numbers and timestamps go on."""
        self.cache.clear()
        self._history.clear()

    def discard(self) -> None:
        """Send nothing of what waits and forget all pictures; receivers stay, and see no gap in sequence numbers."""
        waiting = packets_in(run for group in self._passes for run in group)
        self._passes.clear()
        for receivers in self._live.values():
            for receiver in receivers:
                self._skip(receiver, waiting)
        for receiver in self._behind:
            self._skip(receiver, packets_in(receiver.catching_up))
            receiver.catching_up.clear()
        self.forget()

    def _skip(self, receiver: Receiver, packets: int) -> None:
        """The last `packets` of the stream were not sent to this receiver and never will be."""
        receiver.sequence_offset = (receiver.sequence_offset - packets) & 0xFFFF
        receiver.first_index = self._next_index  # what it has was sent under other indexes

    def resend(self, receiver: Receiver, sequences: Iterable[int]) -> int:
        """Send packets again that a receiver missed (RFC 4585 generic NACK); how many.

        By its retransmission stream if it has one (RFC 4588), else bit by bit the same as before.
        """
        sent = 0
        for sequence in list(sequences)[:_MAX_RESEND]:
            behind = (self._next_index + receiver.sequence_offset - 1 - sequence) & 0xFFFF
            index = self._next_index - 1 - behind
            entry = self._history.find(index) if index >= receiver.first_index else None
            if entry is not None:
                sent += self._emit_again(receiver, sequence, *entry)
        receiver.resent += sent
        return sent

    def pad(self, receiver: Receiver, size: int) -> int:
        """Send about `size` bytes of what the receiver has had already, by its retransmission stream; bytes sent.

        It throws them away: they only show what its link carries.
        """
        padded, index = 0, self._next_index
        while receiver.rtx is not None and padded < size:
            index -= 1
            entry = self._history.find(index) if index >= receiver.first_index else None
            if entry is None:
                if not padded:
                    break  # there is nothing, or nothing goes out
                index = self._next_index
                continue
            sequence = (index + receiver.sequence_offset) & 0xFFFF
            padded += self._emit_again(receiver, sequence, *entry) * len(entry[0].payloads[entry[1]])
        return padded

    def media_time(self, receiver: Receiver, now_s: float) -> int | None:
        """The receiver's RTP timestamp of the moment `now_s`, 32 bits, for its sender report; None before any frame."""
        if self._edge is None:
            return None
        timestamp, arrived_s = self._edge
        return (timestamp + round((now_s - arrived_s) * self._clock_hz) + receiver.timestamp_offset) & 0xFFFF_FFFF

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
                self._emit(Block(run, tag_length, self._sealer), receivers)

    def _catch_up(self) -> None:
        for receiver in tuple(self._behind):
            room = 0 if receiver.resting else receiver.burst * max(1, len(receiver.catching_up) // _DRAIN_PASSES)
            receiver.resting = (receiver.resting or receiver.every) - 1
            while receiver.catching_up and room > 0:
                run = receiver.catching_up.popleft()
                room -= len(run.payloads)
                self._emit(Block(run, receiver.tag_length, self._sealer), (receiver,))
            # With passes left, the live receivers are amid a frame that this one has whole: wait for the next.
            if not receiver.catching_up and not self._passes:
                self._behind.remove(receiver)
                self._live.setdefault(receiver.tag_length, []).append(receiver)

    def _emit(self, block: Block, receivers: Iterable[Receiver]) -> None:
        """Send one block to receivers of one tag length: copy, protect, send."""
        view, seal, spans, headed = self._sealer.view, self._sealer.seal, block.spans, block.headed
        count, stride, octets = block.count, block.stride, block.octets
        size, out = block.size, view[: block.sealed_size]
        send_run = self._sender.send_run
        for receiver in receivers:
            view[:size] = headed(receiver)
            if not seal(receiver.key, spans):
                self.seal_errors += 1
                continue
            sent = send_run(out, stride, count, receiver.address)
            if not receiver.packets:
                receiver.first_s = monotonic()
            receiver.packets += sent
            receiver.dropped += count - sent
            receiver.octets += octets * sent // count

    def _emit_again(self, receiver: Receiver, sequence: int, frame: Frame, position: int) -> int:
        """Send one packet of the history again; 1 if it went out."""
        payload = frame.payloads[position]
        marker = MARKER if position == len(frame.payloads) - 1 else 0
        rtx, ssrc, payload_type = receiver.rtx, receiver.ssrc, receiver.payload_type
        if rtx is not None:
            payload = _ORIGINAL.pack(sequence) + payload
            rtx.sequence = (rtx.sequence + 1) & 0xFFFF
            sequence, ssrc, payload_type = rtx.sequence, rtx.ssrc, rtx.payload_type
        time = (receiver.squeeze.timestamp(frame) + receiver.timestamp_offset) & 0xFFFF_FFFF
        view, end = self._sealer.view, 12 + len(payload)
        HEADER.pack_into(view, 0, VERSION, payload_type | marker, sequence, time, ssrc)
        view[12:end] = payload
        if not self._sealer.seal(receiver.key, self._sealer.spans([(0, end)])):
            self.seal_errors += 1
            return 0
        size = end + receiver.tag_length
        sent = self._sender.send_run(view[:size], size, 1, receiver.address)
        if rtx is None:
            receiver.packets += sent
            receiver.octets += len(payload) * sent
        receiver.dropped += 1 - sent
        return sent


def _nothing() -> None:
    pass
