"""What a fan-out sends: receivers, and runs of packets laid out so that one receiver costs little."""

from __future__ import annotations

import secrets
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from streams.rtp.burst import MAX_BLOCK_BYTES, Address
from streams.rtp.gop import Frame, Squeeze

BURST = 16  # packets a receiver gets in one pass; a key frame in one piece overflows the queue in front of a phone
HEADER = struct.Struct("!BBHII")
VERSION = 0x80
MARKER = 0x80


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


@dataclass(slots=True)
class Retransmission:
    """The stream that carries what is sent again (RFC 4588): its own SSRC, payload type and sequence numbers."""

    ssrc: int
    payload_type: int
    sequence: int = field(default_factory=lambda: secrets.randbits(15))


@dataclass(frozen=True, slots=True)
class Parting:
    """Where a receiver stood when it left a stream: its media time `timestamp` at `at_s`, and its newest packet's."""

    timestamp: int
    at_s: float
    newest: int


@dataclass(slots=True, eq=False)
class Receiver:
    """Where one viewer's packets go and what was sent: `packets` and `octets` (payload) are the SR's counters.

    It may leave one stream and join another: `next_sequence` and `parting` make its numbers and its time go on.
    While it catches up it gets `burst` packets in a pass, and only in one of `every` passes.
    """

    address: Address
    key: object
    tag_length: int
    ssrc: int
    payload_type: int
    rtx: Retransmission | None = None
    burst: int = BURST
    every: int = 1
    resting: int = 0  # passes without a packet that are left
    timestamp_offset: int = field(default_factory=lambda: secrets.randbits(32))
    # In the lower half, so that no rollover comes before the receiver has seen a packet (RFC 3711 section 3.3.1).
    next_sequence: int = field(default_factory=lambda: secrets.randbits(15))
    packets: int = 0
    octets: int = 0
    dropped: int = 0
    resent: int = 0
    first_s: float = 0.0  # when the first packet went out, by the monotonic clock; 0 before it
    sequence_offset: int = 0
    squeeze: Squeeze = field(default_factory=lambda: Squeeze(0, 0))
    first_index: int = 0
    parting: Parting | None = None
    catching_up: deque[Run] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Run:
    """Packets of one frame that go out in one send: equal sizes, the last may be shorter."""

    frame: Frame
    first_index: int
    payloads: tuple[bytes, ...]
    is_end: bool  # of the frame: the last packet has the marker bit


class Block:
    """A run laid out for one SRTP tag length: the template, where the headers go, what to protect."""

    __slots__ = ("count", "headers", "octets", "run", "sealed_size", "spans", "stride", "template")

    def __init__(self, run: Run, tag_length: int, sealer: Sealer) -> None:
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
            self.headers.append((at, MARKER if run.is_end and number == count - 1 else 0, number))
        self.spans = sealer.spans(layout)


def split_runs(frame: Frame, most: int = BURST, *, tag_room: int = 16) -> Iterator[Run]:
    """Cut a frame into runs of at most `most` packets, all but the last of a run being equally long."""
    run: list[bytes] = []
    start = frame.first_index
    limit = min(most, MAX_BLOCK_BYTES // (12 + tag_room + max(map(len, frame.payloads))))
    for payload in frame.payloads:
        ends = run and (len(payload) > len(run[0]) or len(run[-1]) != len(run[0]) or len(run) >= limit)
        if ends:
            yield Run(frame, start, tuple(run), is_end=False)
            start += len(run)
            run = []
        run.append(payload)
    yield Run(frame, start, tuple(run), is_end=True)


def packets_in(runs: Iterable[Run]) -> int:
    """How many packets these are."""
    return sum(len(run.payloads) for run in runs)


def passes_of(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """Group runs so that a pass has at most `BURST` packets (a single run never has more)."""
    group: list[Run] = []
    size = 0
    for run in runs:
        if group and size + len(run.payloads) > BURST:
            yield group
            group, size = [], 0
        group.append(run)
        size += len(run.payloads)
    if group:
        yield group
