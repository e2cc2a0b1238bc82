from __future__ import annotations

import pytest

from streams.rtsp.complaints import Complaints


def test_the_first_is_said_in_full_and_those_behind_it_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    now_s = 100.0
    complain = Complaints("cam-1/main", lambda: now_s, every_s=30)
    for number in range(1000):
        complain(f"sequence {number}: gone")
    now_s = 131.0
    complain("packet 7: cut")
    complain("packet 8: cut")
    assert [record.getMessage() for record in caplog.records] == [
        "cam-1/main: RTP sequence 0: gone",
        "cam-1/main: RTP packet 7: cut (and 999 more since the last line about it)",
    ]
