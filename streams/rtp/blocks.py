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
_LOWER_HALF = 0x7FFF
_MOST_HEADED = 4  # main and sub, two payload types
_TIME_OFFSET = secrets.randbits(32)


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

    Unless told otherwise it is numbered and timed as the stream is: what most receivers of a stream have in common is
    done once (`Block.headed`). Nobody learns anything by it, since every receiver has its own SRTP key.
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
    timestamp_offset: int = _TIME_OFFSET
    next_sequence: int | None = None
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

    def begin(self, first_index: int) -> None:
        """Let its numbers go on, or begin, with this packet of a stream."""
        if self.next_sequence is None:
            # In the lower half, so that no rollover comes before it has seen a packet (RFC 3711 section 3.3.1).
            self.next_sequence = first_index & _LOWER_HALF
        self.first_index = first_index
        self.sequence_offset = (self.next_sequence - first_index) & 0xFFFF


@dataclass(frozen=True, slots=True)
class Run:
    """Packets of one frame that go out in one send: equal sizes, the last may be shorter."""

    frame: Frame
    first_index: int
    payloads: tuple[bytes, ...]
    is_marked: bool  # at the end of a picture: the last packet has the marker bit


class Block:
    """A run laid out for one SRTP tag length: `headed` for a receiver, and `spans`, what to protect then."""

    __slots__ = ("_headed", "_headers", "_template", "count", "octets", "run", "sealed_size", "size", "spans", "stride")

    def __init__(self, run: Run, tag_length: int, sealer: Sealer) -> None:
        payloads = run.payloads
        self.run = run
        self.count = count = len(payloads)
        self.stride = stride = 12 + len(payloads[0]) + tag_length
        self.octets = sum(map(len, payloads))
        self._template = template = bytearray(stride * (count - 1) + 12 + len(payloads[-1]))
        self.size = len(template)
        self.sealed_size = self.size + tag_length
        layout = []
        self._headers = []
        self._headed: dict[tuple[int, int, int, int], bytearray] = {}
        for number, payload in enumerate(payloads):
            at = number * stride
            template[at + 12 : at + 12 + len(payload)] = payload
            layout.append((at, 12 + len(payload)))
            self._headers.append((at, MARKER if run.is_marked and number == count - 1 else 0, number))
        self.spans = sealer.spans(layout)

    def headed(self, receiver: Receiver) -> bytearray:
        """The run's packets for this receiver, not protected yet; the same bytes for all who are numbered alike."""
        run = self.run
        base = (run.first_index + receiver.sequence_offset) & 0xFFFF
        time = (receiver.squeeze.timestamp(run.frame) + receiver.timestamp_offset) & 0xFFFF_FFFF
        payload_type, ssrc = receiver.payload_type, receiver.ssrc
        alike = (base, time, ssrc, payload_type)
        headed = self._headed.get(alike)
        if headed is None:
            headed = bytearray(self._template)
            if len(self._headed) < _MOST_HEADED:
                self._headed[alike] = headed
            for at, marker, number in self._headers:
                HEADER.pack_into(headed, at, VERSION, payload_type | marker, (base + number) & 0xFFFF, time, ssrc)
        return headed


def split_runs(frame: Frame, most: int = BURST, *, tag_room: int = 16) -> Iterator[Run]:
    """Cut a frame into runs of at most `most` packets, all but the last of a run being equally long."""
    run: list[bytes] = []
    start = frame.first_index
    limit = min(most, MAX_BLOCK_BYTES // (12 + tag_room + max(map(len, frame.payloads))))
    for payload in frame.payloads:
        ends = run and (len(payload) > len(run[0]) or len(run[-1]) != len(run[0]) or len(run) >= limit)
        if ends:
            yield Run(frame, start, tuple(run), is_marked=False)
            start += len(run)
            run = []
        run.append(payload)
    yield Run(frame, start, tuple(run), is_marked=frame.marks_end)


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
