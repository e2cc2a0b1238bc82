"""Checks of the quirks that show when a camera is talked to: services, addresses, clocks, sign-ins, connections."""

from __future__ import annotations

import pytest
from lxml import etree

from streams.rtsp.auth import ClientAuth
from tests.support import sim_onvif_kit as kit
from tests.support.sim_onvif_kit import Answer, Street
from tests.unit.simulators_onvif.quirk_kit import Checks, good, refused

SERVICES = "<tds:GetServices><tds:IncludeCapability>true</tds:IncludeCapability></tds:GetServices>"
CHECKS = Checks()
quirk = CHECKS.of


@quirk("no-getservices")
async def no_getservices(street: Street) -> None:
    refused(await street.ask(SERVICES), "Receiver", "ActionNotSupported")
    assert good(await street.ask("<tds:GetCapabilities/>")).all("PTZ")


@quirk("capabilities-none")
async def capabilities_none(street: Street) -> None:
    answer = good(await street.ask(SERVICES))
    assert answer.all("Namespace")
    assert not answer.all("Capabilities")


@quirk("ptz-missing-in-capabilities")
async def ptz_missing_in_capabilities(street: Street) -> None:
    assert not good(await street.ask("<tds:GetCapabilities/>")).all("PTZ")
    assert "http://www.onvif.org/ver20/ptz/wsdl" in good(await street.ask(SERVICES)).all("Namespace")


@quirk("profile-without-ptz")
async def profile_without_ptz(street: Street) -> None:
    assert not good(await street.ask("<trt:GetProfiles/>")).all("PTZConfiguration")
    good(await street.move(pan_tilt=(0.5, 0)))


async def addresses(street: Street) -> set[str]:
    services = good(await street.ask(SERVICES)).all("XAddr")
    older = good(await street.ask("<tds:GetCapabilities/>")).all("XAddr")
    assert set(older) <= set(services)
    return {address.removesuffix(address[address.index("/onvif") :]) for address in services}


@quirk("xaddr-wrong-host")
async def xaddr_wrong_host(street: Street) -> None:
    assert await addresses(street) == {"http://192.168.1.108:8081"}


@quirk("xaddr-wrong-port")
async def xaddr_wrong_port(street: Street) -> None:
    assert await addresses(street) == {"http://127.0.0.1:1"}


@quirk("xaddr-relative")
async def xaddr_relative(street: Street) -> None:
    assert await addresses(street) == {""}


@quirk("stream-uri-wrong-host")
async def stream_uri_wrong_host(street: Street) -> None:
    profile = "<trt:ProfileToken>profile_sub</trt:ProfileToken>"
    assert (
        good(await street.ask(f"<trt:GetStreamUri>{profile}</trt:GetStreamUri>")).one("Uri")
        == "rtsp://192.168.1.108:8554/sub"
    )
    picture = good(await street.ask(f"<trt:GetSnapshotUri>{profile}</trt:GetSnapshotUri>"))
    assert picture.one("Uri") == "http://192.168.1.108:8081/snapshot.jpg?stream=sub"


@quirk("pullpoint-lies")
async def pullpoint_lies(street: Street) -> None:
    answer = good(await street.ask("<tev:GetServiceCapabilities/>"))
    assert answer.attribute("Capabilities", "WSPullPointSupport") == "true"
    refused(await street.ask("<tev:CreatePullPointSubscription/>"), "Receiver", "ActionNotSupported")


@quirk("clock-skew")
async def clock_skew(street: Street) -> None:
    wall = street.clock.wall()
    refused(await street.ask("<trt:GetProfiles/>", header=kit.token(wall)), "Sender", "NotAuthorized")
    good(await street.ask("<trt:GetProfiles/>", header=kit.token(wall - 3600)))


@quirk("time-without-utc")
async def time_without_utc(street: Street) -> None:
    answer = good(await street.ask("<tds:GetSystemDateAndTime/>", header=""))
    assert answer.all("LocalDateTime")
    assert not answer.all("UTCDateTime")


@quirk("auth-on-time")
async def auth_on_time(street: Street) -> None:
    refused(await street.ask("<tds:GetSystemDateAndTime/>", header=""), "Sender", "NotAuthorized")
    good(await street.ask("<tds:GetSystemDateAndTime/>"))


async def http(street: Street, body: str, client: ClientAuth) -> Answer:
    answer = client.answer("POST", "/onvif/device_service")
    headers = {"authorization": answer} if answer else {}
    return await kit.request(street.app, body=kit.envelope(body), headers=headers)


async def challenged(street: Street) -> ClientAuth:
    client = ClientAuth(kit.USERNAME, kit.PASSWORD)
    client.challenge((await http(street, "<trt:GetProfiles/>", client)).challenges())
    return client


@quirk("http-digest-only")
async def http_digest_only(street: Street) -> None:
    assert (await street.ask("<trt:GetProfiles/>")).status == 401
    good(await http(street, "<trt:GetProfiles/>", await challenged(street)))


@quirk("password-text-only")
async def password_text_only(street: Street) -> None:
    refused(await street.ask("<trt:GetProfiles/>"), "Sender", "NotAuthorized")
    good(await street.ask("<trt:GetProfiles/>", header=kit.token(0, text=True)))


@quirk("auth-failure-html")
async def auth_failure_html(street: Street) -> None:
    answer = await street.ask("<trt:GetProfiles/>", header=kit.token(0))
    assert (answer.status, answer.body[:6]) == (401, b"<html>")
    good(await street.ask("<trt:GetProfiles/>"))


@quirk("auth-failure-500")
async def auth_failure_500(street: Street) -> None:
    answer = await street.ask("<trt:GetProfiles/>", header=kit.token(0))
    assert (answer.status, answer.fault) == (500, ["Sender", "NotAuthorized"])


@quirk("locks-account")
async def locks_account(street: Street) -> None:
    for _ in range(5):
        refused(await street.ask("<trt:GetProfiles/>", header=kit.token(0)), "Sender", "NotAuthorized")
    refused(await street.ask("<trt:GetProfiles/>"), "Sender", "NotAuthorized")
    street.clock.advance(31)
    good(await street.ask("<trt:GetProfiles/>"))


@quirk("nonce-once")
async def nonce_once(street: Street) -> None:
    client = await challenged(street)
    good(await http(street, "<trt:GetProfiles/>", client))
    again = await http(street, "<trt:GetProfiles/>", client)
    assert again.status == 401
    assert all("stale=true" in offer for offer in again.challenges())


@quirk("closes-connection")
async def closes_connection(street: Street) -> None:
    answer = good(await street.ptz("GetStatus"))
    assert dict(answer.headers).get("connection") == "close"


@quirk("invalid-utf8")
async def invalid_utf8(street: Street) -> None:
    answer = await street.ptz("GetPresets")
    assert b"Simpang \xe9<" in answer.body
    with pytest.raises(UnicodeDecodeError):
        answer.body.decode("utf-8")


@quirk("xaddr-elsewhere")
async def xaddr_elsewhere(street: Street) -> None:
    assert await addresses(street) == {"http://127.0.0.2:8081"}


@quirk("xaddr-other-scheme")
async def xaddr_other_scheme(street: Street) -> None:
    for ask in (SERVICES, "<tds:GetCapabilities/>"):
        assert set(good(await street.ask(ask)).all("XAddr")) == {"file:///etc/passwd"}


@quirk("stream-uri-elsewhere")
async def stream_uri_elsewhere(street: Street) -> None:
    profile = "<trt:ProfileToken>profile_main</trt:ProfileToken>"
    stream = good(await street.ask(f"<trt:GetStreamUri>{profile}</trt:GetStreamUri>"))
    picture = good(await street.ask(f"<trt:GetSnapshotUri>{profile}</trt:GetSnapshotUri>"))
    assert stream.one("Uri") == "rtsp://127.0.0.2:8554/main"
    assert picture.one("Uri").startswith("http://127.0.0.2:8081/")


@quirk("stream-uri-other-scheme")
async def stream_uri_other_scheme(street: Street) -> None:
    ask = "<trt:GetStreamUri><trt:ProfileToken>profile_main</trt:ProfileToken></trt:GetStreamUri>"
    assert good(await street.ask(ask)).one("Uri") == "http://127.0.0.1:8554/main"


@quirk("redirects-elsewhere")
async def redirects_elsewhere(street: Street) -> None:
    answer = await street.ask(SERVICES)
    assert answer.status == 302
    assert dict(answer.headers)["location"] == "http://127.0.0.2:8081/onvif/device_service"


@quirk("entity-bomb")
async def entity_bomb(street: Street) -> None:
    answer = await street.ask(SERVICES)
    assert answer.body.startswith(b"<!DOCTYPE s [<!ENTITY a 'lol'><!ENTITY b '&a;&a;")
    with pytest.raises(etree.XMLSyntaxError, match=r"[Ee]ntity"):
        etree.fromstring(answer.body)
