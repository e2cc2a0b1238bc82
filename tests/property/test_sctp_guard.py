"""Whatever a viewer sends over SCTP: the guard decides, and what it lets through costs little and keeps little."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time

from aiortc.rtcsctptransport import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.webrtc.data import DataCounters, DataLink
from streams.webrtc.sctp import MAX_UNFINISHED, SctpViolationError, check_packet

kinds = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 130, 192, 77])
parameters = st.lists(
    st.tuples(st.sampled_from([1, 7, 13, 16, 17, 0xC000]), st.integers(0, 12), st.binary(max_size=16)), max_size=4
).map(lambda items: b"".join(struct.pack("!HH", kind, size) + body for kind, size, body in items))
datas = st.builds(
    lambda tsn, stream, sequence, text: struct.pack("!LHHL", tsn, stream, sequence, 51) + text,
    st.integers(0, 300), st.integers(0, 70), st.integers(0, 3), st.binary(max_size=12),
)  # fmt: skip
bodies = st.one_of(
    st.binary(max_size=40),
    parameters,
    st.builds(lambda head, tail: head + tail, st.binary(min_size=16, max_size=16), parameters),
    datas,
)


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    body = draw(bodies)
    length = max(0, len(body) + 4 + draw(st.sampled_from([0, 0, 0, 0, -1, 1, 4])))
    return struct.pack("!BBH", draw(kinds), draw(st.integers(0, 7)), length) + body + bytes(-len(body) % 4)


def sealed(tag: int, body: bytes) -> bytes:
    head = struct.pack("!HHL", 5000, 5000, tag)
    return head + struct.pack("<L", crc32c(head + bytes(4) + body)) + body


class FakeDtls:
    """An RTCDtlsTransport without a peer."""

    state, _role = "connected", "server"

    def __init__(self) -> None:
        self.sent = 0

    def _register_data_receiver(self, receiver: object) -> None:
        self.receiver = receiver

    def _unregister_data_receiver(self, receiver: object) -> None:
        pass

    async def _send_data(self, data: bytes) -> None:
        self.sent += 1


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_guard(packet: bytes) -> None:
    with contextlib.suppress(SctpViolationError):
        assert 0 <= check_packet(packet, 5) <= 32


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(chunks(), min_size=1, max_size=5).map(b"".join), max_size=20))
def test_an_association_survives_any_packets_and_leaves_nothing_behind(packets: list[bytes]) -> None:
    async def run() -> None:
        dtls, counters = FakeDtls(), DataCounters()
        link = DataLink(dtls, lambda text: None, counters)  # type: ignore[arg-type]
        await link.start(5000, 0)
        association = link._association
        association._last_received_tsn = 0
        began_s = time.thread_time()
        for packet in packets:
            await association._handle_data(sealed(association._local_verification_tag, packet))
            kept = sum(len(stream.reassembly) for stream in association._inbound_streams.values())
            assert kept <= MAX_UNFINISHED
            assert len(association._inbound_streams) <= 64
        assert time.thread_time() - began_s < 1
        assert dtls.sent <= 1 + sum(map(len, packets)) // 4
        await link.close()
        await asyncio.sleep(0)
        handles = [association._t1_handle, association._t2_handle, association._t3_handle, association._reconfig_handle]
        assert handles == [None] * 4
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
