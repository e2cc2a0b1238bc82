"""Whose a STUN check says it is, before anything is spent on parsing and verifying it (RFC 8489 section 5). Pure."""

from __future__ import annotations

import struct

_HEADER_BYTES = 20
_COOKIE = bytes.fromhex("2112a442")
_BINDING_REQUEST = b"\0\1"
_USERNAME = 6
_ATTRIBUTE = struct.Struct("!HH")
MAX_CHECK_BYTES = 1500  # a check has about 100; some browsers try to carry a DTLS record in it
MAX_ATTRIBUTES = 16  # a browser's check has six to nine


class NotStunError(ValueError):
    """The datagram is no STUN message, or one that no browser sends; the message says at which offset."""


def peek_ufrag(data: bytes) -> str | None:
    """The part of a binding request's user name that names our session; None for other messages, which want nothing.

    Costs about a microsecond whatever the datagram is.

    Raises:
        NotStunError: see there.
    """
    size = len(data)
    if size < _HEADER_BYTES or data[4:8] != _COOKIE:
        raise NotStunError(f"no magic cookie at offset 4, {size} bytes")
    if (data[2] << 8 | data[3]) != size - _HEADER_BYTES or size & 3:
        raise NotStunError(f"a length at offset 2 that does not fit {size} bytes")
    if data[:2] != _BINDING_REQUEST:
        return None
    if size > MAX_CHECK_BYTES:
        raise NotStunError(f"a check of {size} bytes")
    at = _HEADER_BYTES
    for _ in range(MAX_ATTRIBUTES):
        if at + 4 > size:
            break
        kind, length = _ATTRIBUTE.unpack_from(data, at)
        end = at + 4 + length
        if end > size:
            raise NotStunError(f"an attribute at offset {at} that is cut short")
        if kind == _USERNAME:
            return data[at + 4 : end].partition(b":")[0].decode("latin-1")
        at = (end + 3) & ~3
    raise NotStunError(f"a check without user name before offset {at}")
