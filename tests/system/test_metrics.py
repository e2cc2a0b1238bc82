"""What a real worker with a real viewer says of itself, as Prometheus reads it."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from camctl.worker_metrics import worker_metrics
from streams.pool import MediaPool
from tests.system.media_scene import camera, source_of
from tests.system.media_viewer import AiortcViewer
from tests.system.test_media_pool import pool_of, until

pytestmark = pytest.mark.system

KEY = "cam-1/main"


async def read(pool: MediaPool) -> dict[str, float]:
    """Samples by name; of histograms the count and the sum only."""
    text = worker_metrics(await pool.stats())
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {sample.name: sample.value for sample in samples if not sample.name.endswith("_bucket")}


async def test_the_figures_of_one_view_add_up() -> None:
    async with camera() as (server, _), pool_of(1) as (pool, _):
        async with AiortcViewer() as viewer:
            await viewer.watch(pool, "s", source_of(server, KEY))
            await viewer.frames(60)
            amid = await read(pool)
        await until(lambda: not pool._sessions)
        after = await read(pool)
    assert (amid["camctl_media_live_sessions"], amid["camctl_stream_viewers"], amid["camctl_stream_live"]) == (1, 1, 1)
    assert amid["camctl_media_join_live_seconds_count"] == amid["camctl_media_join_first_packet_seconds_count"] == 1
    assert 0 < amid["camctl_media_join_first_packet_seconds_sum"] < 10
    assert amid["camctl_stream_connects_total"] == 1
    assert amid["camctl_stream_ingest_packets_total"] > 400
    assert amid["camctl_stream_ingest_bytes_total"] > 200 * amid["camctl_stream_ingest_packets_total"]
    assert amid["camctl_stream_packets_sent_total"] > 400
    assert amid["camctl_media_packets_sent_total"] > amid["camctl_stream_packets_sent_total"]  # DTLS, STUN, RTCP
    assert amid["camctl_stream_key_frames_sent_total"] >= 1
    assert 0 < amid["camctl_media_cpu_seconds_total"] < 60
    assert 10 << 20 < amid["camctl_media_resident_memory_bytes"] < 500 << 20
    assert amid["camctl_media_loop_lag_seconds_count"] >= 5
    # Who has left still counts.
    assert after["camctl_stream_viewers"] == after["camctl_media_sessions"] == 0
    assert after["camctl_stream_packets_sent_total"] >= amid["camctl_stream_packets_sent_total"]


async def test_a_worker_that_gets_no_time_says_how_late_it_runs() -> None:
    async with pool_of(1) as (pool, _):
        await until(lambda: pool.placing(KEY).worker == 0)
        (pid,) = pool.pids
        for _ in range(5):  # whenever the worker looks, it was asleep just before
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(0.25)
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.05)
        await until(lambda: pool.placing(KEY).lag_s > 0.03)
        await until(lambda: pool.placing(KEY).lag_s < 0.02)  # and forgets it
        assert (await read(pool))["camctl_media_loop_lag_seconds_sum"] > 0.3
