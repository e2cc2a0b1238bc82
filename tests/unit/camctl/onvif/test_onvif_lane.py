"""The lane against recorded replies: the same care with accounts, clocks and answers as the client for threads."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from camctl.onvif import lane as onvif_lane
from camctl.onvif.account import Account
from camctl.onvif.budget import Budget
from camctl.onvif.documents import Service
from camctl.onvif.lane import Lane
from camctl.onvif.token import CameraClock
from camctl.ptz.ports import CameraError, CameraFault
from tests.unit.camctl.onvif.onvif_kit import ENVELOPES, PASSWORD, Asked, RecordedCamera, raw, recorded, reply

OURS_S = datetime(2026, 3, 1, 3, 0, 0, tzinfo=UTC).timestamp()  # half an hour before the recorded camera
DIGEST = 'Digest realm="cam", qop="auth", nonce="{}", algorithm=MD5'
STOP = {"ProfileToken": "p", "PanTilt": True, "Zoom": True}


def account(wall_s: float = OURS_S) -> Account:
    return Account("operator", PASSWORD, CameraClock(lambda: wall_s))


async def call(lane: Lane, operation: str = "Stop", parameters: dict[str, Any] | None = None, **options: Any) -> bytes:
    return await lane.call(Service.PTZ, operation, STOP if parameters is None else parameters, Budget(), **options)


async def error_of(lane: Lane, operation: str = "Stop") -> CameraError:
    with pytest.raises(CameraError) as caught:
        await call(lane, operation)
    return caught.value


async def test_a_request_is_what_zeep_writes_with_a_fresh_token() -> None:
    camera = RecordedCamera()
    lane = camera.lane(account())
    for _ in range(3):
        await call(lane)
    assert len({asked.one("Nonce").text for asked in camera.asked}) == 3
    assert camera.last("Stop").headers["Content-Type"].startswith("application/soap+xml; charset=utf-8; action=")
    assert camera.last("Stop").one("PanTilt").text == "true"


async def test_an_answer_is_read_like_any_other() -> None:
    camera = RecordedCamera()
    document = await call(camera.lane(), "GetStatus", {"ProfileToken": "p"})
    assert ENVELOPES.read(Service.PTZ, "GetStatus", document).Position is not None


@pytest.mark.parametrize(
    ("body", "status", "fault"),
    [
        ("fault-not-supported", 500, CameraFault.UNSUPPORTED),
        ("fault-space", 400, CameraFault.REFUSED),
        ("fault-soap11", 500, CameraFault.UNSUPPORTED),
        ("fault-moving", 500, CameraFault.REFUSED),
        ("GetStatus", 200, CameraFault.PROTOCOL),
        ("Stop", 500, CameraFault.PROTOCOL),
        ("unauthorized.html", 200, CameraFault.PROTOCOL),
    ],
)
async def test_after_many_good_answers_another_one_is_still_read(body: str, status: int, fault: CameraFault) -> None:
    camera = RecordedCamera()
    lane = camera.lane()
    for _ in range(3):
        await call(lane)
    camera.script["Stop"] = reply(body, status)
    assert (await error_of(lane)).fault is fault


async def test_the_known_answer_to_one_operation_is_not_that_to_another() -> None:
    camera = RecordedCamera({"ContinuousMove": reply("Stop")})
    lane = camera.lane()
    await call(lane)
    with pytest.raises(CameraError) as caught:
        await call(lane, "ContinuousMove", {"ProfileToken": "p", "Velocity": {"PanTilt": {"x": 0.0, "y": 0.0}}})
    assert caught.value.fault is CameraFault.PROTOCOL


async def test_an_ordinary_answer_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    read = onvif_lane.read_reply
    monkeypatch.setattr(onvif_lane, "read_reply", lambda *given: parsed.append(given[1]) or read(*given))
    lane = RecordedCamera().lane()
    for _ in range(5):
        await call(lane)
    assert len(parsed) == 1


async def test_http_digest_where_the_camera_asks_for_it() -> None:
    def wants_digest(asked: Asked) -> Any:
        good = 'nonce="n1"' in asked.headers.get("Authorization", "")
        return reply(
            "Stop" if good else "unauthorized.html", 200 if good else 401, WWW_Authenticate=DIGEST.format("n1")
        )

    camera = RecordedCamera({"Stop": wants_digest})
    lane = camera.lane()
    await call(lane)
    await call(lane)
    sent = [asked.headers.get("Authorization", "") for asked in camera.asked]
    assert [text[:6] for text in sent] == ["", "Digest", "Digest"]
    assert "nc=00000001" in sent[1]
    assert "nc=00000002" in sent[2]


async def test_a_wrong_password_is_sent_once_in_each_way() -> None:
    camera = RecordedCamera({"Stop": reply("unauthorized.html", 401, WWW_Authenticate=DIGEST.format("n1"))})
    assert (await error_of(camera.lane())).fault is CameraFault.BAD_CREDENTIALS
    assert len(camera.asked) == 2


@pytest.mark.parametrize("challenge", ['Basic realm="cam"', "nonsense"])
async def test_the_password_is_never_sent_in_the_clear(challenge: str) -> None:
    camera = RecordedCamera({"Stop": reply("unauthorized.html", 401, WWW_Authenticate=challenge)})
    assert (await error_of(camera.lane())).fault is CameraFault.BAD_CREDENTIALS
    assert len(camera.asked) == 1
    assert "Authorization" not in camera.asked[0].headers


async def test_a_clock_that_jumped_is_read_again_and_the_call_repeated_once() -> None:
    camera = RecordedCamera()
    mine = account()
    lane = camera.lane(mine)
    await call(lane)
    camera.script["Stop"] = [reply("fault-not-authorized", 400)]
    await call(lane)
    assert camera.operations == ["Stop", "Stop", "GetSystemDateAndTime", "Stop"]
    assert not camera.last("GetSystemDateAndTime").has("Security")
    assert mine.clock.offset_s == pytest.approx(30 * 60 + 15.5)
    assert camera.asked[-1].one("Created").text == "2026-03-01T03:30:15Z"


async def test_a_clock_that_needs_the_account_gets_it() -> None:
    camera = RecordedCamera({"GetSystemDateAndTime": [reply("fault-not-authorized", 400)]})
    lane = camera.lane(account())
    await call(lane)
    camera.script["Stop"] = [reply("fault-not-authorized", 400)]
    await call(lane)
    asked = [each for each in camera.asked if each.operation == "GetSystemDateAndTime"]
    assert [each.has("Security") for each in asked] == [False, True]


async def test_a_password_that_was_changed_is_not_tried_again() -> None:
    camera = RecordedCamera()
    lane = camera.lane(account(OURS_S + 30 * 60 + 15.5))
    await call(lane)
    camera.script["Stop"] = reply("fault-not-authorized", 400)
    camera.asked.clear()
    for _ in range(2):
        assert (await error_of(lane)).fault is CameraFault.BAD_CREDENTIALS
    assert camera.operations == ["Stop", "GetSystemDateAndTime", "Stop"]


async def test_a_huge_answer_about_the_time_is_not_parsed() -> None:
    huge = recorded("GetSystemDateAndTime").replace(b"</tt:Month>", b"</tt:Month>" + b" " * 20_000)
    camera = RecordedCamera({"GetSystemDateAndTime": raw(huge)})
    mine = account()
    lane = camera.lane(mine)
    await call(lane)
    camera.script["Stop"] = [reply("fault-not-authorized", 400)]
    assert (await error_of(lane)).fault is CameraFault.BAD_CREDENTIALS
    assert mine.clock.offset_s == 0


async def test_what_must_not_happen_twice_is_not_repeatable() -> None:
    camera = RecordedCamera()
    lane = camera.lane()
    await call(lane, "SetPreset", {"ProfileToken": "p", "PresetName": "x"})
    await call(lane)
    zero = {"ProfileToken": "p", "Translation": {"PanTilt": {"x": 0.0, "y": 0.0}}}
    await call(lane, "RelativeMove", zero)
    await call(lane, "RelativeMove", zero, harmless=True)
    assert [asked.repeatable for asked in camera.asked] == [False, True, False, True]


async def test_a_service_that_is_not_there() -> None:
    lane = Lane(ENVELOPES, Account("a", "b"), None, RecordedCamera().link)  # type: ignore[arg-type]
    assert (await error_of(lane)).fault is CameraFault.UNSUPPORTED


async def test_a_turn_that_does_not_come_ends_with_the_budget() -> None:
    lane = RecordedCamera().lane()
    async with lane.turn(Budget()):
        assert lane.is_busy
        with pytest.raises(CameraError) as caught:
            async with lane.turn(Budget(0.05)):
                pytest.fail("two calls at once")
        assert caught.value.fault is CameraFault.TIMEOUT
    waiting = asyncio.create_task(_take(lane))
    await waiting
    assert not lane.is_busy


async def _take(lane: Lane) -> None:
    async with lane.turn(Budget(0.5)):
        return
