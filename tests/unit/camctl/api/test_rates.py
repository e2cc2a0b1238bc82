"""Requests a second: a flood is refused with a documented problem, and nobody of good will ever meets the limit."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import HTTPConnection

from camctl.api.application import describe
from camctl.api.rates import Buckets, Rates
from camctl.config_server import HttpLimits
from camctl.metrics import Metrics
from tests.support.problems import problem
from tests.unit.camctl.api.api_kit import FIRST, House
from tests.unit.camctl.api.asgi_socket import open_socket

FEW = {"server": {"limits": {"requests_per_s_per_address": 5, "requests_per_s_per_person": 1000}}}
FEW_EACH = {"server": {"limits": {"requests_per_s_per_address": 1000, "requests_per_s_per_person": 5}}}


@pytest.fixture(autouse=True)
def standing_clock(house: House, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the buckets."""
    now = [1000.0]
    monkeypatch.setattr(house.services.rates, "_steady", lambda: now[0])
    return now


@pytest.mark.parametrize("options", [FEW])
async def test_a_flood_of_one_address_is_refused_and_then_served_again(
    house: House, standing_clock: list[float]
) -> None:
    async with house.client("camat") as client:
        answers = [await client.get("/me") for _ in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) >= 1
        problem(answers[-1], 429, "rate-limited")
        standing_clock[0] += int(answers[-1].headers["retry-after"])
        assert (await client.get("/me")).status_code == 200
    sample = house.services.metrics.registry.get_sample_value
    assert sample("camctl_http_refused_total", {"why": "address-rate"}) == 2


@pytest.mark.parametrize("options", [FEW])
async def test_strangers_are_counted_too_and_their_sockets(house: House) -> None:
    async with house.client() as client:
        answers = [await client.get("/nothing") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [404] * 10 + [429]
    refused = await open_socket(house.app, f"/api/v1/cameras/{FIRST}/control", {})
    assert refused.status == 429


@pytest.mark.parametrize("options", [FEW_EACH])
async def test_one_persons_flood_is_theirs_alone(house: House) -> None:
    async with house.client("camat") as client, house.client("operator") as other:
        answers = [await client.get("/me") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        assert (await other.get("/me")).status_code == 200


@pytest.mark.parametrize("options", [FEW, FEW_EACH], ids=["address", "person"])
async def test_a_stop_is_never_refused_and_video_not_counted(house: House) -> None:
    async with house.client("camat") as client:
        for _ in range(30):
            assert (await client.options(f"/cameras/{FIRST}/whep")).status_code == 204
        stops = [await client.post(f"/cameras/{FIRST}/ptz/stop") for _ in range(30)]
        assert {answer.status_code for answer in stops} == {202}
        assert (await client.get("/me")).status_code == 429  # they were counted


@pytest.mark.parametrize("options", [FEW])
async def test_strangers_are_counted_at_the_video_too(house: House, standing_clock: list[float]) -> None:
    path = f"/cameras/{FIRST}/whep"
    async with house.client() as client:
        for headers in ({}, {"Authorization": f"Bearer {'x' * 43}"}):
            answers = [(await client.options(path, headers=headers)).status_code for _ in range(12)]
            assert answers == [401] * 10 + [429] * 2
            standing_clock[0] += 10.0
    async with house.client("camat") as known:  # of the same address; once let in they are not counted any more
        assert [(await known.options(path)).status_code for _ in range(30)] == [204] * 30


def test_a_phone_that_steers_and_looks_never_meets_the_limits_of_the_shipped_configuration() -> None:
    now = [0.0]
    rates = Rates(HttpLimits(), Metrics(), lambda: now[0])
    for tick in range(60 * 40):  # 20 moves a second and as many pictures and answers, for a minute
        now[0] = tick / 40
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/api/v1/cameras/a/ptz/move"}
        scope |= {"client": ("203.0.113.9", 1), "headers": []}
        rates.check_address(scope)
        rates.check_person("sari", HTTPConnection(scope))


def test_the_table_forgets_who_was_quiet_longest() -> None:
    buckets = Buckets(1.0, max_keys=100)
    for number in range(1000):
        assert buckets.allows(f"192.0.2.{number}", 0.0)
        assert buckets.allows("198.51.100.1", float(number))
    assert len(buckets) == 100
    assert [buckets.allows("198.51.100.1", 999.0) for _ in range(2)] == [True, False]


def test_the_household_counts_and_not_each_of_its_addresses() -> None:
    rates = Rates(HttpLimits(requests_per_s_per_address=1), Metrics(), lambda: 0.0)
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/"}
    refused = 0
    for number in range(10):
        try:
            rates.check_address(scope | {"client": (f"2001:db8::{number:x}", 1)})
        except Exception:  # noqa: BLE001  counted
            refused += 1
    assert refused == 8


def test_every_operation_documents_that_it_may_be_refused() -> None:
    for path, operations in describe().openapi()["paths"].items():
        if path.startswith("/api/"):
            for method, operation in operations.items():
                assert "429" in operation["responses"], f"{method} {path}"
