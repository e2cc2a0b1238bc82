"""Access units cut into RTP payloads, for every codec of NAL units (RFC 6184 section 5, RFC 7798 section 4.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from streams.rtp.nal import NalSyntax

MAX_PAYLOAD = 1188  # with 12 bytes of RTP header a packet of 1200, which fits every path with room for SRTP


def packetise(syntax: NalSyntax, nals: Sequence[bytes], max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """The RTP payloads of one access unit, in order; the last one gets the marker bit.

    Neighbouring parameter sets, SEI and delimiters share an aggregate when they fit. What exceeds `max_payload` is cut
    into fragments of exactly `max_payload` bytes with a short tail: runs of equal size can be sent as one UDP GSO
    block. A unit without a whole header is left out.
    """
    header = syntax.header_bytes
    if max_payload < header + 2:
        raise ValueError("max_payload must leave room for a fragment's header")
    payloads: list[bytes] = []
    group: list[bytes] = []
    group_size = header
    for nal in nals:
        if len(nal) < header:
            continue
        small = syntax.kind(nal) in syntax.small
        if group and not (small and group_size + 2 + len(nal) <= max_payload):
            payloads.append(_aggregate(syntax, group))
            group, group_size = [], header
        if small and header + 2 + len(nal) <= max_payload:
            group.append(nal)
            group_size += 2 + len(nal)
        elif len(nal) <= max_payload:
            payloads.append(nal)
        else:
            payloads += _fragments(syntax, nal, max_payload)
    if group:
        payloads.append(_aggregate(syntax, group))
    return payloads


def _aggregate(syntax: NalSyntax, nals: list[bytes]) -> bytes:
    """One NAL unit as it is, several as an aggregate, each behind its size."""
    if len(nals) == 1:
        return nals[0]
    parts = [syntax.aggregate_header(nals)]
    for nal in nals:
        parts += [struct.pack("!H", len(nal)), nal]
    return b"".join(parts)


def _fragments(syntax: NalSyntax, nal: bytes, max_payload: int) -> list[bytes]:
    indicator, kind = syntax.with_kind(nal, syntax.fragment), syntax.kind(nal)
    first = syntax.header_bytes
    step = max_payload - first - 1
    payloads = []
    for offset in range(first, len(nal), step):
        start = 0x80 if offset == first else 0
        end = 0x40 if offset + step >= len(nal) else 0
        payloads.append(indicator + bytes([start | end | kind]) + nal[offset : offset + step])
    return payloads
