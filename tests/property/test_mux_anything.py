from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from streams.rtp.burst import Address
from streams.webrtc.framing import MAX_FRAME_BYTES, Deframer, frame, frame_run
from streams.webrtc.mux import Endpoint, IceCredentials, UdpMux
from streams.webrtc.paths import MIGRATE_S, ChosenPath
from streams.webrtc.tcp import TcpListener

# The tests hold a socket object that is never bound or connected.
pytestmark = pytest.mark.enable_socket

KEY = IceCredentials("ours", "password" * 4)
HEAD = b"\0\1\0\x20" + stun.COOKIE.to_bytes(4, "big")


def framed(data: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.one_of(data, data.map(lambda item: HEAD + item)).map(frame)


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


class Quiet:
    """The transport of a connection that nobody reads."""

    def __init__(self) -> None:
        self.is_aborted = False

    def get_extra_info(self, name: str) -> Any:
        return SimpleNamespace(setsockopt=lambda *_: None) if name == "socket" else ("192.0.2.1", 9)

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        raise AssertionError("nobody is answered")

    def abort(self) -> None:
        self.is_aborted = True


@given(st.lists(st.one_of(st.binary(max_size=300), framed(st.binary(max_size=120))), max_size=8))
def test_nothing_that_arrives_over_tcp_raises_or_is_kept(mux: UdpMux, pieces: list[bytes]) -> None:
    async def talk() -> None:
        listener = TcpListener(mux)
        path, transport = listener._make(), Quiet()
        path.connection_made(cast("Any", transport))
        for piece in pieces:
            if not transport.is_aborted:
                path.take(piece)
        assert len(path._deframer._rest) <= MAX_FRAME_BYTES + 2
        assert path.is_proved is False
        path.connection_lost(None)
        assert listener.counters.connections == 0
        assert (listener._paths, listener._unproved) == (set(), {})

    asyncio.run(talk())
    assert mux._by_address == {}


@given(st.lists(st.binary(min_size=1, max_size=MAX_FRAME_BYTES), max_size=6), st.data())
def test_datagrams_are_the_same_behind_a_stream_however_it_is_cut(datagrams: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, datagrams))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    deframer = Deframer()
    found = [
        item
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for item in deframer.feed(stream[start:end])
    ]
    assert found == datagrams


@given(st.integers(1, 16), st.integers(1, 1300), st.data())
def test_a_run_is_framed_as_its_datagrams_are(count: int, stride: int, data: st.DataObject) -> None:
    last = data.draw(st.integers(1, stride))
    block = bytes(range(256)) * (count * stride // 256 + 1)
    block = block[: stride * (count - 1) + last]
    single = b"".join(frame(block[at : at + stride]) for at in range(0, len(block), stride))
    assert frame_run(memoryview(block), stride) == single


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 9), st.floats(0, 2)), max_size=40))
def test_a_viewer_is_sent_only_to_where_it_was_heard_lately(checks: list[tuple[int, bool, int, float]]) -> None:
    path, heard, now_s = ChosenPath(), dict[tuple[str, int], float](), 0.0
    for number, nominated, priority, step_s in checks:
        now_s += step_s
        address = ("192.0.2.1", number)
        before = path.address
        moved = path.heard(address, nominated=nominated, priority=priority, now_s=now_s)
        heard[address] = now_s
        assert moved is (path.address != before)
        assert isinstance(path.address, tuple)
        # The newest voice is never left waiting for long by a path that says nothing.
        assert now_s - heard[path.address] <= MIGRATE_S
