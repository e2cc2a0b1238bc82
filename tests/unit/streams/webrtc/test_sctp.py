from __future__ import annotations

import struct

import pytest
from aiortc import rtcsctptransport as aiortc_sctp

from streams.webrtc.sctp import MAX_AHEAD, MAX_CHUNKS, MAX_STREAMS, SctpViolationError, check_packet

HEAD = struct.pack("!HHLL", 5000, 5000, 1, 0)


def chunk(kind: int, body: bytes = b"", *, length: int | None = None) -> bytes:
    size = len(body) + 4 if length is None else length
    return struct.pack("!BBH", kind, 0, size) + body + bytes(-len(body) % 4)


def data(tsn: int, stream: int = 0, text: bytes = b"text") -> bytes:
    return chunk(0, struct.pack("!LHHL", tsn & 0xFFFF_FFFF, stream, 0, 51) + text)


def sack(*gaps: tuple[int, int], count: int | None = None) -> bytes:
    body = b"".join(struct.pack("!HH", *gap) for gap in gaps)
    return chunk(3, struct.pack("!LLHH", 7, 1000, len(gaps) if count is None else count, 0) + body)


def of_aiortc(kind: aiortc_sctp.Chunk) -> bytes:
    return aiortc_sctp.serialize_packet(5000, 5000, 1, kind)


def test_what_a_stack_itself_sends_passes() -> None:
    init = aiortc_sctp.InitChunk()
    init.params = [(0xC000, b""), (0x8008, bytes((192, 130))), (7, b"cookie...")]
    beat = aiortc_sctp.HeartbeatChunk()
    beat.params = [(1, b"info!")]
    reset = aiortc_sctp.ReconfigChunk()
    reset.params = [(13, bytes(aiortc_sctp.StreamResetOutgoingParam(1, 2, 3, [4])))]
    forward = aiortc_sctp.ForwardTsnChunk()
    forward.cumulative_tsn, forward.streams = 9, [(0, 1), (2, 3)]
    for item in (init, beat, reset, forward, aiortc_sctp.CookieAckChunk(), aiortc_sctp.AbortChunk()):
        assert check_packet(of_aiortc(item), None) == 1
    assert check_packet(HEAD + sack((2, 3), (5, 5)) + data(8) + data(9), 7) == 3


@pytest.mark.parametrize(
    ("last", "tsn", "is_kept"),
    [(7, 8, True), (7, 7 + MAX_AHEAD, True), (7, 8 + MAX_AHEAD, False), (7, 3, True), (0xFFFF_FFFE, 5, True)],
)
def test_data_far_ahead_of_the_first_missing_is_left_to_be_sent_again(last: int, tsn: int, is_kept: bool) -> None:
    assert check_packet(HEAD + data(tsn), last) == int(is_kept)


@pytest.mark.parametrize(
    "chunks",
    [
        b"",
        b"\0",
        chunk(1, bytes(15)),  # INIT without its fixed part
        chunk(4, struct.pack("!HH", 1, 0)),  # a parameter of no length: aiortc would loop for ever
        chunk(4, struct.pack("!HH", 1, 3) + b"x"),
        chunk(9, struct.pack("!HH", 1, 400)),
        chunk(130, struct.pack("!HH", 13, 0)),
        chunk(4) * (MAX_CHUNKS + 1),
        chunk(4, length=2),
        chunk(4, length=2000),
        data(8, stream=MAX_STREAMS),
        data(8, text=b""),
        chunk(0),
        sack((1, 65535)),
        sack((3, 2)),
        sack((2, 3), (3, 4)),
        sack((0, 0)),
        sack((1, 2), count=9),
        chunk(3, b"short"),
        chunk(192, struct.pack("!LHH", 9, MAX_STREAMS, 0)),
        chunk(192, b"123456"),
        chunk(192),
    ],
)
def test_what_no_browser_sends_is_a_violation(chunks: bytes) -> None:
    with pytest.raises(SctpViolationError):
        check_packet(HEAD + chunks, 7)


def test_data_before_the_association_is_a_violation() -> None:
    with pytest.raises(SctpViolationError):
        check_packet(HEAD + data(8), None)
