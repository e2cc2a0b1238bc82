"""A move waits for the audit log's row; a Stop waits for nothing."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from camctl.audit.chain import AuditRow, Head, seal
from camctl.audit.entry import Action, AuditEntry
from camctl.cameras.model import CameraEntry
from camctl.cameras.records import LeaseRecord
from camctl.cameras.session import CameraSession
from camctl.control.auditing import ControlAudit
from camctl.metrics import ControlMetrics
from camctl.ptz import events as ev
from camctl.ptz.model import Velocity
from camctl.ptz.ports import CameraError, CameraFault
from camctl.ptz.rules import Rules
from tests.unit.camctl.cameras.test_session import FACTS, ScriptedDriver

LURAH = ev.Source("s1", "p1", "Lurah", "official", 50, "s1:ws", organisation="Kelurahan Menteng")
CAMAT = ev.Source("s2", "p2", "Camat", "official", 40, "s2:ws")
RIGHT = Velocity(pan=0.5)


class Disk:
    """A recorder whose disk answers when the test says so."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.waiting: list[asyncio.Future[AuditRow]] = []
        self.is_slow = False
        self.is_full = False
        self.problem = ""

    def append(self, entry: AuditEntry) -> asyncio.Future[AuditRow]:
        future: asyncio.Future[AuditRow] = asyncio.get_running_loop().create_future()
        if self.is_full:
            future.set_exception(OSError(28, "No space left on device"))
            return future
        self.entries.append(entry)
        if self.is_slow:
            self.waiting.append(future)
        else:
            future.set_result(seal(entry, "control", Head()))
        return future

    def note(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    def goes_on(self) -> None:
        for future in self.waiting:
            future.set_result(seal(self.entries[0], "control", Head()))
        self.waiting.clear()
        self.is_slow = False

    def actions(self) -> list[Action]:
        return [entry.action for entry in self.entries]


@pytest.fixture
def disk() -> Disk:
    return Disk()


def audited(driver: ScriptedDriver, disk: Disk) -> CameraSession:
    entry = CameraEntry("cam", "Cam", "31.71", onvif_url="http://192.0.2.7/")
    history = ControlAudit(disk, problem=lambda: disk.problem)
    camera = CameraSession(entry, driver, rules=Rules(), metrics=ControlMetrics(), history=history)
    camera.connected(FACTS)
    return camera


async def test_the_first_move_waits_for_its_row_and_a_stop_for_nothing(disk: Disk) -> None:
    driver = ScriptedDriver()
    camera = audited(driver, disk)
    disk.is_slow = True
    move = camera.command(ev.Move(LURAH, RIGHT, 1.0)).call
    assert move is not None
    await asyncio.sleep(0.05)
    assert driver.calls == []
    assert disk.actions() == [Action.CONTROL_TAKE]
    stop = camera.command(ev.Stop(LURAH)).call
    assert stop is not None
    await asyncio.wait_for(stop, 0.5)
    assert driver.calls == ["stop"]
    disk.goes_on()
    with pytest.raises(CameraError, match="Stop was asked for meanwhile"):
        await move
    again = camera.command(ev.Move(LURAH, RIGHT, 1.0)).call
    assert again is not None
    await again
    assert driver.calls[-1] == "move"
    await camera.close()


async def test_without_the_row_no_move_and_with_it_again_the_same_row(disk: Disk) -> None:
    driver = ScriptedDriver()
    camera = audited(driver, disk)
    disk.is_full = True
    refused = camera.command(ev.Move(LURAH, RIGHT, 1.0)).call
    assert refused is not None
    with pytest.raises(CameraError, match="record of who controls could not be written") as failure:
        await refused
    assert failure.value.fault is CameraFault.NOT_ON_RECORD
    stop = camera.command(ev.Stop(LURAH)).call
    assert stop is not None
    await stop
    disk.is_full = False
    taken = camera.command(ev.Move(LURAH, RIGHT, 1.0)).call
    assert taken is not None
    await taken
    assert disk.actions().count(Action.CONTROL_TAKE) == 1
    assert (disk.entries[0].actor.organisation, disk.entries[0].area) == ("Kelurahan Menteng", "31.71")
    await camera.close()


async def test_a_lease_that_was_restored_is_on_record_before_its_first_move(disk: Disk) -> None:
    driver = ScriptedDriver()
    camera = audited(driver, disk)
    wall = time.time()
    camera.restore(LeaseRecord("cam", 7, LURAH, wall - 5, wall + 5, None, "jaga"), 7, wall)
    assert disk.entries == []
    move = camera.command(ev.Move(LURAH, RIGHT, 1.0)).call
    assert move is not None
    await move
    assert disk.actions() == [Action.CONTROL_RESUME]
    await camera.close()


FULL = "the audit log of control cannot be written: No space left on device"


async def test_a_disk_that_fills_in_mid_lease_stops_the_camera_and_nothing_is_begun_until_it_has_room(
    disk: Disk,
) -> None:
    driver = ScriptedDriver()
    camera = audited(driver, disk)
    move = camera.command(ev.Move(LURAH, RIGHT, 2.0, 1)).call
    assert move is not None
    await move
    disk.is_full, disk.problem = True, FULL
    camera.record_changed()
    await asyncio.sleep(0.7)  # past the next renewal
    assert driver.calls == ["move", "stop"]
    assert camera.arbiter.stop_confirmed is True
    begun = [
        ev.Move(LURAH, Velocity(pan=-0.5), 1.0, 2), ev.Travel(LURAH, "1"), ev.Travel(LURAH, None),
        ev.Take(LURAH), ev.TakeOver(LURAH, "x"), ev.Reserve(LURAH, "x", 60.0), ev.Request(LURAH), ev.HandOver(LURAH, 1),
        ev.Take(CAMAT), ev.Move(CAMAT, RIGHT, 1.0),
    ]  # fmt: skip
    for event in begun:
        outcome = camera.command(event)
        assert (outcome.refusal, outcome.call) == (ev.Refusal.NOT_ON_RECORD, None), event
    assert driver.calls == ["move", "stop"]
    stop = camera.command(ev.Stop(LURAH)).call
    assert stop is not None
    await stop
    assert camera.command(ev.Release(LURAH)).refusal is None
    assert camera.control_view().holder is None
    assert camera.command(ev.Take(LURAH)).refusal is ev.Refusal.NOT_ON_RECORD, "a free camera is not taken either"
    disk.is_full, disk.problem = False, ""
    camera.record_changed()
    assert disk.actions()[-1] is Action.CONTROL_RELEASE, "what waited is written before anybody comes"
    again = camera.command(ev.Move(LURAH, RIGHT, 1.0, 3)).call
    assert again is not None
    await again
    assert driver.calls[-1] == "move"
    leases = [action for action in disk.actions() if action in {Action.CONTROL_TAKE, Action.CONTROL_RELEASE}]
    assert leases == [Action.CONTROL_TAKE, Action.CONTROL_RELEASE, Action.CONTROL_TAKE], "none is missing afterwards"
    await camera.close()


async def test_whom_a_full_disk_refused_is_on_record_once_for_each_outage_and_camera(disk: Disk) -> None:
    camera = audited(ScriptedDriver(), disk)
    patrol = ev.Source("patrol:1", "patrol:1", "Malam", "patrol", 0, "patrol:1", ev.SourceKind.PATROL)
    for _outage in range(2):
        disk.problem = FULL
        for gesture in range(5):
            camera.command(ev.Move(LURAH, RIGHT, 1.0, gesture))
            camera.command(ev.Take(CAMAT))
            camera.command(ev.Take(patrol))
        disk.problem = ""
        camera.command(ev.Take(LURAH))
        camera.command(ev.Release(LURAH))
    refused = [one for one in disk.entries if one.action is Action.REFUSAL]
    assert [(one.actor.name, one.target) for one in refused] == [
        ("Lurah", "control move"),
        ("Camat", "control take"),
    ] * 2
    assert {(one.camera, one.area, one.outcome.value) for one in refused} == {("cam", "31.71", "refused")}
    assert {(one.reason.category.value, one.reason.text) for one in refused} == {("system", "not-on-record")}
    await camera.close()


async def test_a_move_that_waits_for_its_lease_when_the_disk_fills_is_not_sent(disk: Disk) -> None:
    driver = ScriptedDriver()
    camera = audited(driver, disk)
    disk.is_slow = True
    move = camera.command(ev.Travel(LURAH, "1")).call
    assert move is not None
    await asyncio.sleep(0.01)
    disk.problem = FULL
    disk.goes_on()
    with pytest.raises(CameraError) as failure:
        await move
    assert failure.value.fault is CameraFault.NOT_ON_RECORD
    assert "goto 1" not in driver.calls
    await camera.close()


async def test_a_camera_that_stands_is_told_nothing_when_the_disk_fills(disk: Disk) -> None:
    driver = ScriptedDriver()
    camera = audited(driver, disk)
    camera.command(ev.Take(LURAH))
    disk.problem = FULL
    camera.record_changed()
    await asyncio.sleep(0.05)
    assert driver.calls == []
    await camera.close()


async def test_what_happens_after_a_camera_moved_is_on_record_in_its_new_area(disk: Disk) -> None:
    camera = audited(ScriptedDriver(), disk)
    camera.command(ev.Take(LURAH))
    camera.set_policy(replace(camera.entry.policy, area="31.74"))
    camera.command(ev.Release(LURAH))
    camera.command(ev.Take(CAMAT))
    camera.command(ev.TakeOver(ev.Source("s3", "p3", "Lain", "official", 10, "s3:ws"), "saya dulu"))
    assert [(entry.action, entry.area) for entry in disk.entries] == [
        (Action.CONTROL_TAKE, "31.71"),
        (Action.CONTROL_RELEASE, "31.74"),
        (Action.CONTROL_TAKE, "31.74"),
        (Action.CONTROL_TAKE_OVER, "31.74"),
    ]
    await camera.close()


async def test_a_refused_take_over_is_on_record_and_a_refused_move_is_not(disk: Disk) -> None:
    driver = ScriptedDriver()
    camera = audited(driver, disk)
    camera.command(ev.Take(LURAH))
    assert camera.command(ev.Move(CAMAT, RIGHT, 1.0)).refusal is ev.Refusal.HELD
    assert camera.command(ev.TakeOver(CAMAT, "saya dulu")).refusal is ev.Refusal.PRIORITY_TOO_LOW
    taken, refused = disk.entries
    assert taken.action is Action.CONTROL_TAKE
    assert (refused.action, refused.outcome.value, refused.reason.text) == (
        Action.CONTROL_TAKE_OVER, "refused", "priority-too-low",
    )  # fmt: skip
    assert refused.details == {"stated": "saya dulu"}
    await camera.close()
