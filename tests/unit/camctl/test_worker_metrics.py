"""A media worker's figures become metrics: none is forgotten, none is misnamed, labels stay few."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from camctl.worker_metrics import STREAM_ROWS, WORKER_ROWS, Type, worker_metrics
from tests.unit.streams.hub_kit import SOURCE
from tests.unit.streams.test_worker import Bench

# The tests hold a socket object that is never bound or connected.
pytestmark = pytest.mark.enable_socket

NO_METRICS = {"pid", "udp_port", "streams"}
WORDS = {"key", "state", "fault", "codec"}


@pytest.fixture
async def stats() -> dict[str, Any]:
    """What a real worker answers, with one stream that somebody watches."""
    bench = Bench()
    bench.worker._hub(SOURCE)
    bench.worker._load.figures.late(0.003)
    answer, _ = await bench.worker.handlers["stats"]({}, b"")
    await bench.close()
    return {**answer, "worker": 3}


async def test_every_figure_is_a_metric_and_every_metric_a_figure(stats: dict[str, Any]) -> None:
    assert set(stats) - NO_METRICS - {"worker"} == {row.key for row in WORKER_ROWS}
    assert set(stats["streams"][0]) - WORDS == {row.key for row in STREAM_ROWS}


async def test_prometheus_reads_them(stats: dict[str, Any]) -> None:
    families = {family.name: family for family in text_string_to_metric_families(worker_metrics([stats]))}
    assert set(families) == {row.name for row in (*WORKER_ROWS, *STREAM_ROWS)}
    for row in (*WORKER_ROWS, *STREAM_ROWS):
        family = families[row.name]
        assert family.type == row.type.value
        for sample in family.samples:
            assert set(sample.labels) <= {"worker", "stream", "le"}
            assert sample.labels["worker"] == "3"
    assert families["camctl_stream_viewers"].samples[0].labels["stream"] == "cam-1/main"
    assert families["camctl_media_resident_memory_bytes"].samples[0].value > 1 << 20
    lag = {s.labels["le"]: s.value for s in families["camctl_media_loop_lag_seconds"].samples if "le" in s.labels}
    assert (lag["0.002"], lag["0.005"], lag["+Inf"]) == (0, 1, 1)


def test_a_worker_that_does_not_answer_is_left_out() -> None:
    assert 'worker="' not in worker_metrics([])


@pytest.mark.parametrize("row", [*WORKER_ROWS, *STREAM_ROWS], ids=lambda row: row.name)
def test_names_and_texts_are_as_prometheus_has_them(row: Any) -> None:
    assert re.fullmatch(r"camctl_(media|stream)_[a-z_]+", row.name)
    assert not row.name.endswith(("_total", "_count", "_sum", "_bucket", "_ms"))
    assert row.help.endswith(".")
    if row.type is Type.HISTOGRAM:
        assert row.name.endswith("_seconds")
    if "_s" in row.key[-2:]:
        assert "seconds" in row.name
