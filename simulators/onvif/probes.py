"""WS-Discovery messages (April 2005 draft, as ONVIF Core 7 uses it): probes read, answers written. Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from lxml import etree

from simulators.onvif.device import CameraEndpoint
from simulators.onvif.scopes import endpoint_uuid, scopes
from simulators.onvif.soap import SoapFaultError, parse
from simulators.onvif.xml import Xml, el, join

DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": ADDRESSING,
    "d": DISCOVERY,
    "dn": "http://www.onvif.org/ver10/network/wsdl",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
}
_ANONYMOUS = f"{ADDRESSING}/role/anonymous"
_EVERYBODY = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
_TYPES = {f"{{{_NAMESPACES['dn']}}}NetworkVideoTransmitter", f"{{{_NAMESPACES['tds']}}}Device"}
_RFC3986 = f"{DISCOVERY}/rfc3986"
_STRCMP = f"{DISCOVERY}/strcmp0"


@dataclass(frozen=True, slots=True)
class Probe:
    """What somebody looks for; empty sets mean anything."""

    message_id: str
    types: frozenset[str]
    scopes: tuple[str, ...]
    match_by: str

    def wants(self, offered: tuple[str, ...]) -> bool:
        """Whether a camera with these scopes is meant."""
        if not self.types <= _TYPES or self.match_by not in (_RFC3986, _STRCMP):
            return False
        return all(any(self._matches(scope, each) for each in offered) for scope in self.scopes)

    def _matches(self, wanted: str, offered: str) -> bool:
        if self.match_by == _STRCMP:
            return wanted == offered
        wanted, offered = wanted.rstrip("/").lower(), offered.rstrip("/").lower()
        return offered == wanted or offered.startswith(f"{wanted}/")


def read_probe(datagram: bytes) -> Probe | None:
    """The Probe in a datagram; None for anything else."""
    try:
        request = parse(datagram)
    except SoapFaultError:
        return None
    if request.operation != (DISCOVERY, "Probe") or request.header is None:
        return None
    message_id = request.header.findtext(f"{{{ADDRESSING}}}MessageID")
    if not message_id:
        return None
    wanted = request.body.find(f"{{{DISCOVERY}}}Scopes")
    return Probe(
        message_id.strip(),
        frozenset(_types(request.body.find(f"{{{DISCOVERY}}}Types"))),
        tuple((wanted.text or "").split()) if wanted is not None else (),
        wanted.get("MatchBy", _RFC3986) if wanted is not None else _RFC3986,
    )


def _types(element: etree._Element | None) -> list[str]:
    """The qualified names in a Types element, prefixes resolved; an unknown prefix stays and so matches nothing."""
    names: list[str] = []
    for word in (element.text or "").split() if element is not None else ():
        prefix, _, local = word.rpartition(":")
        space = element.nsmap.get(prefix or None) if element is not None else None
        names.append(f"{{{space}}}{local}" if space else word)
    return names


def match(probe: Probe, endpoint: CameraEndpoint, host: str) -> bytes:
    """The ProbeMatches answer of one camera."""
    body = el("d:ProbeMatches", el("d:ProbeMatch", _about(endpoint, host)))
    relates = el("a:RelatesTo", probe.message_id)
    return _message("ProbeMatches", _ANONYMOUS, body, relates)


def hello(endpoint: CameraEndpoint, host: str) -> bytes:
    """The greeting of a camera that starts."""
    return _message("Hello", _EVERYBODY, el("d:Hello", _about(endpoint, host)))


def bye(endpoint: CameraEndpoint) -> bytes:
    """The farewell of a camera that stops."""
    return _message("Bye", _EVERYBODY, el("d:Bye", _reference(endpoint)))


def _reference(endpoint: CameraEndpoint) -> Xml:
    return el("a:EndpointReference", el("a:Address", endpoint_uuid(endpoint)))


def _about(endpoint: CameraEndpoint, host: str) -> Xml:
    return join(
        _reference(endpoint),
        el("d:Types", "dn:NetworkVideoTransmitter tds:Device"),
        el("d:Scopes", " ".join(scopes(endpoint.camera.config))),
        el("d:XAddrs", f"http://{host}:{endpoint.onvif_port}/onvif/device_service"),
        el("d:MetadataVersion", 1),
    )


def _message(action: str, to: str, body: Xml, *more: Xml) -> bytes:
    header = el(
        "s:Header",
        el("a:Action", f"{DISCOVERY}/{action}"),
        el("a:MessageID", f"urn:uuid:{uuid.uuid4()}"),
        *more,
        el("a:To", to),
    )
    declared: dict[str, str | int | float | bool | None] = {
        f"xmlns:{prefix}": space for prefix, space in _NAMESPACES.items()
    }
    envelope = el("s:Envelope", header, el("s:Body", body), **declared)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{envelope}'.encode()
