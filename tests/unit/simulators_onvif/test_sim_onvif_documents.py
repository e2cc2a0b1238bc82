"""Every operation answers, and every answer is read by zeep, strictly, with the WSDLs that onvif-zeep brings."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Any

import onvif
import pytest
import zeep

from simulators.onvif.device_service import SERVICES
from simulators.onvif.events import NOTIFICATION
from simulators.onvif.tokens import PTZ_CONFIGURATION, PTZ_NODE, SOURCE_CONFIGURATION, VIDEO_SOURCE
from tests.support.sim_onvif_kit import Answer, Street

WSDL = Path(onvif.__file__).parent.parent / "wsdl"
FILES = {"tds": "devicemgmt", "trt": "media", "tptz": "ptz", "timg": "imaging", "tev": "events"}
PROFILE = {"ProfileToken": "profile_main"}
SOURCE = {"VideoSourceToken": VIDEO_SOURCE}
SPEED = '<tt:PanTilt x="0.5" y="0.5"/><tt:Zoom x="0.5"/>'
CONFIGURATION = {"ConfigurationToken": "encoder_sub"}
SOURCE_CONFIG = {"ConfigurationToken": SOURCE_CONFIGURATION}
ARGUMENTS: dict[tuple[str, str], dict[str, str]] = {
    ("tds", "GetServices"): {"IncludeCapability": "true"},
    ("tds", "SetHostname"): {"Name": "gate-3"},
    ("tds", "SetSystemDateAndTime"): {"DateTimeType": "Manual", "DaylightSavings": "false"},
    ("trt", "GetProfile"): PROFILE,
    ("trt", "GetCompatibleVideoSourceConfigurations"): PROFILE,
    ("trt", "GetCompatibleVideoEncoderConfigurations"): PROFILE,
    ("trt", "GetVideoSourceConfiguration"): SOURCE_CONFIG,
    ("trt", "GetVideoEncoderConfiguration"): CONFIGURATION,
    ("trt", "GetGuaranteedNumberOfVideoEncoderInstances"): SOURCE_CONFIG,
    ("trt", "GetStreamUri"): PROFILE,
    ("trt", "GetSnapshotUri"): PROFILE,
    ("trt", "SetSynchronizationPoint"): PROFILE,
    ("tptz", "GetNode"): {"NodeToken": PTZ_NODE},
    ("tptz", "GetConfiguration"): {"PTZConfigurationToken": PTZ_CONFIGURATION},
    ("tptz", "GetConfigurationOptions"): {"ConfigurationToken": PTZ_CONFIGURATION},
    ("tptz", "ContinuousMove"): {**PROFILE, "Velocity": SPEED, "Timeout": "PT1S"},
    ("tptz", "AbsoluteMove"): {**PROFILE, "Position": SPEED, "Speed": SPEED},
    ("tptz", "RelativeMove"): {**PROFILE, "Translation": SPEED},
    ("tptz", "GotoPreset"): {**PROFILE, "PresetToken": "1"},
    ("tptz", "RemovePreset"): {**PROFILE, "PresetToken": "2"},
    ("tptz", "SendAuxiliaryCommand"): {**PROFILE, "AuxiliaryData": "tt:Wiper|On"},
    ("timg", "SetImagingSettings"): {**SOURCE, "ImagingSettings": "<tt:Brightness>60</tt:Brightness>"},
    ("timg", "Move"): {**SOURCE, "Focus": "<tt:Absolute><tt:Position>0.4</tt:Position></tt:Absolute>"},
}
OPERATIONS = list(itertools.chain.from_iterable(((s.prefix, name) for name in s.operations) for s in SERVICES))
ON_SUBSCRIPTIONS = {("tev", "PullMessages"), ("tev", "SetSynchronizationPoint")}


@functools.cache
def document(prefix: str) -> zeep.wsdl.Document:
    return zeep.wsdl.Document(str(WSDL / f"{FILES[prefix]}.wsdl"), zeep.Transport())


def read(prefix: str, operation: str, answer: Answer) -> Any:
    """What zeep makes of an answer."""
    for binding in document(prefix).bindings.values():
        if operation in binding._operations:
            settings = zeep.Settings(strict=True)
            client = type("Client", (), {"settings": settings, "plugins": [], "wsdl": document(prefix), "wsse": None})()
            response = type(
                "R", (), {"status_code": answer.status, "content": answer.body, "headers": {}, "encoding": None}
            )
            return binding.process_reply(client, binding.get(operation), response())
    raise AssertionError(f"{operation} is in no binding")


def arguments(prefix: str, name: str) -> str:
    default = {"tptz": PROFILE, "timg": SOURCE}.get(prefix, {}) if not name.endswith("s") else {}
    if prefix == "timg" and name != "GetServiceCapabilities":
        default = SOURCE
    if prefix == "tptz" and name in ("GetStatus", "GetPresets", "GetCompatibleConfigurations"):
        default = PROFILE
    given = ARGUMENTS.get((prefix, name), default)
    return "".join(f"<{prefix}:{key}>{value}</{prefix}:{key}>" for key, value in given.items())


@pytest.mark.parametrize(("prefix", "name"), [each for each in OPERATIONS if each not in ON_SUBSCRIPTIONS])
async def test_the_answer_is_what_the_wsdl_says(prefix: str, name: str) -> None:
    street = Street()
    answer = await street.ask(f"<{prefix}:{name}>{arguments(prefix, name)}</{prefix}:{name}>")
    assert answer.status == 200, answer.body
    read(prefix, name, answer)


async def test_subscriptions_answer_as_the_wsdl_says() -> None:
    street = Street()
    created = await street.ask("<tev:CreatePullPointSubscription/>")
    path = "/onvif/subscription/" + created.one("Address").rpartition("/")[2]
    pull = "<tev:PullMessages><tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit></tev:PullMessages>"
    for name, body in {
        "PullMessages": pull,
        "SetSynchronizationPoint": "<tev:SetSynchronizationPoint/>",
    }.items():
        read("tev", name, await street.ask(body, path=path))
    for name, inner in {"Renew": "<wsnt:TerminationTime>PT30S</wsnt:TerminationTime>", "Unsubscribe": ""}.items():
        answer = await street.ask(f"<wsnt:{name}>{inner}</wsnt:{name}>", path=path)
        assert answer.status == 200
        read("tev", name, answer)
    assert set(NOTIFICATION.operations) == {"Renew", "Unsubscribe"}


async def test_what_zeep_reads_is_what_the_camera_is() -> None:
    street = Street(name="Monas & <Co>", h264_profile="main")
    profiles = read("trt", "GetProfiles", await street.ask("<trt:GetProfiles/>"))
    assert [profile.token for profile in profiles] == ["profile_main", "profile_sub"]
    encoder = profiles[1].VideoEncoderConfiguration
    assert (encoder.Resolution.Width, encoder.Resolution.Height, encoder.RateControl.FrameRateLimit) == (640, 360, 15)
    assert (encoder.H264.GovLength, encoder.H264.H264Profile) == (60, "Main")
    assert profiles[0].PTZConfiguration.DefaultPTZTimeout.total_seconds() == 10
    nodes = read("tptz", "GetNodes", await street.ask("<tptz:GetNodes/>"))
    assert nodes[0].SupportedPTZSpaces.ContinuousPanTiltVelocitySpace[0].XRange.Min == -1
    status = read("tptz", "GetStatus", await street.ptz("GetStatus"))
    assert status.MoveStatus.PanTilt == "IDLE"
    assert status.Position.PanTilt.x == pytest.approx(0.0)
    services = read(
        "tds",
        "GetServices",
        await street.ask("<tds:GetServices><tds:IncludeCapability>1</tds:IncludeCapability></tds:GetServices>"),
    )
    assert {each.XAddr for each in services} == {f"http://127.0.0.1:8081{service.path}" for service in SERVICES}


async def test_a_camera_that_does_not_turn_has_no_ptz_service() -> None:
    street = Street(steerable=False)
    services = read(
        "tds",
        "GetServices",
        await street.ask("<tds:GetServices><tds:IncludeCapability>0</tds:IncludeCapability></tds:GetServices>"),
    )
    assert "http://www.onvif.org/ver20/ptz/wsdl" not in [each.Namespace for each in services]
    assert read("tds", "GetCapabilities", await street.ask("<tds:GetCapabilities/>")).PTZ is None
    assert read("trt", "GetProfiles", await street.ask("<trt:GetProfiles/>"))[0].PTZConfiguration is None
    refused = await street.move(pan_tilt=(1, 0))
    assert refused.fault == ["Receiver", "ActionNotSupported"]
    assert not street.moving
