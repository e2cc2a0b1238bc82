"""What a media worker says about itself: plain numbers, which become metrics. Counters unless named otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from streams.hub import Hub
from streams.webrtc.data import DataCounters
from streams.webrtc.mux import UdpMux
from streams.webrtc.session import SessionState, ViewerSession
from streams.wire import Payload


def worker_figures(mux: UdpMux, sessions: Sequence[ViewerSession], data: DataCounters) -> Payload:
    """The process, its socket, its sessions (now) and the texts of their data channels."""
    sender, counters = mux.sender, mux.counters
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
        "packets_resent": sum(item.receiver.resent for item in sessions if item.receiver),
        "datagrams_received": counters.datagrams,
        "datagrams_malformed": counters.malformed,
        "datagrams_forged": counters.forged,
        "datagrams_strange": counters.strangers,
        "texts_received": data.received,
        "texts_dropped": data.dropped,
        "texts_sent": data.sent,
        "texts_unsent": data.unsent,
        "data_broken": data.broken,
    }


def stream_figures(hub: Hub) -> Payload:
    """One stream, as it is now."""
    return {
        "key": hub.source.key,
        "relay": hub.source.is_relay,
        "state": hub.state.value,
        "fault": hub.error.fault.value if hub.error else None,
        "viewers": hub.viewers,
        "units": hub.units,
        "connects": hub.connects,
        "key_requests": hub.keys.wanted,
        "cached_bytes": hub.cached_bytes,
        "hidden": hub.curtain.is_hidden,
    }
