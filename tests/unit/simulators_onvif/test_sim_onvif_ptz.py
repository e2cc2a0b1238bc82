"""The rules of the PTZ specification, with a clock that the test moves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sim_onvif_kit import Street

GENERIC = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/VelocityGenericSpace"
FOV = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/TranslationSpaceFov"


def speeds(street: Street) -> tuple[float, float, float]:
    return tuple(street.camera.motors.speeds().__getattribute__(axis) for axis in ("pan", "tilt", "zoom"))


async def started(street: Street, **axes: Any) -> None:
    answer = await street.move(**axes)
    assert answer.status == 200, answer.body
    assert answer.all("ContinuousMoveResponse")
    street.clock.advance(0.5)


async def test_a_move_answers_at_once_and_ends_by_its_timeout() -> None:
    street = Street()
    await started(street, pan_tilt=(0.5, 0), life="PT2S")
    assert speeds(street) == (pytest.approx(50), 0, 0)
    street.clock.advance(2.0)
    assert not street.moving
    assert [event.kind for event in street.camera.motor_log] == ["move", "timeout", "standstill"]


async def test_without_timeout_the_default_holds() -> None:
    street = Street(ptz_timeout_range_s=(1, 5), max_pan_deg_per_s=10)
    await started(street, pan_tilt=(0.5, 0))
    street.clock.advance(4.4)
    assert street.moving
    street.clock.advance(0.5)
    assert not street.moving


async def test_the_last_move_wins() -> None:
    street = Street()
    await started(street, pan_tilt=(0.5, 0))
    await started(street, pan_tilt=(-0.2, 0.1))
    assert speeds(street)[:2] == (pytest.approx(-20), pytest.approx(6))


async def test_an_omitted_axis_goes_on_and_zero_stops_it() -> None:
    street = Street()
    await started(street, pan_tilt=(0.5, 0), zoom=0.2)
    await started(street, zoom=0)
    assert speeds(street)[0] == pytest.approx(50)
    assert speeds(street)[2] == 0
    await started(street, pan_tilt=(0, 0))
    assert not street.moving


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ("", set()),
        ("<tptz:PanTilt>true</tptz:PanTilt>", {"zoom"}),
        ("<tptz:Zoom>true</tptz:Zoom>", {"pan"}),
        ("<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>", set()),
        ("<tptz:PanTilt>false</tptz:PanTilt><tptz:Zoom>1</tptz:Zoom>", {"pan"}),
        ("<tptz:PanTilt>false</tptz:PanTilt><tptz:Zoom>false</tptz:Zoom>", {"pan", "zoom"}),
    ],
)
async def test_stop_stops_what_it_names_and_all_when_it_names_nothing(filters: str, left: set[str]) -> None:
    street = Street()
    await started(street, pan_tilt=(0.5, 0), zoom=0.1)
    assert (await street.ptz("Stop", filters)).status == 200
    street.clock.advance(0.5)
    assert {axis for axis in ("pan", "zoom") if street.camera.motors.moving(axis)} == left


@pytest.mark.parametrize(
    ("pan_tilt", "zoom", "codes"),
    [
        ((1.01, 0), None, ["Sender", "InvalidArgVal", "InvalidVelocity"]),
        ((0, -2), None, ["Sender", "InvalidArgVal", "InvalidVelocity"]),
        (None, 5, ["Sender", "InvalidArgVal", "InvalidVelocity"]),
        (("NaN", 0), None, ["Sender", "InvalidArgVal"]),
        (("INF", 0), None, ["Sender", "InvalidArgVal"]),
        (("fast", 0), None, ["Sender", "InvalidArgVal"]),
        (("", 0), None, ["Sender", "InvalidArgVal"]),
        (None, None, ["Sender", "InvalidArgs"]),
    ],
)
async def test_a_bad_velocity_is_refused_and_moves_nothing(pan_tilt: Any, zoom: Any, codes: list[str]) -> None:
    street = Street()
    answer = await street.move(pan_tilt=pan_tilt, zoom=zoom)
    assert answer.fault == codes
    assert answer.status == 400
    assert not street.camera.motor_log


@pytest.mark.parametrize(
    ("life", "codes"),
    [
        ("PT0S", ["TimeoutNotSupported"]),
        ("-PT1S", ["TimeoutNotSupported"]),
        ("PT61S", ["TimeoutNotSupported"]),
        ("PT0.5S", ["TimeoutNotSupported"]),
        ("1", []),
        ("", []),
    ],
)
async def test_a_timeout_out_of_range_is_refused(life: str, codes: list[str]) -> None:
    street = Street()
    answer = await street.move(pan_tilt=(0.5, 0), life=life)
    assert answer.fault == ["Sender", "InvalidArgVal", *codes]
    assert not street.moving


async def test_spaces_are_checked() -> None:
    street = Street()
    assert (await street.move(pan_tilt=(0.5, 0), space=f' space="{GENERIC}"')).status == 200
    answer = await street.move(pan_tilt=(0.5, 0), space=f' space="{FOV}"')
    assert answer.fault == ["Sender", "InvalidArgVal", "SpaceNotSupported"]


async def test_a_lens_without_zoom_refuses_zoom_and_reports_none() -> None:
    street = Street(zoom_range=(1, 1), presets=[], home={"name": "Home"})
    assert (await street.move(zoom=0.5)).fault == ["Sender", "InvalidArgVal", "SpaceNotSupported"]
    assert not (await street.ptz("GetStatus")).all("Zoom")
    assert not (await street.ask("<tptz:GetNodes/>")).all("ContinuousZoomVelocitySpace")


async def test_an_unknown_or_missing_profile_is_a_fault() -> None:
    street = Street()
    for operation in ("GetStatus", "Stop", "GetPresets", "GotoHomePosition"):
        assert (await street.ptz(operation, profile="x")).fault == ["Sender", "InvalidArgVal", "NoProfile"]
    assert (await street.ask("<tptz:Stop/>")).fault == ["Sender", "InvalidArgs"]


async def test_absolute_and_relative_moves_arrive() -> None:
    street = Street(max_pan_deg_per_s=1000, max_tilt_deg_per_s=1000)
    await street.ptz("AbsoluteMove", '<tptz:Position><tt:PanTilt x="0.5" y="1"/><tt:Zoom x="1"/></tptz:Position>')
    assert street.moving
    street.clock.advance(10)
    status = await street.ptz("GetStatus")
    assert (status.attribute("PanTilt", "x"), status.attribute("PanTilt", "y")) == ("0.5", "1")
    assert status.attribute("Zoom", "x") == "1"
    await street.ptz("RelativeMove", '<tptz:Translation><tt:PanTilt x="-0.25" y="0"/></tptz:Translation>')
    street.clock.advance(10)
    assert (await street.ptz("GetStatus")).attribute("PanTilt", "x") == "0.25"


async def test_a_move_in_the_picture_goes_half_a_picture_for_one() -> None:
    street = Street()
    await street.ptz("RelativeMove", f'<tptz:Translation><tt:PanTilt x="1" y="0" space="{FOV}"/></tptz:Translation>')
    street.clock.advance(10)
    assert street.pan_deg == pytest.approx(31.0, abs=0.1)


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("AbsoluteMove", '<tptz:Position><tt:PanTilt x="2" y="0"/></tptz:Position>', "InvalidPosition"),
        ("AbsoluteMove", '<tptz:Position><tt:Zoom x="-0.1"/></tptz:Position>', "InvalidPosition"),
        ("RelativeMove", '<tptz:Translation><tt:PanTilt x="2" y="0"/></tptz:Translation>', "InvalidTranslation"),
        (
            "AbsoluteMove",
            '<tptz:Position><tt:Zoom x="0"/></tptz:Position><tptz:Speed><tt:Zoom x="-1"/></tptz:Speed>',
            "InvalidSpeed",
        ),
        ("GotoPreset", "<tptz:PresetToken>99</tptz:PresetToken>", "NoToken"),
        ("RemovePreset", "<tptz:PresetToken>99</tptz:PresetToken>", "NoToken"),
        ("SetPreset", "<tptz:PresetToken>99</tptz:PresetToken>", "NoToken"),
        ("SetPreset", "<tptz:PresetName>Halte</tptz:PresetName>", "PresetExist"),
    ],
)
async def test_what_is_not_there_or_out_of_range_is_a_fault(operation: str, arguments: str, code: str) -> None:
    street = Street()
    assert (await street.ptz(operation, arguments)).fault == ["Sender", "InvalidArgVal", code]
    assert not street.camera.motor_log


async def test_presets_are_stored_recalled_overwritten_and_forgotten() -> None:
    street = Street()
    await started(street, pan_tilt=(0.5, 0), life="PT1S")
    moving = await street.ptz("SetPreset", "<tptz:PresetName>Pintu</tptz:PresetName>")
    assert moving.fault == ["Receiver", "Action", "MovingPTZ"]
    street.clock.advance(2)
    there = street.pan_deg
    token = (await street.ptz("SetPreset", "<tptz:PresetName>Pintu &lt;3&gt;</tptz:PresetName>")).one("PresetToken")
    listed = await street.ptz("GetPresets")
    assert listed.all("Name") == ["Simpang", "Halte", "Monas", "Pintu <3>"]
    await street.ptz("GotoHomePosition")
    street.clock.advance(10)
    assert street.pan_deg == pytest.approx(0)
    await street.ptz("GotoPreset", f"<tptz:PresetToken>{token}</tptz:PresetToken>")
    street.clock.advance(10)
    assert street.pan_deg == pytest.approx(there)
    assert (await street.ptz("RemovePreset", f"<tptz:PresetToken>{token}</tptz:PresetToken>")).status == 200
    assert token not in street.camera.presets


async def test_home_may_be_set() -> None:
    street = Street()
    await started(street, pan_tilt=(1, 0), life="PT1S")
    street.clock.advance(2)
    there = street.pan_deg
    await street.ptz("SetHomePosition")
    await started(street, pan_tilt=(-1, 0), life="PT1S")
    await street.ptz("GotoHomePosition")
    street.clock.advance(10)
    assert street.pan_deg == pytest.approx(there)


async def test_status_says_what_moves() -> None:
    street = Street()
    await started(street, pan_tilt=(0.5, 0))
    status = await street.ptz("GetStatus")
    assert [element.text for element in status.xml.iterfind(".//{*}MoveStatus/{*}*")] == ["MOVING", "IDLE"]
    assert float(status.attribute("PanTilt", "x") or "0") > 0


async def test_auxiliary_commands_reach_the_camera() -> None:
    street = Street()
    answer = await street.ptz("SendAuxiliaryCommand", "<tptz:AuxiliaryData>tt:Wiper|On</tptz:AuxiliaryData>")
    assert answer.one("AuxiliaryResponse") == "tt:Wiper|On"
    assert street.camera.aux["wiper"] == "on"
    for bad in ("tt:Wiper|Auto", "tt:Horn|On", ""):
        refused = await street.ptz("SendAuxiliaryCommand", f"<tptz:AuxiliaryData>{bad}</tptz:AuxiliaryData>")
        assert refused.fault == ["Sender", "InvalidArgVal"]


async def test_an_operation_that_is_not_there_says_so() -> None:
    street = Street()
    answer = await street.ptz("GetPresetTours")
    assert answer.fault == ["Receiver", "ActionNotSupported"]
    assert answer.status == 500
    elsewhere = await street.ask('<x:Stop xmlns:x="urn:nobody"/>')
    assert elsewhere.fault == ["Receiver", "ActionNotSupported"]
