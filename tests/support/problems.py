"""What every refusal over HTTP has in common."""

from __future__ import annotations

from typing import Any

import httpx


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The body of a refusal, after everything that all refusals promise was looked at."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    assert answer.headers["content-type"].partition(";")[0] == "application/problem+json", answer.headers
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:camctl:problem:{kind}", body
    assert body["status"] == status
    assert isinstance(body["title"], str)
    assert body["title"]
    assert isinstance(body["detail"], str)
    assert len(body["detail"]) > 5, body
    assert "Traceback" not in answer.text
    return body
