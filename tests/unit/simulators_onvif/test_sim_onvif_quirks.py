"""Every row of the quirk table does what its line says: one test each, and none without."""

from __future__ import annotations

import pytest

from simulators.quirks import QUIRKS, Quirks, UnknownQuirkError
from tests.support.sim_onvif_kit import Street
from tests.unit.simulators_onvif import quirks_in_motion, quirks_in_talk

CHECKS = quirks_in_motion.CHECKS | quirks_in_talk.CHECKS


@pytest.mark.parametrize("name", QUIRKS)
async def test_the_quirk_shows(name: str) -> None:
    await CHECKS[name](Street(name))


@pytest.mark.parametrize("name", QUIRKS)
async def test_the_check_tells_a_camera_without_the_quirk(name: str) -> None:
    with pytest.raises(AssertionError):
        await CHECKS[name](Street())


def test_a_name_that_is_not_in_the_table_is_told_with_all_that_are() -> None:
    with pytest.raises(
        UnknownQuirkError, match=r"unknown quirk flies, sings; there are: ignores-timeout, .*locks-account"
    ):
        Quirks.named(["sings", "reversed", "flies"])


def test_names_and_descriptions() -> None:
    assert next(iter(QUIRKS)) == "ignores-timeout"
    assert Quirks.named(["reversed", "no-nodes"]).names == ("reversed", "no-nodes")
    for row in QUIRKS.values():
        assert 10 < len(row.description) < 100
        assert "\n" not in row.description
