"""Parts of the service die, or it ends and starts again, while cameras turn whose own Timeout is ten seconds.

How fast each death is answered is measured in many trials by test_always_stops.py; this is what happens around them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.support.trials import PhoneProcess, Town, town

pytestmark = pytest.mark.system

# Approved for their site alone, so that whoever stops them has to know the site.
CAMERAS = {name: {"ptz_timeout_range_s": [10.0, 60.0], "service": {"owner": "PT Contoh"}} for name in ("one", "two")}
SITES = {"approved_networks": [], "sites": [{"owner": "PT Contoh", "networks": ["127.0.0.1/32"]}]}
STOPPED_S = 1.5


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("town"), CAMERAS, cameras=SITES) as running:
        running.start()
        yield running


@contextmanager
def held(place: Town) -> Iterator[PhoneProcess]:
    """Fingers on both cameras, which turn."""
    with place.phones() as phones:
        phones.open(place.cameras)
        phones.ask("hold", pan=0.03)
        place.wait_moving(place.cameras)
        yield phones


def wait_still(place: Town, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while turning := place.moving(place.cameras):
        assert time.monotonic() < deadline, f"after {within_s:g} s these still turn: {turning}; {place.tail()}"
        time.sleep(0.02)


@pytest.mark.nightly
def test_a_stopper_that_dies_is_replaced_and_the_new_one_knows_what_turns(place: Town) -> None:
    [before] = place.children("camctl.stopper")
    with held(place):
        before.kill()
        deadline = time.monotonic() + 10
        while not [each for each in place.children("camctl.stopper") if each.pid != before.pid]:
            assert time.monotonic() < deadline, "no new stopper"
            time.sleep(0.05)
        place.wait_live()
        time.sleep(2.0)  # it learns the cameras; the fingers are still down
        assert place.moving(place.cameras) == place.cameras
        # Held still, the API cannot start a new control process, which would stop the cameras too.
        psutil.Process(place.pid).suspend()
        try:
            place.kill("camctl.control")
            wait_still(place, STOPPED_S)
        finally:
            psutil.Process(place.pid).resume()
    place.wait_live()


def test_a_control_process_that_dies_is_replaced_and_the_phones_go_on(place: Town) -> None:
    [before] = place.children("camctl.control")
    with place.phones() as phones:
        phones.open(place.cameras)
        phones.ask("hold", pan=0.03)
        place.wait_moving(place.cameras)
        place.kill("camctl.control")
        wait_still(place, STOPPED_S)
        phones.ask("lift")
        place.wait_live()
        [after] = place.children("camctl.control")
        assert after.pid != before.pid
        phones.ask("hold", pan=-0.03)  # over the sockets that were open all the time
        place.wait_moving(place.cameras)
        phones.ask("lift")
        wait_still(place, 1.0)
        assert [phones.ask("report")[name]["ended"] for name in place.cameras] == [None, None]


def test_an_orderly_end_stops_the_cameras_and_leaves_no_process(place: Town) -> None:
    with held(place):
        family = place.children()
        os.kill(place.pid, signal.SIGTERM)
        wait_still(place, STOPPED_S)
        _, alive = psutil.wait_procs(family, 15)
        assert not alive, alive
    place.start()


def test_after_everything_was_killed_the_next_start_stops_what_still_turns(place: Town) -> None:
    with held(place):
        place.kill_everything()
        time.sleep(1.0)
        assert place.moving(place.cameras) == place.cameras, "there is nothing to prove"
    started_s = time.monotonic()
    place.start()
    wait_still(place, 1.0)
    for camera in place.cameras:
        log = place.motor_log(camera, started_s)
        assert log, "it stood before the service was back: there is nothing to prove"
        assert log[0].is_halt, f"{camera} was not stopped by the new service: {log}"
