"""The simulated camera over real sockets: onvif-zeep as it comes, HTTP digest, one write per answer, silence."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import requests
import zeep.transports
from onvif import ONVIFCamera, ONVIFError
from requests.auth import HTTPDigestAuth

from tests.support import sim_onvif_kit as kit

pytestmark = pytest.mark.system
TIMEOUT_S = 5.0


@contextmanager
def connected(port: int) -> Iterator[ONVIFCamera]:
    """onvif-zeep's own camera, as its users make it; every connection is closed in the end."""
    session = requests.Session()
    transport = zeep.transports.Transport(session=session, operation_timeout=TIMEOUT_S, cache=None)
    with session:
        yield ONVIFCamera("127.0.0.1", port, kit.USERNAME, kit.PASSWORD, transport=transport, no_cache=True)


def until_still(ptz: Any, profile: str) -> Any:
    """The status when it says IDLE."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        status = ptz.GetStatus({"ProfileToken": profile})
        if status.MoveStatus.PanTilt == status.MoveStatus.Zoom == "IDLE":
            return status
        time.sleep(0.02)
    raise AssertionError("the camera does not come to rest")


def use(port: int) -> None:
    """List, move, stop, read the position, store and recall a preset."""
    with connected(port) as camera:
        assert camera.devicemgmt.GetDeviceInformation().Manufacturer == "camctl"
        media, ptz = camera.create_media_service(), camera.create_ptz_service()
        profiles = media.GetProfiles()
        assert [each.Name for each in profiles] == ["main profile", "sub profile"]
        profile = profiles[0].token
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        uri = media.GetStreamUri({"ProfileToken": profile, "StreamSetup": setup}).Uri
        assert uri == "rtsp://127.0.0.1:8554/main"
        before = until_still(ptz, profile)
        move = {"ProfileToken": profile, "Velocity": {"PanTilt": {"x": 1.0, "y": 0.0}}, "Timeout": "PT5S"}
        ptz.ContinuousMove(move)
        time.sleep(0.3)
        assert ptz.GetStatus({"ProfileToken": profile}).MoveStatus.PanTilt == "MOVING"
        ptz.Stop({"ProfileToken": profile})
        after = until_still(ptz, profile)
        assert after.Position.PanTilt.x > before.Position.PanTilt.x + 0.05
        token = ptz.SetPreset({"ProfileToken": profile, "PresetName": "Gerbang"})
        ptz.GotoHomePosition({"ProfileToken": profile})
        until_still(ptz, profile)
        ptz.GotoPreset({"ProfileToken": profile, "PresetToken": token})
        back = until_still(ptz, profile)
        assert back.Position.PanTilt.x == pytest.approx(after.Position.PanTilt.x, abs=1e-4)
        assert "Gerbang" in [each.Name for each in ptz.GetPresets({"ProfileToken": profile})]
        with pytest.raises(ONVIFError, match="GetPresetTours is not supported"):
            ptz.GetPresetTours({"ProfileToken": profile})


def pull(port: int) -> list[str]:
    """What waits in the pull point which ONVIFCamera opens by itself: names of the items (zeep loses topics)."""
    with connected(port) as camera:
        events = camera.create_pullpoint_service()
        answer = events.PullMessages({"Timeout": "PT1S", "MessageLimit": 5})
        messages = [each.Message._value_1 for each in answer.NotificationMessage]
        return [item.get("Name") for each in messages for item in each.iter("{*}SimpleItem")]


async def test_onvif_zeep_connects_moves_stops_and_uses_presets() -> None:
    async with kit.serving([kit.camera()]) as running:
        await asyncio.to_thread(use, running[0].port)
        assert [event.kind for event in running[0].camera.motor_log][:2] == ["move", "stop"]


async def test_onvif_zeep_pulls_messages() -> None:
    async with kit.serving([kit.camera()]) as running:
        assert await asyncio.to_thread(pull, running[0].port) == ["Source", "State"]


async def test_every_port_is_its_own_camera() -> None:
    cameras = [kit.camera(name="Thamrin"), kit.camera(name="Sudirman", password="another")]
    async with kit.serving(cameras) as running, httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        names = [(await client.get(f"{each.url}/simulator/state")).json()["name"] for each in running]
        assert names == ["Thamrin", "Sudirman"]
        body = kit.envelope("<trt:GetProfiles/>", kit.token(time.time()))
        statuses = [
            (await client.post(f"{each.url}/onvif/media_service", content=body)).status_code for each in running
        ]
        assert statuses == [200, 400]


@pytest.mark.parametrize(
    "quirks", [(), ("http-digest-only",), ("nonce-once",)], ids=["plain", "digest-only", "nonce-once"]
)
async def test_requests_opens_with_http_digest(quirks: tuple[str, ...]) -> None:
    def ask(url: str) -> list[int]:
        with requests.Session() as session:
            session.auth = HTTPDigestAuth(kit.USERNAME, kit.PASSWORD)
            body = kit.envelope("<trt:GetProfiles/>")
            return [session.post(f"{url}/onvif/media_service", body, timeout=TIMEOUT_S).status_code for _ in range(3)]

    async with kit.serving([kit.camera(quirks=list(quirks))]) as running:
        assert await asyncio.to_thread(ask, running[0].url) == [200, 200, 200]


async def test_httpx_opens_with_http_digest() -> None:
    async with kit.serving([kit.camera()]) as running, httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        auth = httpx.DigestAuth(kit.USERNAME, kit.PASSWORD)
        body = kit.envelope("<trt:GetProfiles/>")
        assert (await client.post(f"{running[0].url}/onvif/media_service", content=body, auth=auth)).status_code == 200


def http_post(port: int, body: bytes) -> bytes:
    head = f"POST /onvif/device_service HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_an_answer_comes_in_one_piece_and_the_connection_stays() -> None:
    def ask(port: int) -> list[bool]:
        whole = []
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
            for _ in range(20):
                connection.sendall(http_post(port, kit.envelope("<tds:GetSystemDateAndTime/>")))
                data = connection.recv(65536)
                head, _, rest = data.partition(b"\r\n\r\n")
                length = int(
                    next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(
                        b":"
                    )[1]
                )
                whole.append(len(rest) == length)
        return whole

    async with kit.serving([kit.camera()]) as running:
        assert await asyncio.to_thread(ask, running[0].port) == [True] * 20


async def test_a_black_hole_accepts_and_says_nothing_and_ends_with_the_street() -> None:
    async with kit.serving([kit.camera()]) as running, httpx.AsyncClient(timeout=0.3) as client:
        await client.post(f"{running[0].url}/simulator/faults", content=json.dumps({"black_hole": True}))
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{running[0].url}/onvif/device_service", content=kit.envelope("<tds:GetHostname/>"))
        await client.post(f"{running[0].url}/simulator/faults", content=json.dumps({"black_hole": False}))
        assert (
            await client.post(f"{running[0].url}/onvif/device_service", content=kit.envelope("<tds:GetHostname/>"))
        ).is_success


async def test_a_street_ends_in_time_though_somebody_still_waits() -> None:
    async with kit.serving([kit.camera()]) as running:
        running[0].endpoint.faults.change(b'{"black_hole": true}')
        reader, writer = await asyncio.open_connection("127.0.0.1", running[0].port)
        writer.write(http_post(running[0].port, kit.envelope("<tds:GetHostname/>")))
        await asyncio.sleep(0.1)
        begin = time.monotonic()
    assert time.monotonic() - begin < 3.0
    assert not (await asyncio.wait_for(reader.read(), 1.0)).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()


async def test_a_crash_breaks_the_connection() -> None:
    street = kit.camera(quirks=["fractional-timeout-crash"])
    async with kit.serving([street]) as running, httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        profile = "<tptz:ProfileToken>profile_main</tptz:ProfileToken>"
        inner = f'{profile}<tptz:Velocity><tt:PanTilt x="1" y="0"/></tptz:Velocity><tptz:Timeout>PT1.5S</tptz:Timeout>'
        body = kit.envelope(f"<tptz:ContinuousMove>{inner}</tptz:ContinuousMove>", kit.token(time.time()))
        for _ in range(2):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await client.post(f"{running[0].url}/onvif/ptz_service", content=body)
        assert not street.motors.moving()


async def test_a_large_body_is_refused_and_the_camera_goes_on() -> None:
    async with kit.serving([kit.camera()]) as running, httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        try:
            answer = await client.post(f"{running[0].url}/onvif/device_service", content=b"x" * 10_000_000)
            assert answer.status_code == 413
        except (httpx.WriteError, httpx.ReadError):
            pass  # the answer was lost in the reset that follows the refusal
        assert (await client.get(f"{running[0].url}/simulator/state")).status_code == 200


async def test_a_waiting_pull_is_answered_when_something_happens() -> None:
    async with kit.serving([kit.camera()]) as running, httpx.AsyncClient(timeout=TIMEOUT_S) as client:

        async def ask(body: str, path: str = "/onvif/event_service") -> str:
            content = kit.envelope(body, kit.token(time.time()))
            return (await client.post(f"{running[0].url}{path}", content=content)).text

        created = await ask("<tev:CreatePullPointSubscription/>")
        path = created[created.index("/onvif/subscription/") :].partition("<")[0]
        pull = (
            "<tev:PullMessages><tev:Timeout>PT4S</tev:Timeout><tev:MessageLimit>5</tev:MessageLimit></tev:PullMessages>"
        )
        assert "MotionAlarm" in await ask(pull, path)
        waiting = asyncio.create_task(ask(pull, path))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        preset = "<tptz:ProfileToken>profile_main</tptz:ProfileToken><tptz:PresetToken>2</tptz:PresetToken>"
        await ask(f"<tptz:GotoPreset>{preset}</tptz:GotoPreset>", "/onvif/ptz_service")
        assert "PTZPresets/Invoked" in await asyncio.wait_for(waiting, 1.0)
