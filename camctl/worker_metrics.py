"""Media workers' numbers as Prometheus reads them: which are counters, what they are called, what they mean.

Labels are the worker's number and, for streams, the stream's key (camera id and quality): never a session or a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Type(Enum):
    """Prometheus' kinds of metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Row:
    """One metric: `key` in `streams.figures`, its name without "_total", and one sentence."""

    key: str
    name: str
    type: Type
    help: str


def _rows(prefix: str, type_: Type, table: Mapping[str, tuple[str, str]]) -> tuple[Row, ...]:
    return tuple(Row(key, f"camctl_{prefix}_{name}", type_, text) for key, (name, text) in table.items())


WORKER_LABELS, STREAM_LABELS = ("worker",), ("worker", "stream")
WORKER_ROWS: tuple[Row, ...] = (
    *_rows(
        "media",
        Type.COUNTER,
        {
            "cpu_s": ("cpu_seconds", "Processor time of the worker."),
            "packets_sent": ("packets_sent", "Datagrams that the kernel took: SRTP, RTCP, DTLS and STUN."),
            "bytes_sent": ("bytes_sent", "Bytes of those datagrams, without UDP and IP headers."),
            "packets_dropped": ("packets_dropped", "Datagrams that did not fit into the socket's queue."),
            "packets_failed": ("packets_failed", "Datagrams that the kernel refused otherwise, such as for no route."),
            "packets_resent": ("packets_resent", "Packets sent again because viewers missed them."),
            "datagrams_received": ("datagrams_received", "Datagrams that came from anywhere."),
            "checks_answered": ("checks_answered", "STUN connectivity checks with a valid signature."),
            "checks_excess": ("checks_excess", "STUN checks left unanswered: more a second than a viewer sends."),
            "datagrams_malformed": ("datagrams_malformed", "Datagrams thrown away because they are nothing of ours."),
            "datagrams_forged": ("datagrams_forged", "STUN checks of a viewer of ours with a wrong signature."),
            "datagrams_strange": ("datagrams_strange", "Datagrams and STUN checks of nobody we know."),
            "tcp_accepted": ("tcp_accepted", "Connections of viewers by TCP that were taken."),
            "tcp_refused": ("tcp_refused", "Connections by TCP turned away: too many, or nobody of ours in time."),
            "tcp_malformed": ("tcp_malformed", "Connections by TCP ended for what came over them."),
            "tcp_packets_dropped": ("tcp_packets_dropped", "Packets not sent by TCP because too much waited."),
            "texts_received": ("texts_received", "Texts taken from viewers' data channels."),
            "texts_dropped": ("texts_dropped", "Messages of data channels that were not taken."),
            "texts_sent": ("texts_sent", "Texts sent over data channels."),
            "texts_unsent": ("texts_unsent", "Texts that could not be sent over data channels."),
            "feed_units": ("feed_pictures", "Pictures made into MP4."),
            "feed_units_skipped": ("feed_pictures_skipped", "Pictures not made into MP4: the main process was slow."),
            "data_broken": ("data_channels_broken", "Data channels ended for what the viewer sent."),
        },
    ),
    *_rows(
        "media",
        Type.GAUGE,
        {
            "cpu_per_packet_s": (
                "cpu_seconds_per_packet",
                "Processor time of the whole worker per datagram sent, over the last 10 s; 0 when none was sent.",
            ),
            "rss_bytes": ("resident_memory_bytes", "Resident memory of the worker."),
            "descriptors": ("open_fds", "Open file descriptors of the worker."),
            "tasks": ("tasks", "Tasks of the worker's event loop."),
            "lag_s": ("loop_lag_mean_seconds", "How late the event loop came to its timers, mean of the last second."),
            "tcp_connections": ("tcp_connections", "Connections of viewers by TCP."),
            "moves": ("session_moves", "How often the sessions of now changed their network path."),
            "sessions": ("sessions", "WebRTC sessions, those that are still being set up too."),
            "feeds": ("feeds", "Streams that are made into MP4 for viewers without WebRTC."),
            "restream_sessions": ("restream_sessions", "RTSP sessions of re-stream accounts and other workers."),
            "live_sessions": ("live_sessions", "WebRTC sessions that are connected."),
            "socket_unsent_bytes": ("socket_unsent_bytes", "Bytes in the UDP socket's queue."),
            "wire_unsent_bytes": ("wire_unsent_bytes", "Bytes that the service's main process has not read yet."),
            "gso": ("gso", "1 when runs of packets are sent with one system call (UDP GSO)."),
            "srtp_in_place": ("srtp_in_place", "1 when packets are encrypted without being copied."),
        },
    ),
    *_rows(
        "media",
        Type.HISTOGRAM,
        {
            "lags_s": ("loop_lag_seconds", "How late the event loop came to a timer, ten looks a second."),
            "join_first_packet_s": (
                "join_first_packet_seconds",
                "From a viewer's offer to the first packet of picture sent.",
            ),
            "join_live_s": ("join_live_seconds", "From a viewer's offer to being connected, data channel included."),
        },
    ),
)
STREAM_ROWS: tuple[Row, ...] = (
    *_rows(
        "stream",
        Type.COUNTER,
        {
            "connects": ("connects", "Tries to pull the stream from its camera: the first one and each reconnect."),
            "units": ("access_units", "Pictures that came from the camera and can be decoded."),
            "dropped_units": ("access_units_dropped", "Pictures not given on, for losses or for want of a key frame."),
            "key_frames": ("key_frames", "Key frames that came from the camera."),
            "key_frames_sent": ("key_frames_sent", "Key frames sent, each counted once per viewer."),
            "key_requests": ("key_frames_requested", "Key frames asked of the camera."),
            "viewer_key_requests": ("viewer_key_frame_requests", "PLI and FIR that viewers sent."),
            "ingest_packets": ("ingest_packets", "RTP packets that came from the camera."),
            "ingest_bytes": ("ingest_bytes", "Bytes of those packets."),
            "ingest_lost": ("ingest_packets_lost", "RTP packets of the camera that never came."),
            "ingest_malformed": ("ingest_packets_malformed", "Packets of the camera that are no RTP of this stream."),
            "packets_sent": ("packets_sent", "RTP packets sent to viewers."),
            "payload_bytes_sent": ("payload_bytes_sent", "Bytes of RTP payload sent to viewers."),
            "packets_dropped": ("packets_dropped", "RTP packets to viewers that the socket's queue did not take."),
            "packets_nacked": ("packets_nacked", "Packets that viewers asked for again (NACK)."),
            "packets_resent": ("packets_resent", "Packets sent again for that."),
            "viewer_packets_lost": ("viewer_packets_lost", "Packets that viewers report as lost (RTCP RR)."),
            "bad_rtcp": ("bad_rtcp", "RTCP of viewers that was forged, replayed or damaged."),
            "seal_errors": ("seal_errors", "Runs of packets that could not be encrypted."),
        },
    ),
    *_rows(
        "stream",
        Type.GAUGE,
        {
            "live": ("live", "1 when pictures come from the camera."),
            "b_frames": ("b_frames", "1 when the camera sends B-frames, which jerk in browsers."),
            "relay": ("relay", "1 when the stream comes from another worker, which pulls the camera."),
            "hidden": ("hidden", "1 while the pictures are withheld from everybody."),
            "viewers": ("viewers", "Viewers that are sent the stream now."),
            "viewer_loss_ratio": (
                "viewer_loss_ratio",
                "Share of packets lost in viewers' last reports (RTCP RR fraction), mean of the viewers.",
            ),
            "cached_bytes": ("cached_bytes", "Bytes of the group of pictures that is kept for new viewers."),
            "backlog_passes": ("backlog_passes", "Passes of packets that wait to be sent, 2 ms apart."),
            "catching_up": ("viewers_catching_up", "Viewers that are still being sent the kept group of pictures."),
        },
    ),
)


class _Workers(Collector):
    """The answers of streams.pool's `stats`, once."""

    def __init__(self, workers: Sequence[Mapping[str, Any]]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """Every metric, in the tables' order; what an answer lacks is left out."""
        for row in WORKER_ROWS:
            samples = [((str(facts["worker"]),), facts[row.key]) for facts in self._workers if row.key in facts]
            yield _family(row, WORKER_LABELS, samples)
        streams = [(str(facts["worker"]), stream) for facts in self._workers for stream in facts["streams"]]
        for row in STREAM_ROWS:
            values = [((worker, stream["key"]), stream[row.key]) for worker, stream in streams if row.key in stream]
            yield _family(row, STREAM_LABELS, values)


def _family(row: Row, labels: Sequence[str], samples: Iterable[tuple[tuple[str, ...], Any]]) -> Metric:
    if row.type is Type.HISTOGRAM:
        histogram = HistogramMetricFamily(row.name, row.help, labels=labels)
        for where, value in samples:
            bounds = [*(str(float(bound)) for bound in value["bounds"]), "+Inf"]
            histogram.add_metric(where, list(zip(bounds, accumulate(value["counts"]), strict=True)), value["sum"])
        return histogram
    family: CounterMetricFamily | GaugeMetricFamily
    if row.type is Type.COUNTER:
        family = CounterMetricFamily(row.name, row.help, labels=labels)
    else:
        family = GaugeMetricFamily(row.name, row.help, labels=labels)
    for where, value in samples:
        family.add_metric(where, float(value))
    return family


def worker_metrics(workers: Sequence[Mapping[str, Any]]) -> str:
    """In Prometheus's text format; `workers` are the answers of streams.pool's `stats`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Workers(workers))
    return generate_latest(registry).decode()
