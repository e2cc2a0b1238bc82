from __future__ import annotations

import struct

import pytest
from aioice import stun

from streams.webrtc.peek import MAX_ATTRIBUTES, NotStunError, peek_ufrag


def check(**attributes: object) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, b"t" * 12)
    message.attributes.update({name.replace("_", "-"): value for name, value in attributes.items()})
    message.add_message_integrity(b"key")
    return bytes(message)


def test_the_user_name_is_found_wherever_it_stands() -> None:
    assert peek_ufrag(check(USERNAME="ours:theirs")) == "ours"
    assert peek_ufrag(check(SOFTWARE="odd", PRIORITY=1, USERNAME="ours")) == "ours"


def test_what_asks_nothing_has_no_name() -> None:
    indication = stun.Message(stun.Method.BINDING, stun.Class.INDICATION)
    assert peek_ufrag(bytes(indication)) is None
    assert peek_ufrag(bytes(stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST))) is None


def raw(body: bytes, length: int | None = None, cookie: int = stun.COOKIE) -> bytes:
    return struct.pack("!HHI", 1, len(body) if length is None else length, cookie) + b"t" * 12 + body


@pytest.mark.parametrize(
    ("data", "where"),
    [(b"", "offset 4"), (raw(b"", cookie=1), "offset 4"), (raw(b"", length=4), "offset 2"),
     (raw(b"abc"), "offset 2"), (raw(b"\0\x09\0\x09abcd"), "offset 20"),
     (raw(b"\0\x24\0\x04abcd"), "without user name"),
     (raw(b"\0\x24\0\0" * (MAX_ATTRIBUTES + 1)), "without user name"), (raw(bytes(1600)), "1620 bytes")],
)  # fmt: skip
def test_what_no_browser_sends_is_refused_with_the_place(data: bytes, where: str) -> None:
    with pytest.raises(NotStunError, match=where):
        peek_ufrag(data)
