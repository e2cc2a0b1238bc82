"""Checks of the quirks that show when a camera is turned: timeouts, stopping, axes, spaces, status, presets."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import sim_onvif_kit as kit
from tests.support.sim_onvif_kit import Street
from tests.unit.simulators_onvif.quirk_kit import Checks, good, refused

GENERIC = ' space="http://www.onvif.org/ver10/tptz/PanTiltSpaces/VelocityGenericSpace"'
CHECKS = Checks()
quirk = CHECKS.of


async def stopped(street: Street) -> bool:
    street.clock.advance(0.5)
    return not street.moving


async def turning(street: Street) -> None:
    good(await street.move(pan_tilt=(0.2, 0), zoom=0.1))
    street.clock.advance(0.5)


@quirk("ignores-timeout")
async def ignores_timeout(street: Street) -> None:
    good(await street.move(pan_tilt=(0.01, 0), life="PT1S"))
    street.clock.advance(84)
    assert street.moving
    good(await street.ptz("Stop"))
    assert await stopped(street)


@quirk("timeout-rejected")
async def timeout_rejected(street: Street) -> None:
    refused(await street.move(pan_tilt=(0.5, 0), life="PT1S"), "Sender", "InvalidArgVal", "TimeoutNotSupported")
    good(await street.move(pan_tilt=(0.5, 0)))


@quirk("timeout-range-zero")
async def timeout_range_zero(street: Street) -> None:
    token = "<tptz:ConfigurationToken>ptz_config_0</tptz:ConfigurationToken>"
    answer = good(await street.ask(f"<tptz:GetConfigurationOptions>{token}</tptz:GetConfigurationOptions>"))
    timeout = next(answer.xml.iter("{*}PTZTimeout"))
    assert [element.text for element in timeout] == ["PT0S", "PT0S"]
    good(await street.move(pan_tilt=(0.5, 0), life="PT1S"))


@quirk("fractional-timeout-crash")
async def fractional_timeout_crash(street: Street) -> None:
    assert (await street.move(pan_tilt=(0.5, 0), life="PT1.5S")).status == 0
    assert (await street.ptz("GetStatus")).status == 0
    street.clock.advance(5.1)
    good(await street.ptz("GetStatus"))
    good(await street.move(pan_tilt=(0.5, 0), life="PT2S"))


@quirk("stop-unimplemented")
async def stop_unimplemented(street: Street) -> None:
    await turning(street)
    refused(await street.ptz("Stop"), "Receiver", "ActionNotSupported")
    assert not await stopped(street)
    good(await street.move(pan_tilt=(0, 0), zoom=0))
    assert await stopped(street)


@quirk("stop-needs-axes")
async def stop_needs_axes(street: Street) -> None:
    await turning(street)
    good(await street.ptz("Stop"))
    assert not await stopped(street)
    good(await street.ptz("Stop", "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>"))
    assert await stopped(street)


@quirk("stop-refuses-both")
async def stop_refuses_both(street: Street) -> None:
    await turning(street)
    both = "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>"
    refused(await street.ptz("Stop", both), "Receiver", "Action")
    good(await street.ptz("Stop"))
    assert await stopped(street)


@quirk("stop-refuses-addressing")
async def stop_refuses_addressing(street: Street) -> None:
    await turning(street)
    header = kit.token(street.device.wall_s) + "<wsa:Action>http://www.onvif.org/ver20/ptz/wsdl/Stop</wsa:Action>"
    body = "<tptz:Stop><tptz:ProfileToken>profile_main</tptz:ProfileToken></tptz:Stop>"
    refused(await street.ask(body, header=header), "Sender", "WellFormed")
    good(await street.ask(body))
    assert await stopped(street)


BOTH = "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>"
RELATIVE_ZERO = '<tptz:Translation><tt:PanTilt x="0" y="0"/><tt:Zoom x="0"/></tptz:Translation>'


async def goes_on_after_stop(street: Street) -> None:
    await turning(street)
    good(await street.ptz("Stop"))
    assert not await stopped(street)
    good(await street.ptz("Stop", BOTH))
    assert not await stopped(street)


@quirk("stop-per-axis-only")
async def stop_per_axis_only(street: Street) -> None:
    await goes_on_after_stop(street)
    good(await street.move(pan_tilt=(0, 0), zoom=0))
    good(await street.ptz("RelativeMove", RELATIVE_ZERO))
    assert not await stopped(street)
    good(await street.ptz("Stop", "<tptz:PanTilt>true</tptz:PanTilt>"))
    assert not await stopped(street)
    good(await street.ptz("Stop", "<tptz:Zoom>true</tptz:Zoom>"))
    assert await stopped(street)


@quirk("stop-zero-velocity-only")
async def stop_zero_velocity_only(street: Street) -> None:
    await goes_on_after_stop(street)
    good(await street.ptz("Stop", "<tptz:PanTilt>true</tptz:PanTilt>"))
    good(await street.ptz("RelativeMove", RELATIVE_ZERO))
    assert not await stopped(street)
    good(await street.move(pan_tilt=(0, 0), zoom=0))
    assert await stopped(street)


@quirk("stop-relative-zero-only")
async def stop_relative_zero_only(street: Street) -> None:
    await goes_on_after_stop(street)
    good(await street.ptz("Stop", "<tptz:PanTilt>true</tptz:PanTilt>"))
    good(await street.move(pan_tilt=(0, 0), zoom=0))
    assert not await stopped(street)
    good(await street.ptz("RelativeMove", RELATIVE_ZERO))
    assert await stopped(street)


@quirk("zero-velocity-ignored")
async def zero_velocity_ignored(street: Street) -> None:
    await turning(street)
    good(await street.move(pan_tilt=(0, 0), zoom=0))
    assert not await stopped(street)
    good(await street.ptz("Stop"))
    assert await stopped(street)


@quirk("pantilt-zoom-together-refused")
async def pantilt_zoom_together_refused(street: Street) -> None:
    refused(await street.move(pan_tilt=(0.5, 0), zoom=0.1), "Receiver", "Action")
    good(await street.move(pan_tilt=(0.5, 0)))
    good(await street.move(zoom=0.1))


@quirk("no-zoom-element")
async def no_zoom_element(street: Street) -> None:
    refused(await street.move(pan_tilt=(0.5, 0), zoom=0), "Sender", "InvalidArgVal", "SpaceNotSupported")
    assert not good(await street.ptz("GetStatus")).all("Zoom")


@quirk("omitted-axis-stops")
async def omitted_axis_stops(street: Street) -> None:
    await turning(street)
    good(await street.move(zoom=0.1))
    street.clock.advance(0.5)
    assert not street.camera.motors.moving("pan")
    assert street.camera.motors.moving("zoom")


@quirk("reversed")
async def is_reversed(street: Street) -> None:
    good(await street.move(pan_tilt=(0.5, 0.2)))
    street.clock.advance(1)
    assert street.camera.motors.speeds().pan < 0
    assert street.camera.motors.speeds().tilt < 0


@quirk("space-required")
async def space_required(street: Street) -> None:
    refused(await street.move(pan_tilt=(0.5, 0)), "Sender", "InvalidArgVal", "SpaceNotSupported")
    good(await street.move(pan_tilt=(0.5, 0), space=GENERIC))


@quirk("space-refused")
async def space_refused(street: Street) -> None:
    refused(await street.move(pan_tilt=(0.5, 0), space=GENERIC), "Sender", "InvalidArgVal", "SpaceNotSupported")
    good(await street.move(pan_tilt=(0.5, 0)))


@quirk("ranges-of-100")
async def ranges_of_100(street: Street) -> None:
    good(await street.move(pan_tilt=(50, 0)))
    street.clock.advance(0.5)
    assert street.camera.motors.speeds().pan == pytest.approx(50)
    answer = good(await street.ask("<tptz:GetNodes/>"))
    assert set(answer.all("Max")) == {"100"}
    await street.ptz("AbsoluteMove", '<tptz:Position><tt:PanTilt x="50" y="0"/></tptz:Position>')
    street.clock.advance(60)
    assert good(await street.ptz("GetStatus")).attribute("PanTilt", "x") == "50"


@quirk("relative-move-dead")
async def relative_move_dead(street: Street) -> None:
    good(await street.ptz("RelativeMove", '<tptz:Translation><tt:PanTilt x="0.5" y="0"/></tptz:Translation>'))
    assert not street.moving


@quirk("no-nodes")
async def no_nodes(street: Street) -> None:
    refused(await street.ask("<tptz:GetNodes/>"), "Receiver", "ActionNotSupported")
    refused(await street.ask("<tptz:GetConfigurationOptions/>"), "Receiver", "ActionNotSupported")
    good(await street.ask("<tptz:GetConfigurations/>"))


@quirk("status-without-position")
async def status_without_position(street: Street) -> None:
    answer = good(await street.ptz("GetStatus"))
    assert not answer.all("Position")
    assert answer.all("MoveStatus")


@quirk("status-without-zoom")
async def status_without_zoom(street: Street) -> None:
    assert not good(await street.ptz("GetStatus")).all("Zoom")
    good(await street.move(zoom=0.1))


@quirk("movestatus-stuck")
async def movestatus_stuck(street: Street) -> None:
    answer = good(await street.ptz("GetStatus"))
    assert [element.text for element in answer.xml.iterfind(".//{*}MoveStatus/{*}*")] == ["MOVING", "MOVING"]


@quirk("movestatus-bare")
async def movestatus_bare(street: Street) -> None:
    assert good(await street.ptz("GetStatus")).one("MoveStatus") == "IDLE"


@quirk("status-slow")
async def status_slow(street: Street) -> None:
    task = asyncio.create_task(street.ptz("GetStatus"))
    done, _ = await asyncio.wait([task], timeout=0.05)
    task.cancel()
    assert not done


@quirk("presets-without-token")
async def presets_without_token(street: Street) -> None:
    answer = good(await street.ptz("GetPresets"))
    assert answer.all("Name") == ["Simpang", "Halte", "Monas"]
    assert answer.attribute("Preset", "token") is None


@quirk("presets-of-255")
async def presets_of_255(street: Street) -> None:
    answer = good(await street.ptz("GetPresets"))
    tokens = [element.get("token") for element in answer.xml.iter("{*}Preset")]
    assert len(tokens) == len(set(tokens)) == 255
    assert answer.all("Name")[:4] == ["Simpang", "Halte", "Monas", ""]


@quirk("setpreset-token-refused")
async def setpreset_token_refused(street: Street) -> None:
    given = "<tptz:PresetName>A</tptz:PresetName><tptz:PresetToken>1</tptz:PresetToken>"
    refused(await street.ptz("SetPreset", given), "Sender", "InvalidArgVal", "NoToken")
    good(await street.ptz("SetPreset", "<tptz:PresetName>A</tptz:PresetName>"))


@quirk("gotopreset-speed-refused")
async def gotopreset_speed_refused(street: Street) -> None:
    token = "<tptz:PresetToken>2</tptz:PresetToken>"
    speed = '<tptz:Speed><tt:PanTilt x="1" y="1"/></tptz:Speed>'
    refused(await street.ptz("GotoPreset", token + speed), "Sender", "InvalidArgVal", "SpaceNotSupported")
    assert not street.moving
    good(await street.ptz("GotoPreset", token))
