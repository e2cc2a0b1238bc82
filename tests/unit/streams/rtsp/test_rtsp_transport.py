from __future__ import annotations

import pytest

from streams.errors import StreamError, StreamFault
from streams.rtsp.faults import error_for_status, status_for_error
from streams.rtsp.transport import TransportSpec, parse_transports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=2-3", [TransportSpec(is_tcp=True, interleaved=(2, 3))]),
        ("RTP/AVP;unicast;client_port=5000", [TransportSpec(is_tcp=False, client_port=(5000, 5001))]),
        (
            'rtp/avp/udp; unicast; client_port=5000-5001; server_port=6000-6001; ssrc=deadBEEF; mode="PLAY"',
            [TransportSpec(is_tcp=False, client_port=(5000, 5001), server_port=(6000, 6001), ssrc=0xDEADBEEF)],
        ),
        (
            "RTP/AVP;multicast;port=1-2,RTP/SAVP;x,RTP/AVP/TCP;unicast",
            [TransportSpec(is_tcp=False, is_multicast=True), TransportSpec(is_tcp=True)],
        ),
        ("RTP/AVP/TCP;interleaved=255", [TransportSpec(is_tcp=True)]),
        ("RTP/AVP/TCP;interleaved=a-b;ssrc=xyz", [TransportSpec(is_tcp=True)]),
        ("", []),
    ],
)
def test_transport_headers(text: str, expected: list[TransportSpec]) -> None:
    assert parse_transports(text) == expected


def test_what_is_written_is_read_back() -> None:
    for spec in (
        TransportSpec(is_tcp=True, interleaved=(0, 1), ssrc=1),
        TransportSpec(is_tcp=False, client_port=(1, 2), server_port=(3, 4)),
    ):
        assert parse_transports(str(spec)) == [spec]


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (401, StreamFault.BAD_CREDENTIALS),
        (403, StreamFault.BAD_CREDENTIALS),
        (404, StreamFault.NOT_FOUND),
        (453, StreamFault.BUSY),
        (503, StreamFault.BUSY),
        (302, StreamFault.PROTOCOL),
        (461, StreamFault.PROTOCOL),
        (999, StreamFault.PROTOCOL),
    ],
)
def test_what_a_status_means(status: int, fault: StreamFault) -> None:
    error = error_for_status("SETUP", status, 3)
    assert error.fault is fault
    assert "SETUP (CSeq 3)" in error.detail
    assert str(status) in error.detail


def test_what_a_source_that_failed_is_answered_with() -> None:
    assert status_for_error(StreamError(StreamFault.NOT_FOUND, "")) == 404
    assert status_for_error(StreamError(StreamFault.UNREACHABLE, "")) == 503
