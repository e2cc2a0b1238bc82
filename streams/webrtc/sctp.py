"""What of a viewer's SCTP packets may reach the SCTP stack (RFC 9260, RFC 3758, RFC 6525). Pure.

The stack trusts its peer: a parameter without length makes it loop for ever, one SACK with wide gaps blocks the event
loop for seconds, and streams, gaps and unfinished messages pile up without bound. So packets are looked through before.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAX_STREAMS = 64
MAX_CHUNKS = 32  # in a packet; a browser bundles a handful
MAX_AHEAD = 128  # DATA chunks beyond the first missing one
MAX_UNFINISHED = 128  # DATA chunks of messages that are not whole yet
_MAX_GAP = 1024  # far more than we ever have on the way
_COMMON, _CHUNK, _PAIR = struct.Struct("!HHLL"), struct.Struct("!BBH"), struct.Struct("!HH")
_DATA, _INIT, _INIT_ACK, _SACK, _HEARTBEAT, _HEARTBEAT_ACK, _ABORT, _ERROR = 0, 1, 2, 3, 4, 5, 6, 9
_RECONFIG, _FORWARD_TSN = 130, 192
_PARAMETERS_AT = {_INIT: 16, _INIT_ACK: 16, _HEARTBEAT: 0, _HEARTBEAT_ACK: 0, _ABORT: 0, _ERROR: 0, _RECONFIG: 0}


class SctpViolationError(ValueError):
    """The peer sends what no browser does; its association is not worth keeping."""


def check_packet(packet: bytes, last_tsn: int | None) -> int:
    """The number of chunks of a packet that the stack can be given; 0 for one that comes too early to be kept.

    `last_tsn` is the last TSN before the first missing one, None before the association begins.

    Raises:
        SctpViolationError: the stack must not see it.
    """
    count, is_early = 0, False
    for kind, body in _chunks(packet):
        count += 1
        if count > MAX_CHUNKS:
            raise SctpViolationError(f"a packet of more than {MAX_CHUNKS} chunks")
        if kind in _PARAMETERS_AT:
            _check_parameters(body, _PARAMETERS_AT[kind])
        elif kind == _DATA:
            is_early |= _is_early(body, last_tsn)
        elif kind == _SACK:
            _check_sack(body)
        elif kind == _FORWARD_TSN:
            _check_forward(body)
    if count == 0:
        raise SctpViolationError("a packet without chunks")
    return 0 if is_early else count


def _chunks(packet: bytes) -> Iterator[tuple[int, bytes]]:
    at = _COMMON.size
    while at + _CHUNK.size <= len(packet):
        kind, _, length = _CHUNK.unpack_from(packet, at)
        if length < _CHUNK.size or at + length > len(packet):
            raise SctpViolationError(f"a chunk of {length} bytes where {len(packet) - at} are left")
        yield kind, packet[at + _CHUNK.size : at + length]
        at += (length + 3) & ~3


def _check_parameters(body: bytes, at: int) -> None:
    if len(body) < at:
        raise SctpViolationError("a chunk without its fixed part")
    while at + _PAIR.size <= len(body):
        _, length = _PAIR.unpack_from(body, at)
        if length < _PAIR.size or at + length > len(body):
            raise SctpViolationError(f"a parameter of {length} bytes where {len(body) - at} are left")
        at += (length + 3) & ~3


def _is_early(body: bytes, last_tsn: int | None) -> bool:
    """Whether a DATA chunk is so far ahead of the first missing one that it is not kept: it will be sent again."""
    if len(body) <= 12:
        raise SctpViolationError("a DATA chunk without data")  # RFC 9260 section 6.2
    if last_tsn is None:
        raise SctpViolationError("data before there is an association")
    tsn, stream = struct.unpack_from("!LH", body)
    if stream >= MAX_STREAMS:
        raise SctpViolationError(f"data on stream {stream}, of {MAX_STREAMS}")
    return MAX_AHEAD < (int(tsn) - last_tsn) & 0xFFFF_FFFF < 1 << 31


def _check_sack(body: bytes) -> None:
    if len(body) < 12:
        raise SctpViolationError("a SACK without its fixed part")
    gaps, duplicates = struct.unpack_from("!HH", body, 8)
    if 12 + _PAIR.size * gaps + 4 * duplicates > len(body):
        raise SctpViolationError("a SACK that is cut short")
    last_end = 0
    for number in range(gaps):
        start, end = _PAIR.unpack_from(body, 12 + _PAIR.size * number)
        if not last_end < start <= end <= _MAX_GAP:
            raise SctpViolationError("a SACK of what was never sent")
        last_end = end


def _check_forward(body: bytes) -> None:
    if len(body) < 4 or len(body) % 4:
        raise SctpViolationError("a FORWARD TSN that is cut short")
    if any(stream >= MAX_STREAMS for stream, _ in struct.iter_unpack("!HH", body[4:])):
        raise SctpViolationError(f"a FORWARD TSN of a stream beyond {MAX_STREAMS}")
