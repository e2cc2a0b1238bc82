"""People at their browsers: signed in by password, with a cookie and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.unit.camctl.api.api_kit import House
from tests.unit.camctl.api.conftest import PASSWORD

ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"


@asynccontextmanager
async def browser(house: House, username: str, password: str = PASSWORD, agent: str = "") -> AsyncIterator[Any]:
    async with house.client() as client:
        if agent:
            client.headers["User-Agent"] = agent
        answer = await client.post("/auth/login", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        yield client


def refused(answer: httpx.Response, status: int, kind: str, word: str = "") -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:camctl:problem:{kind}", body
    assert word in body["detail"], body
    return body
