"""What a camera says of what its caller may do is what the policy says."""

from __future__ import annotations

import pytest

from tests.unit.camctl.api.api_kit import ENTRIES, PEOPLE, House


@pytest.mark.parametrize("username", PEOPLE)
async def test_what_a_camera_shows_as_allowed_is_what_the_policy_explains(house: House, username: str) -> None:
    async with house.client(username) as client:
        shown = {item["id"]: item["may"] for item in (await client.get("/cameras")).json()["items"]}
        assert shown
        for entry in ENTRIES:
            one = await client.get(f"/cameras/{entry.id}")
            explained = await client.get(f"/cameras/{entry.id}/permissions")
            assert one.status_code == explained.status_code == (200 if entry.id in shown else 404)
            if entry.id in shown:
                decisions = {name: decision["allowed"] for name, decision in explained.json()["items"].items()}
                assert one.json()["may"] == shown[entry.id] == {name: decisions[name] for name in shown[entry.id]}
                assert len(shown[entry.id]) == 7
