"""The load of the media benchmarks at work: a camera, the real service, and viewers that count what they get."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cameras import loop_cameras
from bench.house import feed_item, house
from bench.relays import plateau, target_of, viewers

pytestmark = pytest.mark.system

VIEWERS, COME = 4, 3
PLAN = {"windows": 1, "window_s": 2.0, "settle_s": 1.0}


@pytest.mark.nightly
async def test_viewers_count_time_and_decrypt_what_the_service_sends(tmp_path: Path) -> None:
    async with (
        loop_cameras(tmp_path, None) as cameras,
        house([feed_item(cameras.url())], tmp_path) as running,
        viewers([target_of(running)], tmp_path, None, stamps=True) as crowd,
    ):
        seen = await plateau(crowd, "camctl", VIEWERS, target_of(running), PLAN)
        assert 180 < seen.packets_per_viewer_s < 260  # 2 Mb/s in packets of 1200 bytes
        assert (seen.lost_percent, seen.total("silent")) == (0, 0)
        assert 0 < seen.cores < 1
        assert seen.profile == "SRTP_AEAD_AES_128_GCM"
        await crowd.ask(20, do="keep", seconds=2.5)
        delays = await crowd.ask(20, do="lags", sent=await cameras.sent(), shares=[0.5])
        assert delays["unmatched"] == 0
        assert delays["packets"] > VIEWERS * 350
        assert 0 < delays["shares"]["0.5"] < 500
        storm = await crowd.ask(60, do="storm", viewers=COME, over_s=0.3)
        assert (storm["without"], storm["there_lost"], len(storm["waits_s"])) == (0, 0, COME)
