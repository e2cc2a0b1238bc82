"""What Prometheus reads at /metrics: one registry, made by the composition root and handed to the parts."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_LATENCY_BUCKETS_S = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)


class ControlMetrics:
    """The control process's metrics; the service shows them with its own (`text`)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.stops = Counter(
            "camctl_stops", "Stops sent to cameras by reason and outcome", ("reason", "outcome"), registry=self.registry
        )
        self.camera_calls_s = Histogram(
            "camctl_camera_call_seconds",
            "Time a camera took to answer a command, queueing for its one connection included",
            ("operation",),
            buckets=_LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.ours_s = Histogram(
            "camctl_control_overhead_seconds",
            "Time of a command in the control process without the camera's, the journal included",
            buckets=_LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self._cpu_s = Gauge(
            "camctl_control_cpu_seconds", "Processor time of the control process", registry=self.registry
        )

    def text(self) -> str:
        """In Prometheus's text format."""
        self._cpu_s.set(time.process_time())
        return generate_latest(self.registry).decode()


class Metrics:
    """The service's own metrics. Labels never hold a person, a session or a camera: their number must stay small."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.commands = self._counter("camctl_commands", "Control commands by kind and outcome", "kind", "outcome")
        self.cameras = self._gauge("camctl_cameras", "Cameras by state", "state")
        self.control_sockets = self._gauge("camctl_control_sockets", "Open control sockets")
        self.video_sessions = self._gauge("camctl_video_sessions", "Open video sessions, of whichever way")
        self.fallback_sessions = self._gauge("camctl_fallback_sessions", "Open video sessions without WebRTC", "way")
        self.fallback_skipped = self._counter(
            "camctl_fallback_pictures_skipped", "Pictures that viewers without WebRTC were too slow for"
        )
        self.admissions = self._counter(
            "camctl_video_admissions",
            "Viewers by rank: admitted, shed for a higher rank, or refused because of what was full",
            "rank",
            "outcome",
        )
        self.refused = self._counter(
            "camctl_http_refused",
            "Connections, requests and sockets refused before they reached a route, by why",
            "why",
        )
        self.requests_s = Histogram(
            "camctl_http_request_seconds",
            "Time to answer an HTTP request",
            ("method", "route", "status"),
            buckets=_LATENCY_BUCKETS_S,
            registry=self.registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)
