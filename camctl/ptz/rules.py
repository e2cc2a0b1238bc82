"""The arbiter's numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """In seconds, but for the two counts. The first four are keys of config.yaml (`control`)."""

    lease_idle_s: float = 10.0
    lease_cap_s: float = 300.0  # the longest lease while others wait
    reserve_max_s: float = 3600.0
    camera_timeout_s: int = 1
    cap_notice_s: float = 10.0  # what the holder has at least from the moment that somebody begins to wait
    http_wait_s: float = 60.0  # a place in the queue that no socket keeps, after its last request
    queue_max: int = 32
    travel_limit_s: float = 30.0
    stop_retry_s: float = 0.25
    stop_retry_max_s: float = 5.0
    stop_merge_s: float = 0.2
    give_way_after_failures: int = 3
