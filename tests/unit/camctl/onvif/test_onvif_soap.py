"""What cameras answer, judged: the answer, a no of some kind, or not SOAP at all."""

from __future__ import annotations

import time
import tracemalloc
from itertools import pairwise

import pytest

from camctl.onvif.http import MAX_REPLY_BYTES
from camctl.onvif.soap import read_reply
from camctl.ptz.ports import CameraError, CameraFault

_12 = "http://www.w3.org/2003/05/soap-envelope"
_11 = "http://schemas.xmlsoap.org/soap/envelope/"
GOOD = f'<s:Envelope xmlns:s="{_12}"><s:Body><StopResponse/></s:Body></s:Envelope>'.encode()


def fault(*codes: str, reason: str = "no") -> bytes:
    inner = ""
    for code in reversed(codes):
        inner = f"<s:Subcode><s:Value>{code}</s:Value>{inner}</s:Subcode>"
    return (
        f'<s:Envelope xmlns:s="{_12}" xmlns:ter="http://www.onvif.org/ver10/error"><s:Body><s:Fault>'
        f"<s:Code><s:Value>s:Sender</s:Value>{inner}</s:Code>"
        f"<s:Reason><s:Text xml:lang='en'>{reason}</s:Text></s:Reason>"
        f"</s:Fault></s:Body></s:Envelope>"
    ).encode()


def error(status: int, body: bytes) -> CameraError:
    with pytest.raises(CameraError) as caught:
        read_reply(status, body, "Stop")
    return caught.value


def test_an_answer_passes_as_it_is() -> None:
    assert read_reply(200, b"\n" + GOOD, "Stop") == GOOD


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, fault("ter:NotAuthorized"), CameraFault.BAD_CREDENTIALS),
        (500, fault("wsse:FailedAuthentication"), CameraFault.BAD_CREDENTIALS),
        (200, fault("ter:NotAuthorized"), CameraFault.BAD_CREDENTIALS),
        (401, b"<html><body>401 Unauthorized</body></html>", CameraFault.BAD_CREDENTIALS),
        (401, b"", CameraFault.BAD_CREDENTIALS),
        (400, fault(reason="Authority failure"), CameraFault.BAD_CREDENTIALS),
        (500, fault("ter:ActionNotSupported"), CameraFault.UNSUPPORTED),
        (500, fault("ter:ActionNotSupported", "ter:PTZNotSupported"), CameraFault.UNSUPPORTED),
        (500, fault(reason="Method not implemented"), CameraFault.UNSUPPORTED),
        (400, fault("ter:InvalidArgVal", "ter:NoProfile"), CameraFault.REFUSED),
        (500, fault("ter:Action"), CameraFault.REFUSED),
        (500, b"<html>500</html>", CameraFault.PROTOCOL),
        (503, b"", CameraFault.PROTOCOL),
        (404, b"not found", CameraFault.PROTOCOL),
        (302, b"", CameraFault.PROTOCOL),
        (200, b"", CameraFault.PROTOCOL),
        (200, b"\x00\xff\xfe garbage", CameraFault.PROTOCOL),
        (200, b"<html>hello</html>", CameraFault.PROTOCOL),
        (200, GOOD[:-3], CameraFault.PROTOCOL),
        (200, GOOD.replace(b"StopResponse", b"GetStatusResponse"), CameraFault.PROTOCOL),
        (200, f'<s:Envelope xmlns:s="{_12}"><s:Body/></s:Envelope>'.encode(), CameraFault.PROTOCOL),
        (200, b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + GOOD, CameraFault.PROTOCOL),
    ],
)
def test_every_other_answer_has_its_kind(status: int, body: bytes, kind: CameraFault) -> None:
    assert error(status, body).fault is kind


def test_a_fault_of_soap_1_1_is_understood() -> None:
    body = (
        f'<s:Envelope xmlns:s="{_11}"><s:Body><s:Fault><faultcode>ter:NotAuthorized</faultcode>'
        "<faultstring>Sender not authorized</faultstring></s:Fault></s:Body></s:Envelope>"
    ).encode()
    assert error(500, body).fault is CameraFault.BAD_CREDENTIALS


def test_a_refusal_repeats_the_cameras_words_in_one_printable_line() -> None:
    said = error(400, fault("ter:InvalidArgVal", reason="a\n\t b\u202e" + "x" * 500)).detail
    assert "InvalidArgVal" in said
    assert said.isprintable()
    assert len(said) < 300


def test_latin_1_in_a_document_that_says_utf_8_is_read() -> None:
    body = GOOD.replace(b"<StopResponse/>", b"<StopResponse>Caf\xe9</StopResponse>")
    assert "Café" in read_reply(200, body, "Stop").decode("utf-8")


# A camera that somebody took over answers with XML that was made to hurt ----------------------------------------------

_BOMB = "<!ENTITY a 'lol'>" + "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in pairwise("abcdefghij"))


def enveloped(content: str, before: str = "") -> bytes:
    body = f"<s:Body><StopResponse>{content}</StopResponse></s:Body>"
    return f'{before}<s:Envelope xmlns:s="{_12}">{body}</s:Envelope>'.encode()


HURTING = {
    "billion laughs": enveloped("&j;", f"<!DOCTYPE s [{_BOMB}]>"),
    "quadratic": enveloped("&a;" * 50_000, f"<!DOCTYPE s [<!ENTITY a '{'x' * 10_000}'>]>"),
    "a file": enveloped("&f;", '<!DOCTYPE s [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
    "another machine": enveloped("&f;", '<!DOCTYPE s [<!ENTITY f SYSTEM "http://169.254.169.254/latest">]>'),
    "a parameter entity": enveloped("", '<!DOCTYPE s [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>'),
    "an external DTD": enveloped("", '<!DOCTYPE s SYSTEM "http://127.0.0.1:9/x.dtd">'),
    "a document type alone": enveloped("", "<!DOCTYPE s>"),
    "a default attribute": enveloped("", '<!DOCTYPE s [<!ATTLIST StopResponse a CDATA "x">]>'),
    "deep nesting": enveloped("<a>" * 20_000 + "</a>" * 20_000),
    "deep nesting without an end": enveloped("<a>" * 100_000),
    "a huge text": enveloped("x" * 11_000_000),
    "an unknown entity": enveloped("&nbsp;"),
    "billion laughs in UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>'
    + enveloped("&j;", f"<!DOCTYPE s [{_BOMB}]>").decode().encode("utf-7"),
    "billion laughs in UTF-16": enveloped("&j;", f"<!DOCTYPE s [{_BOMB}]>").decode().encode("utf-16"),
    "bytes of zero": enveloped("\0"),
}


@pytest.mark.parametrize("body", HURTING.values(), ids=HURTING)
def test_xml_that_hurts_is_no_answer_and_costs_little(body: bytes) -> None:
    tracemalloc.start()
    started = time.process_time()
    try:
        found = error(200, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.fault is CameraFault.PROTOCOL
    assert time.process_time() - started < 1.0
    assert peak < 4 * len(body) + 1_000_000
    assert "root:" not in found.detail


def test_as_much_as_an_answer_may_hold_is_read_in_a_moment() -> None:
    """Under the limit on an answer's size (1 MB), whatever its form: one huge attribute, or very many, or elements."""
    room = MAX_REPLY_BYTES - 1000
    for content in (
        f'<a b="{"x" * room}"/>',
        "<a " + " ".join(f'a{i}="1"' for i in range(room // 12)) + "/>",
        "<a/>" * (room // 4),
        "".join(f'<a xmlns:n{i}="u{i}"/>' for i in range(room // 26)),
    ):
        body = enveloped(content)
        assert len(body) <= MAX_REPLY_BYTES
        started = time.process_time()
        assert read_reply(200, body, "Stop") == body
        assert time.process_time() - started < 1.5
