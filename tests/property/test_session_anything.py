"""Whatever arrives from a viewer's own address: its session lives on, nothing is raised, nothing piles up."""

from __future__ import annotations

import asyncio
import struct

import pytest
from aioice import stun
from aiortc.rtp import RtcpPsfbPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.webrtc.session import SessionState
from tests.unit.streams.webrtc.phone_kit import HOME, STREET, Room

# The tests hold a socket object that is never bound or connected.
pytestmark = pytest.mark.enable_socket

MAX_WAITING = 32  # DTLS records of one peer, see streams.webrtc.adapter

records = st.builds(
    lambda kind, version, epoch, sequence, body: struct.pack("!BHHHI", kind, version, epoch, 0, sequence)
    + struct.pack("!H", len(body))
    + body,
    st.integers(20, 26), st.sampled_from([0xFEFD, 0xFEFF, 0x0303, 0]), st.integers(0, 3), st.integers(0, 2**20),
    st.one_of(st.binary(max_size=80), st.sampled_from([b"\x02\x28", b"\x01\x00", b"\x02\x00"])),  # alerts
)  # fmt: skip
rtcp = st.builds(
    lambda count, kind, words, body: struct.pack("!BBH", 0x80 | count, kind, words) + body,
    st.integers(0, 31), st.integers(192, 223), st.integers(0, 40), st.binary(max_size=120),
)  # fmt: skip
rtp = st.binary(max_size=120).map(lambda data: b"\x90\x60" + data)
checks = st.builds(
    lambda kind, body: struct.pack("!HHI", kind, len(body), stun.COOKIE) + b"t" * 12 + body,
    st.sampled_from([1, 0x11, 0x101, 0x111, 3]), st.binary(max_size=60),
)  # fmt: skip
datagrams = st.one_of(records, rtcp, rtp, checks, st.binary(max_size=60))
# What Hypothesis makes, or what the viewer itself sends: a good report, later the same bytes again or with one changed.
steps = st.lists(
    st.one_of(datagrams, st.just("report"), st.just("replay"), st.integers(0, 60).map(lambda place: ("damage", place))),
    max_size=60,
)


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def __bytes__(self) -> bytes:
        return self.data


async def run(room: Room, script: list[object]) -> int:
    """Play the script; how many good reports were sent."""
    sent = 0
    newest = b""
    for number, step in enumerate(script):
        if step == "report":
            sent += 1
            newest = room.phone.link.protect_rtcp(bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=room.session.ssrc)))
            room.mux.receive(newest, HOME)
        elif step == "replay" and newest:
            room.mux.receive(newest, HOME)
        elif isinstance(step, tuple) and newest:
            damaged = bytearray(newest)
            damaged[step[1] % len(damaged)] ^= 1
            room.mux.receive(bytes(damaged), HOME)
        elif isinstance(step, bytes):
            room.mux.receive(step, HOME)
            room.mux.receive(step, STREET)  # an address of nobody
        if number % 8 == 0:
            await asyncio.sleep(0)
        assert room.session._link._ice.waiting.qsize() <= MAX_WAITING
    return sent


@settings(deadline=None)
@given(steps)
def test_a_live_session_survives_anything_from_its_own_address(script: list[object]) -> None:
    async def scene() -> None:
        room = Room()
        await room.connect()
        tasks = len(asyncio.all_tasks())
        sent = await run(room, script)
        for _ in range(5):
            await asyncio.sleep(0)
        assert room.session.state is SessionState.LIVE
        assert room.stream.key_requests == sent  # replayed and damaged ones do not count, good ones all do
        assert len(asyncio.all_tasks()) == tasks
        assert set(room.mux._by_address) == {HOME}
        assert len(room.mux._addresses) == len(room.mux._by_ufrag) == 1
        await room.close()

    asyncio.run(scene())


@settings(deadline=None)
@given(st.lists(st.one_of(rtcp, st.binary(max_size=100)), max_size=20))
def test_authentic_rtcp_of_any_content_is_taken_or_dropped(packets: list[bytes]) -> None:
    """A viewer with a valid key is still a stranger: what it encrypts may be anything."""

    async def scene() -> None:
        room = Room()
        await room.connect()
        for body in packets:
            data = body if len(body) >= 8 else body + bytes(8)
            head = bytes((0x80 | data[0] & 0x1F, 192 + data[1] % 32))
            room.phone.report(Bytes(head + data[2:]))
        room.phone.report(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=room.session.ssrc))
        assert room.session.state is SessionState.LIVE
        assert room.stream.key_requests >= 1
        assert len(room.stream.resent) <= 512
        await room.close()

    asyncio.run(scene())


@settings(deadline=None)
@given(st.lists(st.one_of(rtcp, rtp, checks), max_size=40))
def test_a_session_that_is_not_connected_yet_comes_up_through_the_noise(packets: list[bytes]) -> None:
    async def scene() -> None:
        room = Room()
        for packet in packets:
            room.mux.receive(packet, HOME)
        room.phone.check(room.session.credentials)
        for packet in packets:
            room.mux.receive(packet, HOME)
        await asyncio.sleep(0)
        await room.connect()
        assert room.session.state is SessionState.LIVE
        await room.close()

    asyncio.run(scene())


@settings(deadline=None)
@given(st.lists(records, max_size=60))
def test_any_records_during_the_handshake_leave_nothing_behind(packets: list[bytes]) -> None:
    """A forged alert may end a handshake, as the protocol has it; but nothing is raised, and all is given back."""

    async def scene() -> None:
        room = Room()
        room.phone.check(room.session.credentials)
        for number, packet in enumerate(packets):
            room.mux.receive(packet, HOME)
            if number % 8 == 0:
                await asyncio.sleep(0)
            assert room.session._link._ice.waiting.qsize() <= MAX_WAITING
        for _ in range(3):
            await asyncio.sleep(0)
        await room.close()
        await asyncio.sleep(0)
        assert room.session.state is SessionState.CLOSED
        assert not room.stream.receivers
        assert (room.mux._by_address, room.mux._addresses, room.mux._by_ufrag) == ({}, {}, {})
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scene())
