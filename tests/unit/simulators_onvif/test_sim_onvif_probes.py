from __future__ import annotations

import pytest
from lxml import etree

from simulators.onvif import CameraEndpoint, probes
from simulators.onvif.probes import ADDRESSING, DISCOVERY
from simulators.onvif.scopes import endpoint_uuid, mac_address, scopes
from tests.support.sim_onvif_kit import camera

SPACES = (
    f'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{ADDRESSING}" xmlns:d="{DISCOVERY}" '
    'xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"'
)
NAME = "onvif://www.onvif.org/name/Jalan%20Thamrin"


def probe(inner: str = "", message: str = "urn:uuid:1") -> bytes:
    header = f"<a:MessageID>{message}</a:MessageID>" if message else ""
    body = f"<s:Header>{header}</s:Header><s:Body><d:Probe>{inner}</d:Probe></s:Body>"
    return f"<s:Envelope {SPACES}>{body}</s:Envelope>".encode()


def endpoint() -> CameraEndpoint:
    return CameraEndpoint(camera(name="Jalan Thamrin"), 8085, 8554)


@pytest.mark.parametrize(
    ("inner", "wanted"),
    [
        ("", True),
        ("<d:Types/>", True),
        ("<d:Types>dn:NetworkVideoTransmitter</d:Types>", True),
        ("<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>", True),
        ("<d:Types>dn:NetworkVideoDisplay</d:Types>", False),
        ("<d:Types>NetworkVideoTransmitter</d:Types>", False),
        ("<d:Types>q:Device</d:Types>", False),
        ("<d:Scopes>onvif://www.onvif.org/type/ptz</d:Scopes>", True),
        ("<d:Scopes>onvif://www.onvif.org/type</d:Scopes>", True),
        ("<d:Scopes>onvif://www.onvif.org/typ</d:Scopes>", False),
        (f"<d:Scopes>{NAME} onvif://www.onvif.org/location</d:Scopes>", True),
        (f"<d:Scopes>{NAME} onvif://www.onvif.org/location/bandung</d:Scopes>", False),
        (f'<d:Scopes MatchBy="{DISCOVERY}/strcmp0">onvif://www.onvif.org/type</d:Scopes>', False),
        (f'<d:Scopes MatchBy="{DISCOVERY}/strcmp0">{NAME}</d:Scopes>', True),
        ('<d:Scopes MatchBy="urn:magic">x</d:Scopes>', False),
    ],
)
def test_a_probe_finds_what_it_names(inner: str, wanted: bool) -> None:
    found = probes.read_probe(probe(inner))
    assert found is not None
    assert found.wants(scopes(endpoint().camera.config)) is wanted


@pytest.mark.parametrize(
    "datagram", [b"", b"hello", probe()[:100], probe(message=""), probe().replace(b"Probe", b"Bye")]
)
def test_anything_else_is_no_probe(datagram: bytes) -> None:
    assert probes.read_probe(datagram) is None


def test_an_answer_says_where_the_camera_is() -> None:
    found = probes.read_probe(probe())
    assert found is not None
    root = etree.fromstring(probes.match(found, endpoint(), "127.0.0.1"))
    assert root.findtext(f".//{{{ADDRESSING}}}RelatesTo") == "urn:uuid:1"
    assert root.findtext(f".//{{{DISCOVERY}}}XAddrs") == "http://127.0.0.1:8085/onvif/device_service"
    assert NAME in (root.findtext(f".//{{{DISCOVERY}}}Scopes") or "")
    assert root.findtext(f".//{{{ADDRESSING}}}EndpointReference/{{{ADDRESSING}}}Address") == endpoint_uuid(endpoint())


def test_greetings_carry_the_same_name() -> None:
    for message, kind in ((probes.hello(endpoint(), "127.0.0.1"), "Hello"), (probes.bye(endpoint()), "Bye")):
        root = etree.fromstring(message)
        assert root.find(f".//{{{DISCOVERY}}}{kind}") is not None
        assert endpoint_uuid(endpoint()).encode() in message


def test_hardware_addresses_are_stable_local_and_different() -> None:
    one, other = camera().config, camera(name="Sudirman").config
    assert mac_address(one) == mac_address(one) != mac_address(other)
    assert mac_address(one).startswith("02:")
