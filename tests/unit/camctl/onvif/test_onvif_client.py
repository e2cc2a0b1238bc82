"""The client against recorded replies: tokens, clocks, digests, and replies that lack what is needed."""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from camctl.onvif.account import Account
from camctl.onvif.budget import Budget
from camctl.onvif.documents import Documents, Service
from camctl.onvif.token import CameraClock
from camctl.ptz.ports import CameraError, CameraFault
from tests.unit.camctl.onvif.onvif_kit import PASSWORD, REACHED, Asked, RecordedCamera, raw, recorded, reply

OURS_S = datetime(2026, 3, 1, 3, 0, 0, tzinfo=UTC).timestamp()  # half an hour before the recorded camera
DIGEST = 'Digest realm="cam", qop="auth", nonce="{}", algorithm=MD5'


def account(wall_s: float = OURS_S) -> Account:
    return Account("operator", PASSWORD, CameraClock(lambda: wall_s))


def error_of(call: Any) -> CameraError:
    with pytest.raises(CameraError) as caught:
        call()
    return caught.value


def test_the_token_is_a_digest_by_the_cameras_clock() -> None:
    camera = RecordedCamera()
    client = camera.client(account())
    offset_s = client.set_clock(Budget())
    assert offset_s == pytest.approx(30 * 60 + 15.5)
    assert not camera.last("GetSystemDateAndTime").has("Security")
    client.call(Service.DEVICE, "GetDeviceInformation")
    asked = camera.last("GetDeviceInformation")
    created, nonce = asked.one("Created").text, base64.b64decode(asked.one("Nonce").text)
    assert created == "2026-03-01T03:30:15Z"
    expected = base64.b64encode(hashlib.sha1(nonce + created.encode() + PASSWORD.encode()).digest()).decode()
    assert asked.one("Password").text == expected
    assert asked.one("Password").get("Type").endswith("#PasswordDigest")
    assert asked.one("Username").text == "operator"


def test_every_request_has_a_nonce_of_its_own_in_any_thread() -> None:
    camera = RecordedCamera()
    shared = account()
    clients = [camera.client(shared) for _ in range(4)]

    def work(client: Any) -> None:
        for _ in range(10):
            client.call(Service.DEVICE, "GetDeviceInformation")

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({asked.one("Nonce").text for asked in camera.asked}) == 40
    assert {asked.one("Created").text for asked in camera.asked} == {"2026-03-01T03:00:00Z"}


def test_a_clock_that_needs_the_account_gets_it() -> None:
    camera = RecordedCamera({"GetSystemDateAndTime": [reply("fault-not-authorized", 400)]})
    camera.client(account()).set_clock(Budget())
    first, second = camera.asked
    assert not first.has("Security")
    assert second.has("Security")


def test_a_clock_without_utc_or_with_nonsense_changes_nothing() -> None:
    for bad in (
        recorded("GetSystemDateAndTime").replace(b"UTCDateTime", b"LocalDateTime"),
        recorded("GetSystemDateAndTime").replace(b"<tt:Month>3", b"<tt:Month>13"),
        recorded("GetSystemDateAndTime").replace(b"<tt:Hour>3</tt:Hour>", b""),
    ):
        camera = RecordedCamera({"GetSystemDateAndTime": raw(bad)})
        assert camera.client(account()).set_clock(Budget()) == 0


def test_a_clock_that_jumped_is_read_again_and_the_call_repeated_once() -> None:
    camera = RecordedCamera()
    client = camera.client(account())
    client.call(Service.DEVICE, "GetDeviceInformation")
    camera.script["GetDeviceInformation"] = [reply("fault-not-authorized", 400)]
    client.call(Service.DEVICE, "GetDeviceInformation")
    assert camera.operations == [
        "GetDeviceInformation",
        "GetDeviceInformation",
        "GetSystemDateAndTime",
        "GetDeviceInformation",
    ]


def test_a_password_that_was_changed_is_not_tried_again() -> None:
    camera = RecordedCamera()
    client = camera.client(account())
    client.set_clock(Budget())
    client.call(Service.DEVICE, "GetDeviceInformation")
    camera.script["GetDeviceInformation"] = reply("fault-not-authorized", 400)
    camera.asked.clear()
    for _ in range(2):
        error = error_of(lambda: client.call(Service.DEVICE, "GetDeviceInformation"))
        assert error.fault is CameraFault.BAD_CREDENTIALS
    assert camera.operations == ["GetDeviceInformation", "GetSystemDateAndTime", "GetDeviceInformation"]


def test_http_digest_where_the_camera_asks_for_it() -> None:
    def wants_digest(asked: Asked) -> Any:
        good = 'nonce="n1"' in asked.headers.get("Authorization", "")
        name = "GetDeviceInformation" if good else "unauthorized.html"
        return reply(name, 200 if good else 401, WWW_Authenticate=DIGEST.format("n1"))

    camera = RecordedCamera({"GetDeviceInformation": wants_digest})
    client = camera.client()
    client.call(Service.DEVICE, "GetDeviceInformation")
    client.call(Service.DEVICE, "GetDeviceInformation")
    sent = [asked.headers.get("Authorization", "") for asked in camera.asked]
    assert len(sent) == 3  # the challenge is remembered
    assert sent[0] == ""
    assert "nc=00000001" in sent[1]
    assert "nc=00000002" in sent[2]
    assert not any(PASSWORD in text for text in sent)


def test_a_wrong_password_is_sent_once_in_each_way() -> None:
    camera = RecordedCamera(
        {"GetDeviceInformation": reply("unauthorized.html", 401, WWW_Authenticate=DIGEST.format("n1"))}
    )
    error = error_of(lambda: camera.client().call(Service.DEVICE, "GetDeviceInformation"))
    assert error.fault is CameraFault.BAD_CREDENTIALS
    assert len(camera.asked) == 2


@pytest.mark.parametrize("challenge", ['Basic realm="cam"', "nonsense", 'Digest realm="x", algorithm=TIGER, nonce="n"'])
def test_the_password_is_never_sent_in_the_clear(challenge: str) -> None:
    camera = RecordedCamera({"GetDeviceInformation": reply("unauthorized.html", 401, WWW_Authenticate=challenge)})
    error = error_of(lambda: camera.client().call(Service.DEVICE, "GetDeviceInformation"))
    assert error.fault is CameraFault.BAD_CREDENTIALS
    assert len(camera.asked) == 1
    assert "Authorization" not in camera.asked[0].headers


def test_a_camera_that_wants_a_new_nonce_each_time() -> None:
    count = 0

    def fresh(asked: Asked) -> Any:
        nonlocal count
        good = count > 0 and f'nonce="n{count}"' in asked.headers.get("Authorization", "")
        if good:
            return reply("GetDeviceInformation")
        count += 1
        return reply("unauthorized.html", 401, WWW_Authenticate=DIGEST.format(f"n{count}"))

    def once(asked: Asked) -> Any:
        nonlocal count
        answer = fresh(asked)
        count += answer.status == 200  # that nonce is used up
        return answer

    camera = RecordedCamera({"GetDeviceInformation": once})
    client = camera.client()
    for _ in range(3):
        client.call(Service.DEVICE, "GetDeviceInformation")


def test_what_must_not_happen_twice_is_not_repeatable() -> None:
    camera = RecordedCamera()
    client = camera.client()
    client.use(Service.PTZ, REACHED)
    client.call(Service.PTZ, "SetPreset", ProfileToken="p", PresetName="x")
    client.call(Service.PTZ, "Stop", ProfileToken="p")
    assert [asked.repeatable for asked in camera.asked] == [False, True]


def test_an_answer_that_zeep_cannot_read_is_a_protocol_error() -> None:
    xsi = b'<trt:Profiles xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="tt:Nonsense" '
    camera = RecordedCamera({"GetProfiles": raw(recorded("GetProfiles").replace(b"<trt:Profiles ", xsi))})
    client = camera.client()
    client.use(Service.MEDIA, REACHED)
    error = error_of(lambda: client.call(Service.MEDIA, "GetProfiles"))
    assert error.fault is CameraFault.PROTOCOL


def test_a_mistake_of_ours_is_not_blamed_on_the_camera() -> None:
    with pytest.raises(TypeError):
        RecordedCamera().client().call(Service.DEVICE, "GetDeviceInformation", Nonsense=1)


def test_a_service_that_is_not_there() -> None:
    error = error_of(lambda: RecordedCamera().client().call(Service.PTZ, "Stop", ProfileToken="p"))
    assert error.fault is CameraFault.UNSUPPORTED


def test_no_secret_in_any_repr_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mine = account()
    camera = RecordedCamera({"GetDeviceInformation": reply("fault-not-authorized", 400)})
    client = camera.client(mine)
    error = error_of(lambda: client.call(Service.DEVICE, "GetDeviceInformation"))
    shown = f"{mine!r} {mine.token!r} {client!r} {error!r} {vars(error)} {caplog.text}"
    assert PASSWORD not in shown


def test_documents_are_parsed_once_by_many_threads() -> None:
    documents = Documents()
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(documents.get(Service.PTZ))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(document) for document in found}) == 1


def test_a_budget_ends_and_can_be_cancelled() -> None:
    now = 0.0
    whole = Budget(10, clock=lambda: now)
    part = Budget(6, within=whole, clock=lambda: now)
    assert part.left_s() == 6
    now = 5.0
    assert part.left_s() == 1
    late = Budget(6, within=whole, clock=lambda: now)
    assert late.left_s() == 5
    whole.cancel()
    assert error_of(late.left_s).fault is CameraFault.TIMEOUT
    now = 99.0
    assert error_of(Budget(6, within=whole, clock=lambda: now).left_s).fault is CameraFault.TIMEOUT
