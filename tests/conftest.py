"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support import demo as demos

# The gate draws the same examples every time, so that it never fails by chance on somebody else's change; nightly draws
# new ones.
settings.register_profile("gate", deadline=None, max_examples=60, derandomize=True)
settings.register_profile("nightly", deadline=None, max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# What takes over 35 s is begun first, so that no worker is left alone with it at the end (`--no-loadscope-reorder`).
LONGEST = (
    "test_always_stops", "test_command_line", "test_onvif_stopping", "test_patrols", "test_onvif_driver",
    "test_demo_life", "test_control_arbitration", "test_audit", "test_guessing", "test_command_line_grants",
    "test_command_line_links", "test_media_adapt", "test_restream_accounts", "test_control_process", "test_cut_in_time",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, each with its tests in their order."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="module")
def demo() -> Iterator[demos.Demo]:
    """A demo of two cameras, shared by a file's tests."""
    with demos.running("--cameras", "2") as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured (`record_property("figures", text)`), also those of xdist's workers.

    And how many cells the permission matrix has (`record_property("permission cells", number)` of each of its rows).
    """
    cells: list[int] = []
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "figures":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(str(value))
            elif name == "permission cells":
                cells.append(int(str(value)))
    if cells:
        terminalreporter.section("permission matrix")
        terminalreporter.write_line(f"{sum(cells)} cells in {len(cells)} rows")
