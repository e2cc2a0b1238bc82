"""Writes docs/reference from the code, or with --check says what is out of date there (exit code 1)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from camctl.api.application import describe  # noqa: E402  the tree's own code, not an installed one
from camctl.config import Config  # noqa: E402
from camctl.metrics import ControlMetrics, Metrics  # noqa: E402
from camctl.worker_metrics import STREAM_LABELS, STREAM_ROWS, WORKER_LABELS, WORKER_ROWS, Row  # noqa: E402


def documents() -> dict[str, str]:
    """What belongs into docs/reference, by file name."""
    return {
        "openapi.json": json.dumps(describe().openapi(), indent=1, sort_keys=True) + "\n",
        "config.schema.json": json.dumps(Config.model_json_schema(), indent=1, sort_keys=True) + "\n",
        "metrics.md": metrics_page(),
    }


_METRICS_INTRODUCTION = """# Metrics

`GET /metrics`, in Prometheus' text format: open to the machine itself, elsewhere with the token of somebody who may
read metrics ([why](../decisions/0006-metrics-from-this-machine.md)). This page is written from the code by `make docs`.

No label holds a person, a sign-in or a session. `stream` is a camera's id and quality, such as `bundaran-hi-1/main`;
`worker` is the media worker's number. Counters begin at 0 when their process begins; a histogram `x` gives `x_bucket`,
`x_sum` and `x_count`. Processor time per packet over any time:
`rate(camctl_media_cpu_seconds_total[5m]) / rate(camctl_media_packets_sent_total[5m])`.
"""


def metrics_page() -> str:
    """Every metric of /metrics by process."""
    registries = (("The service", Metrics().registry), ("The control process", ControlMetrics().registry))
    parts = [_METRICS_INTRODUCTION]
    for title, registry in registries:
        parts.append(_metrics_table(title, sorted(_described(registry))))
    for title, labels, rows in (
        ("Media workers", WORKER_LABELS, WORKER_ROWS),
        ("Streams", STREAM_LABELS, STREAM_ROWS),
    ):
        parts.append(_metrics_table(title, sorted(_row_words(row, labels) for row in rows)))
    return "\n".join(parts)


def _described(registry: CollectorRegistry) -> Iterator[tuple[str, str, str, str]]:
    for collector in registry._collector_to_names:  # noqa: SLF001  # the only place that knows labels of empty metrics
        for metric in collector.collect():
            name = metric.name + ("_total" if metric.type == "counter" else "")
            labels = getattr(collector, "_labelnames", ())
            yield name, metric.type, ", ".join(labels), metric.documentation


def _row_words(row: Row, labels: Sequence[str]) -> tuple[str, str, str, str]:
    name = row.name + ("_total" if row.type.value == "counter" else "")
    return name, row.type.value, ", ".join(labels), row.help


def _metrics_table(title: str, rows: Iterable[tuple[str, str, str, str]]) -> str:
    lines = [f"| `{name}` | {kind} | {labels} | {text.rstrip('.')} |" for name, kind, labels, text in rows]
    return "\n".join([f"## {title}", "", "| metric | type | labels | meaning |", "|---|---|---|---|", *lines, ""])


def main() -> int:
    """Write the files, or check them."""
    folder = ROOT / "docs" / "reference"
    stale = []
    for name, text in documents().items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        print(f"docs/reference is out of date ({', '.join(stale)}): run `make docs` and commit the result")
        return 1
    print("docs/reference: " + (", ".join(stale) + " written" if stale else "up to date"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
