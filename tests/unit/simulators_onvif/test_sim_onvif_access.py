"""Who may call what, how refusals look, and the services beside PTZ."""

from __future__ import annotations

import pytest

from simulators.onvif.auth import Access
from simulators.onvif.device_service import SERVICES
from simulators.onvif.tokens import VIDEO_SOURCE
from streams.rtsp.auth import ClientAuth
from tests.support import sim_onvif_kit as kit
from tests.support.sim_onvif_kit import Street

PRE_AUTH = [
    (service.prefix, name)
    for service in SERVICES
    for name, operation in service.operations.items()
    if operation.access is Access.PRE_AUTH
]


def test_what_opens_without_a_password_is_exactly_this() -> None:
    assert {name for _, name in PRE_AUTH} == {
        "GetServices",
        "GetServiceCapabilities",
        "GetCapabilities",
        "GetSystemDateAndTime",
        "GetHostname",
        "GetEndpointReference",
        "GetWsdlUrl",
    }


@pytest.mark.parametrize(
    ("prefix", "name"),
    [(s.prefix, name) for s in SERVICES for name in s.operations if (s.prefix, name) not in PRE_AUTH],
)
async def test_everything_else_is_challenged(prefix: str, name: str) -> None:
    answer = await Street().ask(f"<{prefix}:{name}/>", header="")
    assert answer.status == 401
    assert answer.fault == ["Sender", "NotAuthorized"]
    assert len(answer.challenges()) == 2


async def test_a_bad_token_is_a_fault_with_400_and_nothing_moves() -> None:
    street = Street()
    profile = "<tptz:ProfileToken>profile_main</tptz:ProfileToken>"
    velocity = '<tptz:Velocity><tt:Zoom x="1"/></tptz:Velocity>'
    body = f"<tptz:ContinuousMove>{profile}{velocity}</tptz:ContinuousMove>"
    for header in (
        kit.token(street.device.wall_s, password="x"),
        kit.token(street.device.wall_s - 61),
    ):
        answer = await street.ask(body, header=header)
        assert (answer.status, answer.fault) == (400, ["Sender", "NotAuthorized"])
    assert not street.moving


async def test_http_digest_works_as_well() -> None:
    street = Street()
    client = ClientAuth(kit.USERNAME, kit.PASSWORD)
    body = kit.envelope("<tds:GetDeviceInformation/>")
    client.challenge((await kit.request(street.app, body=body)).challenges())
    header = {"authorization": client.answer("POST", "/onvif/device_service") or ""}
    answer = await kit.request(street.app, body=body, headers=header)
    assert answer.one("Manufacturer") == "camctl"


async def test_the_clock_can_be_wrong_set_and_lost_by_a_reboot() -> None:
    street = Street(clock_skew_s=100.0)
    good = await street.ask("<tds:GetDeviceInformation/>", header=kit.token(street.clock.wall() + 100))
    assert good.status == 200
    date = "<tt:Time><tt:Hour>1</tt:Hour><tt:Minute>2</tt:Minute><tt:Second>3</tt:Second></tt:Time>"
    date += "<tt:Date><tt:Year>2030</tt:Year><tt:Month>4</tt:Month><tt:Day>5</tt:Day></tt:Date>"
    head = "<tds:DateTimeType>Manual</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>"
    body = f"<tds:SetSystemDateAndTime>{head}<tds:UTCDateTime>{date}</tds:UTCDateTime></tds:SetSystemDateAndTime>"
    assert (await street.ask(body)).status == 200
    now = await street.ask("<tds:GetSystemDateAndTime/>", header="")
    assert now.all("Year") == ["2030", "2030"]
    for year in ("20x0", "9999", "1"):
        refused = await street.ask(body.replace("2030", year))
        assert refused.fault == ["Sender", "InvalidArgVal", "InvalidDateTime"]
    await street.move(pan_tilt=(1, 0))
    await street.ask("<tds:SystemReboot/>")
    assert (await street.ask("<tds:GetHostname/>")).status == 0
    street.clock.advance(3.1)
    assert not street.moving
    assert (await street.ask("<tds:GetSystemDateAndTime/>", header="")).all("Year") == ["2023", "2023"]


async def test_imaging_changes_what_is_named_and_refuses_what_is_out_of_range() -> None:
    street = Street()

    async def change(settings: str) -> kit.Answer:
        source = f"<timg:VideoSourceToken>{VIDEO_SOURCE}</timg:VideoSourceToken>"
        inner = f"{source}<timg:ImagingSettings>{settings}</timg:ImagingSettings>"
        return await street.ask(f"<timg:SetImagingSettings>{inner}</timg:SetImagingSettings>")

    before = street.camera.imaging
    assert (await change("<tt:Brightness>80</tt:Brightness><tt:IrCutFilter>OFF</tt:IrCutFilter>")).status == 200
    now = street.camera.imaging
    assert (now.brightness, now.ir_cut_filter, now.contrast) == (80.0, "OFF", before.contrast)
    for bad in (
        "<tt:Contrast>101</tt:Contrast>",
        "<tt:Brightness>1</tt:Brightness><tt:IrCutFilter>MAYBE</tt:IrCutFilter>",
    ):
        assert (await change(bad)).fault == ["Sender", "InvalidArgVal", "SettingsInvalid"]
    assert street.camera.imaging == now
    wrong = "<timg:GetStatus><timg:VideoSourceToken>x</timg:VideoSourceToken></timg:GetStatus>"
    assert (await street.ask(wrong)).fault == ["Sender", "InvalidArgVal", "NoSource"]


async def test_focus_moves_make_it_manual() -> None:
    street = Street()
    source = "<timg:VideoSourceToken>video_source_0</timg:VideoSourceToken>"
    move = f"<timg:Move>{source}<timg:Focus>{{}}</timg:Focus></timg:Move>"
    await street.ask(move.format("<tt:Relative><tt:Distance>-0.2</tt:Distance></tt:Relative>"))
    assert street.camera.imaging.focus_mode == "MANUAL"
    assert street.camera.imaging.focus_position == pytest.approx(0.3)
    refused = await street.ask(move.format("<tt:Continuous><tt:Speed>1</tt:Speed></tt:Continuous>"))
    assert refused.status == 400


async def test_events_are_pulled_renewed_and_end() -> None:
    street = Street()
    created = await street.ask(
        "<tev:CreatePullPointSubscription><tev:InitialTerminationTime>PT30S</tev:InitialTerminationTime></tev:CreatePullPointSubscription>"
    )
    path = "/onvif/subscription/" + created.one("Address").rpartition("/")[2]
    await street.ptz("GotoPreset", "<tptz:PresetToken>2</tptz:PresetToken>")

    async def pull(limit: int = 10) -> kit.Answer:
        body = f"<tev:Timeout>PT0.01S</tev:Timeout><tev:MessageLimit>{limit}</tev:MessageLimit>"
        return await street.ask(f"<tev:PullMessages>{body}</tev:PullMessages>", path=path)

    assert (await pull(1)).all("Topic") == ["tns1:VideoSource/MotionAlarm"]
    assert (await pull()).all("Topic") == ["tns1:PTZController/PTZPresets/Invoked"]
    assert (await pull()).all("Topic") == []
    assert (await pull(0)).fault == ["Sender", "InvalidArgVal"]
    street.clock.advance(59)
    assert (await pull()).status == 200
    await street.ask("<wsnt:Renew><wsnt:TerminationTime>PT5S</wsnt:TerminationTime></wsnt:Renew>", path=path)
    street.clock.advance(5)
    assert (await pull()).fault == ["Sender", "InvalidArgVal", "ResourceUnknownFault"]


async def test_there_are_only_so_many_subscriptions() -> None:
    street = Street()
    for _ in range(10):
        assert (await street.ask("<tev:CreatePullPointSubscription/>")).status == 200
    refused = await street.ask("<tev:CreatePullPointSubscription/>")
    assert refused.fault == ["Receiver", "Action", "MaximumNumberOfPullPoints"]
    street.clock.advance(61)
    assert (await street.ask("<tev:CreatePullPointSubscription/>")).status == 200


async def test_categories_choose_among_capabilities() -> None:
    street = Street()
    answer = await street.ask("<tds:GetCapabilities><tds:Category>PTZ</tds:Category></tds:GetCapabilities>", header="")
    assert answer.all("XAddr") == ["http://127.0.0.1:8081/onvif/ptz_service"]
    refused = await street.ask("<tds:GetCapabilities><tds:Category>Tea</tds:Category></tds:GetCapabilities>")
    assert refused.fault == ["Sender", "InvalidArgVal"]


async def test_a_camera_on_all_addresses_names_the_one_that_was_reached() -> None:
    street = Street()
    street.endpoint.host = "0.0.0.0"
    answer = await street.ask("<tds:GetCapabilities/>", header="")
    assert all(address.startswith("http://127.0.0.1:8081/") for address in answer.all("XAddr"))


async def test_a_synchronization_point_is_a_key_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    street = Street()
    asked: list[str] = []
    for name in ("main", "sub"):
        monkeypatch.setattr(street.camera.stream(name), "request_key_frame", lambda name=name: asked.append(name))
    body = "<trt:SetSynchronizationPoint><trt:ProfileToken>profile_sub</trt:ProfileToken></trt:SetSynchronizationPoint>"
    assert (await street.ask(body)).status == 200
    assert asked == ["sub"]


async def test_multicast_is_not_a_stream_setup_here() -> None:
    transport = "<tt:Transport><tt:Protocol>UDP</tt:Protocol></tt:Transport>"
    setup = f"<trt:StreamSetup><tt:Stream>RTP-Multicast</tt:Stream>{transport}</trt:StreamSetup>"
    body = f"<trt:GetStreamUri>{setup}<trt:ProfileToken>profile_main</trt:ProfileToken></trt:GetStreamUri>"
    street = Street()
    assert (await street.ask(body)).fault == ["Sender", "InvalidArgVal", "InvalidStreamSetup"]
    good = await street.ask(body.replace("RTP-Multicast", "RTP-Unicast"))
    assert good.one("Uri") == "rtsp://127.0.0.1:8554/main"


async def test_other_paths_methods_and_ports_are_not_served() -> None:
    street = Street()
    assert (await kit.request(street.app, "GET", "/onvif/device_service")).status == 405
    assert (await kit.request(street.app, "POST", "/elsewhere")).status == 404
    assert (await kit.request(street.app, "GET", "/", port=1)).status == 404
    big = await kit.request(street.app, body=b"x" * (10 * 1024 * 1024))
    assert (big.status, dict(big.headers)["connection"]) == (413, "close")
