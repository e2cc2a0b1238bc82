from __future__ import annotations

from collections.abc import Iterator

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from streams.rtp.burst import Address
from streams.webrtc.mux import Endpoint, IceCredentials, UdpMux

# The tests hold a socket object that is never bound or connected.
pytestmark = pytest.mark.enable_socket

KEY = IceCredentials("ours", "password" * 4)
HEAD = b"\0\1\0\x20" + stun.COOKIE.to_bytes(4, "big")


class Deaf(Endpoint):
    def on_check(self, address: Address, *, nominated: bool, priority: int, now_s: float) -> None:
        raise AssertionError("nobody could sign this")

    def on_dtls(self, record: bytes) -> None:
        raise AssertionError("nobody has an address")

    def on_rtcp(self, packet: bytes, now_s: float) -> None:
        raise AssertionError("nobody has an address")


@pytest.fixture(scope="module")
def mux() -> Iterator[UdpMux]:
    mux = UdpMux()
    mux.register(KEY, Deaf())
    yield mux
    mux.close()


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=120).map(lambda data: HEAD + data)))
def test_nothing_that_arrives_raises(mux: UdpMux, data: bytes) -> None:
    mux.receive(data, ("192.0.2.1", 9))


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_check_with_one_byte_changed_is_never_believed(mux: UdpMux, place: int, value: int) -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, b"t" * 12)
    message.attributes["USERNAME"] = "ours:theirs"
    message.add_message_integrity(KEY.password.encode())
    data = bytearray(bytes(message))
    signed = len(data) - 8  # FINGERPRINT follows and is not signed
    place %= signed
    if data[place] != value:
        data[place] = value
        mux.receive(bytes(data), ("192.0.2.1", 9))
