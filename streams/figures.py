"""What a media worker says about itself: plain numbers; `camctl.worker_metrics` says which are which."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

import psutil

from streams.hub import Hub, HubState
from streams.load import LoadFigures
from streams.tally import Joins
from streams.webrtc.data import DataCounters
from streams.webrtc.mux import UdpMux
from streams.webrtc.session import SessionState, ViewerSession
from streams.wire import Payload


def worker_figures(mux: UdpMux, sessions: Sequence[ViewerSession], data: DataCounters) -> Payload:
    """The process, its sockets, its sessions (now, `moves` are theirs) and the texts of their data channels."""
    sender, counters, tcp = mux.sender, mux.counters, mux.tcp.counters
    return {
        "pid": os.getpid(),
        "cpu_s": time.process_time(),
        "gso": sender.is_gso,
        "sessions": len(sessions),
        "live_sessions": sum(session.state is SessionState.LIVE for session in sessions),
        "packets_sent": sender.packets,
        "bytes_sent": sender.bytes,
        "packets_dropped": sender.dropped,
        "packets_failed": sender.failed,
        "socket_unsent_bytes": mux.unsent_bytes,
        "datagrams_received": counters.datagrams,
        "checks_answered": counters.checks,
        "datagrams_malformed": counters.malformed,
        "datagrams_forged": counters.forged,
        "datagrams_strange": counters.strangers,
        "checks_excess": counters.excess,
        "tcp_connections": tcp.connections,
        "tcp_accepted": tcp.accepted,
        "tcp_refused": tcp.refused,
        "tcp_malformed": tcp.malformed,
        "tcp_packets_dropped": tcp.dropped,
        "moves": sum(session.moves for session in sessions),
        "texts_received": data.received,
        "texts_dropped": data.dropped,
        "texts_sent": data.sent,
        "texts_unsent": data.unsent,
        "data_broken": data.broken,
    }


def load_figures(load: LoadFigures, joins: Joins, unsent_bytes: int) -> Payload:
    """How busy the process is and how long viewers waited; gauges but for the histograms."""
    return {
        "rss_bytes": psutil.Process().memory_info().rss,
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208  # a Path for each of a thousand is slower
        "tasks": len(asyncio.all_tasks()),
        "cpu_per_packet_s": load.cpu_per_packet_s,
        "lag_s": load.lag_s,
        "lags_s": load.lags.payload(),
        "join_first_packet_s": joins.first_packet_s.payload(),
        "join_live_s": joins.live_s.payload(),
        "wire_unsent_bytes": unsent_bytes,
    }


def stream_figures(hub: Hub, losses: Sequence[float] = ()) -> Payload:
    """One stream, as it is now. `losses` are the fractions that its viewers reported last."""
    tally, pulled, sent = hub.tally, hub.pulled, hub.tally.sent()
    passes, behind = hub.fanout.backlog
    return {
        "key": hub.source.key,
        "relay": hub.source.is_relay,
        "state": hub.state.value,
        "fault": hub.error.fault.value if hub.error else None,
        "live": hub.state is HubState.LIVE,
        "viewers": hub.viewers,
        "units": hub.units,
        "connects": hub.connects,
        "key_requests": hub.keys.wanted,
        "cached_bytes": hub.cached_bytes,
        "codec": hub.format.codec if hub.format else None,
        "b_frames": hub.order.has_b_frames,
        "hidden": hub.curtain.is_hidden,
        "ingest_packets": pulled.packets,
        "ingest_bytes": pulled.octets,
        "ingest_lost": pulled.lost,
        "ingest_malformed": pulled.malformed,
        "dropped_units": pulled.dropped,
        "key_frames": tally.key_frames,
        "key_frames_sent": tally.key_frames_sent,
        "viewer_key_requests": tally.key_requests,
        "packets_sent": sent.packets,
        "payload_bytes_sent": sent.octets,
        "packets_dropped": sent.dropped,
        "packets_resent": sent.resent,
        "packets_nacked": tally.nacked,
        "viewer_packets_lost": tally.reported_lost,
        "viewer_loss_ratio": sum(losses) / len(losses) if losses else 0.0,
        "bad_rtcp": tally.bad_rtcp,
        "seal_errors": hub.fanout.seal_errors,
        "backlog_passes": passes,
        "catching_up": behind,
    }
