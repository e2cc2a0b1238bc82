from __future__ import annotations

import pytest
from lxml import etree

from simulators.onvif import soap
from simulators.onvif.xml import SOAP_11, Xml, el, join, plain
from tests.support.sim_onvif_kit import envelope

STOP = "<tptz:Stop><tptz:ProfileToken>p</tptz:ProfileToken></tptz:Stop>"
PTZ = "http://www.onvif.org/ver20/ptz/wsdl"


def subcodes(document: bytes) -> tuple[str, ...]:
    with pytest.raises(soap.SoapFaultError) as caught:
        soap.parse(document)
    assert caught.value.side == "Sender"
    return caught.value.subcodes


def test_the_body_says_what_is_asked() -> None:
    request = soap.parse(envelope(STOP))
    assert request.operation == (PTZ, "Stop")
    assert request.envelope == soap.SOAP_12


def test_the_action_header_is_not_believed() -> None:
    header = f"<wsa:Action>{PTZ}/ContinuousMove</wsa:Action>"
    assert soap.parse(envelope(STOP, header)).operation == (PTZ, "Stop")


def test_soap_1_1_is_understood_and_answered_in_kind() -> None:
    request = soap.parse(envelope(STOP, soap=SOAP_11))
    reply = soap.answer(request, "tptz", Xml(""))
    assert etree.fromstring(reply.body).tag == f"{{{SOAP_11}}}Envelope"
    assert reply.content_type.startswith("text/xml")
    refused = soap.fault(soap.invalid_argument("no"), request)
    assert etree.fromstring(refused.body).findtext(".//faultcode") == "s:Client"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"hello",
        b"<a>",
        b"\xff\xfe\x00",
        b"<a/>",
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>',
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>',
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>text</s:Body></s:Envelope>',
        envelope("<tptz:Stop>\xe9</tptz:Stop>").decode().encode("latin-1"),
        envelope("<tptz:Stop/>" + "x" * soap.MAX_REQUEST_BYTES),
        envelope("<a>" * 400 + "</a>" * 400),
    ],
    ids=[
        *("empty", "text", "unclosed", "bytes", "no-envelope", "no-body", "empty-body", "text-body"),
        *("latin-1", "large", "deep"),
    ],
)
def test_what_is_no_envelope_is_not_well_formed(document: bytes) -> None:
    assert subcodes(document) == ("WellFormed",)


def test_entities_and_document_types_are_refused() -> None:
    laughs = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + envelope("<tptz:Stop>&b;</tptz:Stop>").decode()
    files = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + envelope("<tptz:Stop>&a;</tptz:Stop>").decode()
    outside = '<!DOCTYPE l SYSTEM "http://127.0.0.1:1/x.dtd">' + envelope(STOP).decode()
    for document in (laughs, files, outside):
        assert subcodes(document.encode()) == ("WellFormed",)
        assert subcodes(document.encode("utf-16")) == ("WellFormed",)


def test_a_fault_has_the_shape_of_onvif_core() -> None:
    reply = soap.fault(soap.invalid_argument("no such <preset>", "NoToken"))
    root = etree.fromstring(reply.body)
    spaces = {"s": soap.SOAP_12}
    assert reply.status == 400
    assert root.findtext("s:Body/s:Fault/s:Code/s:Value", None, spaces) == "s:Sender"
    assert root.findtext("s:Body/s:Fault/s:Code/s:Subcode/s:Value", None, spaces) == "ter:InvalidArgVal"
    assert root.findtext("s:Body/s:Fault/s:Code/s:Subcode/s:Subcode/s:Value", None, spaces) == "ter:NoToken"
    text = root.find("s:Body/s:Fault/s:Reason/s:Text", spaces)
    assert text is not None
    assert text.text == "no such <preset>"
    assert text.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert root.nsmap["ter"] == "http://www.onvif.org/ver10/error"
    assert soap.fault(soap.action_not_supported("X")).status == 500


def test_an_answer_relates_to_an_addressed_request() -> None:
    header = "<wsa:Action>urn:x</wsa:Action><wsa:MessageID>urn:uuid:1</wsa:MessageID>"
    root = etree.fromstring(soap.answer(soap.parse(envelope(STOP, header)), "tptz", Xml("")).body)
    assert root.findtext(".//{*}RelatesTo") == "urn:uuid:1"
    assert root.findtext(".//{*}Header/{*}Action") == "urn:xResponse"
    bare = etree.fromstring(soap.answer(soap.parse(envelope(STOP)), "tptz", Xml("")).body)
    assert bare.find("{*}Header") is None


def test_building_escapes_everything_that_is_not_xml() -> None:
    assert el("a", "<&>", b='"<') == """<a b='"&lt;'>&lt;&amp;&gt;</a>"""
    assert el("a", el("b"), None, True, c=None) == "<a><b/>true</a>"
    assert join(el("a"), None, el("b")) == "<a/><b/>"


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (-0.5, "-0.5"), (1e-5, "0.00001"), (-0.0, "0"), (0.1 + 0.2, "0.3"), (7, "7")]
)
def test_numbers_are_never_written_in_scientific_notation(value: float, text: str) -> None:
    assert plain(value) == text
