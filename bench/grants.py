"""What a permission costs in a large city: one decision, and an official's list of cameras over HTTP."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from auth.model import CameraRef, Person
from auth.policy import Standing
from auth.records import person_of
from auth.roles import Capability
from auth.tables import GrantRow, PersonRow
from bench import report
from bench.house import House, feed_item, house
from camctl.areas.tree import load_jakarta

_SIZES = {"people": 100_000, "grants": 20_000, "cameras": 5_000, "decisions": 200_000, "lists": 100}
_QUICK = {"people": 1_000, "grants": 500, "cameras": 200, "decisions": 5_000, "lists": 10}
_DECISION_US, _LIST_MS = 50.0, 20.0
_AT_ONCE = 5_000
_FAR = "rtsp://127.0.0.1:9/never-asked"


def _city(cameras: int) -> list[dict[str, Any]]:
    """Feeds, which nobody connects to until somebody watches, spread over the areas of the deepest level."""
    codes = [area.code for area in load_jakarta() if area.code.count(".") == 3]
    return [feed_item(_FAR, f"cam-{n}") | {"area": codes[n % len(codes)]} for n in range(cameras)]


def _fill(session: Session, people: int, grants: int) -> None:
    """People, of whom some have grants: most one, some several, a tenth of them timed or denying."""
    draw, now = random.Random(7), datetime.now(UTC)
    ids = [uuid.UUID(int=draw.getrandbits(128)).hex for _ in range(people)]
    rows = [
        {
            "id": id_,
            "username": f"p{n}",
            "display_name": f"P {n}",
            "organisation": "",
            "disabled": False,
            "created": now,
        }
        for n, id_ in enumerate(ids)
    ]
    codes = [area.code for area in load_jakarta()]
    holders = ids[: max(1, grants // 2)]
    for start in range(0, people, _AT_ONCE):
        session.execute(insert(PersonRow), rows[start : start + _AT_ONCE])
    session.execute(insert(GrantRow), [_grant(draw, draw.choice(holders), codes, now) for _ in range(grants)])


def _grant(draw: random.Random, person: str, codes: Sequence[str], now: datetime) -> dict[str, Any]:
    is_odd = draw.random() < 0.1
    return {
        "id": uuid.UUID(int=draw.getrandbits(128)).hex, "person_id": person,
        "role_name": draw.choice(("official", "operator", "auditor")), "areas": draw.sample(codes, draw.randint(1, 3)),
        "cameras": [], "capabilities": ["control"] if is_odd else None, "deny": is_odd and draw.random() < 0.5,
        "window": "mon-fri 07:00-18:00 Asia/Jakarta" if is_odd else None, "starts_at": None,
        "ends_at": now + timedelta(days=30) if is_odd else None, "priority": None, "kind": "standing", "waits": False,
        "reason": "bench", "granter": "", "approver": "", "created": now,
    }  # fmt: skip


def _decisions_us(people: Sequence[Person], cameras: Sequence[CameraRef], count: int) -> list[float]:
    """Microseconds of one decision from scratch, each a mean of a hundred."""
    draw, now = random.Random(11), datetime.now(UTC)
    wanted = (Capability.SEE, Capability.LIVE, Capability.CONTROL)
    taken = []
    for _ in range(count // 100):
        asked = [(draw.choice(people), draw.choice(cameras), draw.choice(wanted)) for _ in range(100)]
        started_s = time.perf_counter()
        for person, camera, capability in asked:
            Standing(person, now).allows(capability, camera)
        taken.append((time.perf_counter() - started_s) * 1e4)
    return taken


async def _lists_ms(running: House, token: str, count: int) -> tuple[list[float], int]:
    """Milliseconds of GET /cameras, and how many there are."""
    taken, found = [], 0
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=20) as client:
        for _ in range(count):
            started_s = time.perf_counter()
            answer = (await client.get(f"{running.api}/cameras")).raise_for_status()
            taken.append((time.perf_counter() - started_s) * 1e3)
            found = len(answer.json()["items"])
    return taken, found


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    sizes = _QUICK if quick else _SIZES
    items = _city(sizes["cameras"])
    refs = [CameraRef(item["id"], item["area"]) for item in items]
    async with house(items, folder) as running, running.people() as (auth, store):
        with store.sessions() as session, session.begin():
            session.connection(execution_options={"write": True})
            _fill(session, sizes["people"], sizes["grants"])
        await auth.create_person("lurah", "not-a-secret-here", role="official", areas=["31.71.01.1001"])
        await auth.create_person("camat", "not-a-secret-here", role="official", areas=["31.71.01"])
        until = datetime.now(UTC) + timedelta(days=1)
        with store.sessions() as session:
            query = select(PersonRow).join(GrantRow).distinct().limit(2_000)
            people = [person_of(row) for row in session.scalars(query)]
        decisions = _decisions_us(people, refs, sizes["decisions"])
        rows = [["one decision, us", *report.spread(decisions), report.number(_DECISION_US)]]
        for name in ("lurah", "camat"):
            taken, found = await _lists_ms(running, await auth.issue_token(name, until, "bench"), sizes["lists"])
            rows.append([f"cameras of a {name} ({found}), ms", *report.spread(taken), report.number(_LIST_MS)])
    title = f"grants: {sizes['people']} people, {sizes['cameras']} cameras, {sizes['grants']} grants"
    note = "decisions start from the grants each time, and are means of a hundred; a list is a whole request over HTTP"
    return report.table(title, ("", "p50", "p95", "p99", "limit"), rows, [note])
