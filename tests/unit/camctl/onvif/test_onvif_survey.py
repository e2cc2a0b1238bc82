"""Finding out what a camera is, from recorded replies and what real cameras make of them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from camctl.egress import EgressPolicy
from camctl.onvif import quirks
from camctl.onvif.budget import Budget
from camctl.onvif.documents import Service
from camctl.onvif.survey import Survey, Surveyor
from camctl.onvif.values import Range, TimeoutLimits
from camctl.ptz.model import PtzAbilities
from camctl.ptz.ports import CameraError, CameraFault
from tests.unit.camctl.onvif.onvif_kit import REACHED, Asked, RecordedCamera, raw, recorded, reply

POLICY = EgressPolicy((ip_network("192.0.2.0/24"),))
ALL = PtzAbilities(
    pan_tilt=True, zoom=True, absolute=True, relative=True, home=True, presets=True, status_position=True
)
REFUSED = "fault-not-supported"


def survey(camera: RecordedCamera, quirk: quirks.Quirk | None = None, policy: EgressPolicy = POLICY) -> Survey:
    return Surveyor(camera.client(), policy, REACHED, quirk, Budget(30)).survey()


def without(name: str, *pairs: tuple[bytes, bytes]) -> Any:
    """A recording with some of its text replaced; every replacement must hit."""
    body = recorded(name)
    for old, new in pairs:
        assert old in body
        body = body.replace(old, new)
    return raw(body)


def error_of(camera: RecordedCamera) -> CameraError:
    with pytest.raises(CameraError) as caught:
        survey(camera)
    return caught.value


def test_a_good_camera() -> None:
    camera = RecordedCamera()
    found = survey(camera)
    facts = found.facts
    assert (facts.manufacturer, facts.model, facts.firmware) == ("Acme", "Dome 20x", "2.800.0000.12.R")
    assert facts.abilities == ALL
    # The camera says 192.168.1.108: the host is the one that was reached, the RTSP port the returned one.
    assert facts.streams.main == "rtsp://192.0.2.7:5540/cam/realmonitor?channel=1&subtype=0"
    assert facts.streams.sub is not None
    assert found.video_profiles == ("Profile000", "Profile001")
    assert found.quirk is quirks.DEFAULT
    assert found.steering is not None
    assert found.steering.profile_token == "Profile000"
    assert found.steering.timeout == TimeoutLimits(1, 59)
    assert found.targets[Service.PTZ].url == "http://192.0.2.7:8000/onvif/ptz_service"
    assert {asked.port for asked in camera.asked} == {8000}
    assert "GetCapabilities" not in camera.operations


def test_the_larger_jpeg_profile_is_not_the_main_one() -> None:
    found = survey(RecordedCamera())
    assert found.facts.streams.main
    asked = [each.one("ProfileToken").text for each in _asked(RecordedCamera(), "GetStreamUri")]
    assert asked == ["Profile000", "Profile001"]


def _asked(camera: RecordedCamera, operation: str) -> list[Asked]:
    survey(camera)
    return [each for each in camera.asked if each.operation == operation]


def test_one_profile_means_no_sub_stream() -> None:
    body = recorded("GetProfiles")
    start = body.index(b'<trt:Profiles token="Profile001"')
    only = body[:start] + body[body.index(b"</trt:GetProfilesResponse>") :]
    assert survey(RecordedCamera({"GetProfiles": raw(only)})).facts.streams.sub is None


def test_a_camera_with_only_h265_still_gives_its_stream() -> None:
    camera = RecordedCamera({"GetProfiles": without("GetProfiles", (b">H264<", b">H265<"), (b">JPEG<", b">H265<"))})
    found = survey(camera)
    assert found.video_profiles[0] == "Profile002"
    assert found.steering is not None
    assert found.steering.profile_token == "Profile000"  # the largest one with PTZ


def test_a_failing_sub_stream_is_no_reason_to_give_up() -> None:
    camera = RecordedCamera({"GetStreamUri": [reply("GetStreamUri"), reply("fault-space", 500)]})
    assert survey(camera).facts.streams.sub is None


@pytest.mark.parametrize("failure", [REFUSED, "fault-moving"])
def test_without_get_services_the_capabilities_are_asked(failure: str) -> None:
    camera = RecordedCamera({"GetServices": reply(failure, 500)})
    assert survey(camera).facts.abilities == ALL
    assert "GetCapabilities" in camera.operations


def test_ptz_missing_in_get_services_is_found_in_the_capabilities() -> None:
    camera = RecordedCamera({"GetServices": without("GetServices", (b"ver20/ptz/wsdl", b"ver20/other/wsdl"))})
    assert survey(camera).facts.abilities == ALL


def test_ptz_missing_in_the_capabilities_is_found_in_get_services() -> None:
    camera = RecordedCamera({"GetCapabilities": without("GetCapabilities", (b"tt:PTZ", b"tt:Other"))})
    assert survey(camera).facts.abilities == ALL


def test_no_ptz_anywhere_is_view_only() -> None:
    camera = RecordedCamera(
        {
            "GetServices": without("GetServices", (b"ver20/ptz/wsdl", b"ver20/other/wsdl")),
            "GetCapabilities": without("GetCapabilities", (b"tt:PTZ>", b"tt:Other>")),
        }
    )
    found = survey(camera)
    assert found.facts.abilities == PtzAbilities()
    assert found.steering is None
    assert found.facts.streams.main


NO_PTZ_PROFILE = ((b"tt:PTZConfiguration", b"tt:Nothing"),)


def test_no_profile_has_ptz_but_the_camera_answers() -> None:
    found = survey(RecordedCamera({"GetProfiles": without("GetProfiles", *NO_PTZ_PROFILE)}))
    assert found.facts.abilities == ALL
    assert found.steering is not None
    assert found.steering.profile_token == "Profile000"


def test_no_profile_has_ptz_and_the_camera_refuses() -> None:
    camera = RecordedCamera(
        {"GetProfiles": without("GetProfiles", *NO_PTZ_PROFILE), "GetStatus": reply("fault-space", 400)}
    )
    found = survey(camera)
    assert found.steering is None
    assert not found.facts.abilities.can_steer


def test_spaces_come_from_the_options_when_there_are_no_nodes() -> None:
    found = survey(RecordedCamera({"GetNodes": reply(REFUSED, 500)}))
    assert found.facts.abilities.pan_tilt
    assert found.facts.abilities.zoom
    assert not found.facts.abilities.home  # nothing said so


def test_spaces_come_from_the_profile_when_nothing_else_tells_them() -> None:
    camera = RecordedCamera({"GetNodes": reply(REFUSED, 500), "GetConfigurationOptions": reply(REFUSED, 500)})
    abilities = survey(camera).facts.abilities
    assert abilities.pan_tilt
    assert not abilities.zoom  # the recorded configuration has a default for pan and tilt alone
    silent = without(
        "GetProfiles", (b"DefaultContinuousPanTiltVelocitySpace", b"Nothing"), (b"DefaultPTZTimeout", b"Nothing2")
    )
    camera.script["GetProfiles"] = silent
    assert survey(camera).facts.abilities.pan_tilt


def test_ranges_that_are_not_generic_are_scaled_to() -> None:
    options = [(b"<tt:Min>-1</tt:Min><tt:Max>1</tt:Max>", b"<tt:Min>-100</tt:Min><tt:Max>100</tt:Max>")]
    steering = survey(RecordedCamera({"GetNodes": without("GetNodes", *options)})).steering
    assert steering is not None
    assert steering.spaces.velocity_pan_tilt is not None
    assert steering.spaces.velocity_pan_tilt.x == Range(-100, 100)


@pytest.mark.parametrize("pair", [(b"0", b"0"), (b"5", b"-5"), (b"NaN", b"NaN"), (b"junk", b"")])
def test_ranges_that_make_no_sense_are_taken_for_generic(pair: tuple[bytes, bytes]) -> None:
    low, high = pair
    broken = b"<tt:Min>" + low + b"</tt:Min><tt:Max>" + high + b"</tt:Max>"
    nodes = without("GetNodes", (b"<tt:Min>-1</tt:Min><tt:Max>1</tt:Max>", broken))
    steering = survey(RecordedCamera({"GetNodes": nodes})).steering
    assert steering is not None
    assert steering.spaces.velocity_pan_tilt is not None
    assert steering.spaces.velocity_pan_tilt.x == Range(-1, 1)


@pytest.mark.parametrize(
    ("low", "high", "limits"),
    [
        (b"PT0S", b"PT0S", TimeoutLimits(0, 0)),
        (b"PT5S", b"PT30S", TimeoutLimits(5, 30)),
        (b"PT0.2S", b"PT1.5S", TimeoutLimits(1, 1)),
        (b"PT10S", b"PT1S", TimeoutLimits()),
        (b"whenever", b"PT10S", TimeoutLimits()),
    ],
)
def test_timeout_ranges(low: bytes, high: bytes, limits: TimeoutLimits) -> None:
    options = without("GetConfigurationOptions", (b">PT1S<", b">" + low + b"<"), (b">PT10M<", b">" + high + b"<"))
    steering = survey(RecordedCamera({"GetConfigurationOptions": options})).steering
    assert steering is not None
    assert steering.timeout == limits


@pytest.mark.parametrize("failure", [CameraFault.TIMEOUT, CameraFault.PROTOCOL, CameraFault.REFUSED])
def test_a_status_that_fails_leaves_the_camera_steerable(failure: CameraFault) -> None:
    abilities = survey(RecordedCamera({"GetStatus": CameraError(failure, "x")})).facts.abilities
    assert abilities.pan_tilt
    assert not abilities.status_position


def test_a_status_without_a_position() -> None:
    body = recorded("GetStatus")
    bare = body[: body.index(b"<tt:Position>")] + body[body.index(b"<tt:MoveStatus>") :]
    assert not survey(RecordedCamera({"GetStatus": raw(bare)})).facts.abilities.status_position


def test_presets_that_fail_are_not_offered() -> None:
    assert not survey(RecordedCamera({"GetPresets": reply(REFUSED, 500)})).facts.abilities.presets


def test_a_quirk_takes_the_zoom_away() -> None:
    found = survey(RecordedCamera(), quirks.named("no-zoom-element"))
    assert not found.facts.abilities.zoom
    assert found.steering is not None
    assert not found.steering.has_zoom


def test_the_quirk_is_found_by_what_the_camera_says() -> None:
    info = without("GetDeviceInformation", (b"Acme", b"ONVIF_ICAMERA"), (b"Dome 20x", b"JM800S5_AF"))
    assert survey(RecordedCamera({"GetDeviceInformation": info})).quirk.name == "jm800s5-ignores-timeout"


def test_a_wrong_port_in_an_xaddr_is_mended_after_trying_it() -> None:
    def only_8000(asked: Asked) -> Any:
        return reply(asked.operation) if asked.port == 8000 else CameraError(CameraFault.UNREACHABLE, "refused")

    services = without("GetServices", (b"192.168.1.108/", b"192.0.2.7:81/"))
    camera = RecordedCamera({"GetServices": services, "GetProfiles": only_8000, "GetNodes": only_8000})
    found = survey(camera)
    assert found.facts.abilities == ALL
    assert found.targets[Service.PTZ].port == 8000
    assert [asked.port for asked in camera.asked if asked.operation == "GetProfiles"] == [81, 8000]


def test_another_port_that_answers_is_kept() -> None:
    services = without("GetServices", (b"192.168.1.108/", b"192.0.2.7:81/"))
    assert survey(RecordedCamera({"GetServices": services})).targets[Service.PTZ].port == 81


def test_the_guard_has_the_last_word_on_what_the_camera_gives() -> None:
    with pytest.raises(CameraError) as caught:
        survey(RecordedCamera(), policy=EgressPolicy())
    assert caught.value.fault is CameraFault.PROTOCOL
    assert "not allowed" in caught.value.detail


@pytest.mark.parametrize(
    ("operation", "body", "words"),
    [
        ("GetProfiles", b"<trt:GetProfilesResponse/>", "no media profile"),
        ("GetStreamUri", b"<trt:GetStreamUriResponse/>", "has no address"),
        ("GetStreamUri", b"<trt:GetStreamUriResponse><trt:MediaUri/></trt:GetStreamUriResponse>", "has no address"),
    ],
)
def test_replies_of_nothing_but_none(operation: str, body: bytes, words: str) -> None:
    whole = recorded(operation)
    start, end = whole.index(b"<SOAP-ENV:Body>") + 15, whole.index(b"</SOAP-ENV:Body>")
    error = error_of(RecordedCamera({operation: raw(whole[:start] + body + whole[end:])}))
    assert error.fault is CameraFault.PROTOCOL
    assert words in error.detail


def test_no_media_service_at_all() -> None:
    camera = RecordedCamera({"GetServices": reply(REFUSED, 500), "GetCapabilities": reply(REFUSED, 500)})
    assert "media service" in error_of(camera).detail


def test_the_first_refusal_of_the_account_ends_the_survey() -> None:
    camera = RecordedCamera({"GetDeviceInformation": reply("fault-not-authorized", 400)})
    assert error_of(camera).fault is CameraFault.BAD_CREDENTIALS
    assert camera.operations == ["GetSystemDateAndTime", "GetDeviceInformation"]
