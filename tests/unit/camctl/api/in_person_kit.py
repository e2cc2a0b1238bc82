"""People at their browsers: signed in by password, with a cookie and nothing else; and their programs with tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from auth.roles import Capability
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


@asynccontextmanager
async def program(house: House, username: str, *scopes: Capability) -> AsyncIterator[Any]:
    """A program of theirs; without scopes it may do all that they may."""
    end = datetime.now(UTC) + timedelta(days=1)
    token = await house.auth.issue_token(username, end, "a program", frozenset(scopes) or None)
    async with house.client() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def leave_house(house: House, *usernames: str) -> None:
    """End the sign-ins that the house began with, so that a test sees its own alone."""
    for username in usernames:
        await house.auth.sign_out(house.tokens[username])


def refused(answer: httpx.Response, status: int, kind: str, word: str = "") -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:camctl:problem:{kind}", body
    assert word in body["detail"], body
    return body
