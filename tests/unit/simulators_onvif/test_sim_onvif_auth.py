from __future__ import annotations

import pytest
from lxml import etree

from simulators.onvif.auth import Gate, Login, UsernameToken, read_token, token_digest
from simulators.quirks import Quirks
from streams.rtsp.auth import ClientAuth
from tests.support import sim_onvif_kit as kit

WALL = 1_700_000_000.0
URI = "/onvif/ptz_service"


def given(header: str) -> UsernameToken:
    found = read_token(etree.fromstring(f"<h>{header}</h>"))
    assert found is not None
    return found


def gate(*quirks: str, tolerance_s: float = 60.0) -> Gate:
    return Gate(kit.USERNAME, kit.PASSWORD, Quirks.named(quirks), tolerance_s=tolerance_s)


def soap(door: Gate, header: str, now_s: float = 0.0) -> Login:
    return door.check_soap(given(header), "", uri=URI, wall_s=WALL, now_s=now_s)


def test_the_digest_is_that_of_the_profile() -> None:
    # The worked example of ONVIF's Application Programmer's Guide, 6.1.1.3.
    nonce = __import__("base64").b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    assert token_digest(nonce, "2010-09-16T07:50:45Z", "userpassword") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


def test_a_good_token_opens() -> None:
    assert soap(gate(), kit.token(WALL)) is Login.GOOD


@pytest.mark.parametrize(
    "header",
    [
        kit.token(WALL, password="wrong"),
        kit.token(WALL, username="someone"),
        kit.token(WALL, text=True),
        kit.token(WALL).replace("Nonce>", "Other>"),
        kit.token(WALL).replace("Created>", "Other>"),
        kit.token(WALL).replace("Password", "Other"),
        kit.token(WALL, nonce=b"abc").replace("YWJj", "****"),
    ],
    ids=["password", "username", "text", "no-nonce", "no-created", "no-password", "nonce-not-base64"],
)
def test_a_bad_token_does_not(header: str) -> None:
    assert soap(gate(), header) is Login.BAD_TOKEN


@pytest.mark.parametrize(
    ("off_s", "login"), [(59, Login.GOOD), (-59, Login.GOOD), (61, Login.BAD_TOKEN), (-61, Login.BAD_TOKEN)]
)
def test_created_must_be_near_the_cameras_clock(off_s: float, login: Login) -> None:
    assert soap(gate(), kit.token(WALL + off_s)) is login


def test_a_token_is_good_once() -> None:
    door, header = gate(), kit.token(WALL)
    assert soap(door, header) is Login.GOOD
    assert soap(door, header, now_s=1.0) is Login.BAD_TOKEN
    assert soap(door, kit.token(WALL), now_s=1.0) is Login.GOOD


def test_remembered_nonces_are_bounded() -> None:
    door = gate()
    for number in range(5000):
        assert soap(door, kit.token(WALL, nonce=number.to_bytes(4, "big"))) is Login.GOOD
    assert len(door._seen) == 4096


def test_nothing_is_asked_for_credentials() -> None:
    assert gate().check_soap(None, "", uri=URI, wall_s=WALL, now_s=0.0) is Login.NONE


@pytest.mark.parametrize("number", [0, 1], ids=["MD5", "SHA-256"])
def test_http_digest_opens(number: int) -> None:
    door = gate()
    client = ClientAuth(kit.USERNAME, kit.PASSWORD)
    client.challenge([door.challenges(0.0)[number]])
    answer = client.answer("POST", URI) or ""
    assert door.check_soap(None, answer, uri=URI, wall_s=WALL, now_s=1.0) is Login.GOOD
    assert door.check_soap(None, answer, uri="/other", wall_s=WALL, now_s=1.0) is Login.BAD_HTTP
    assert door.check_soap(None, answer, uri=URI, wall_s=WALL, now_s=1000.0) is Login.STALE


def test_md5_is_offered_first() -> None:
    # onvif-zeep's transport fails when SHA-256 comes first.
    assert ["MD5" in offer for offer in gate().challenges(0.0)] == [True, False]


def test_basic_opens_the_snapshot_only() -> None:
    door = gate()
    client = ClientAuth(kit.USERNAME, kit.PASSWORD)
    client.challenge(['Basic realm="ONVIF"'])
    answer = client.answer("GET", "/snapshot.jpg") or ""
    assert door.check_http(answer, method="GET", uri="/snapshot.jpg", now_s=0.0) is Login.GOOD
    assert door.check_soap(None, answer, uri=URI, wall_s=WALL, now_s=0.0) is Login.BAD_HTTP


def test_no_repr_tells_the_password() -> None:
    door = gate()
    assert kit.PASSWORD not in repr(door) + repr(given(kit.token(WALL, text=True)))
