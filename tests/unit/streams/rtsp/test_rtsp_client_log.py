from __future__ import annotations

import pytest

from streams.faultlog import FaultLog
from streams.rtsp import client as module
from streams.rtsp.client import ClientCounters, RtspClient


def test_a_bad_packet_of_a_camera_is_said_with_its_place_and_without_its_account(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "streams.rtsp.client")
    monkeypatch.setattr(module, "_faults", FaultLog(module.log))
    client = RtspClient("rtsp://admin:rahasia@camera/live/main?pwd=rahasia", "192.0.2.7", "admin", "rahasia")
    for number in range(50):
        client._bad_packet("no RTP", f"offset {number}")
    assert caplog.messages == ["dropped a packet of the camera at 192.0.2.7: no RTP, offset 0"]
    assert "rahasia" not in caplog.text


def test_counters_of_several_pulls_add_up() -> None:
    assert ClientCounters(1, 2, 3, 4, 5).plus(ClientCounters(10, 20, 30, 40, 50)) == ClientCounters(11, 22, 33, 44, 55)
