"""The pure parts of the steering benchmarks: matching, recorded answers, vanished packets, fingers."""

from __future__ import annotations

import pytest

from bench.light import address, as_template, from_template, index_of, operation_of
from bench.match import match
from bench.void import Void
from tests.support.phones import Finger


def test_a_message_is_matched_with_the_first_request_of_its_kind_before_the_next_message() -> None:
    sent = {"a": [("move", 1.0), ("move", 1.1), ("stop", 1.4)], "b": [("move", 1.0)]}
    arrived = {"a": [("move", 1.002), ("move", 1.06), ("move", 1.103), ("stop", 1.404), ("stop", 1.6)], "b": []}
    shares = match(sent, arrived)
    assert shares.took_s == {"move": pytest.approx([0.002, 0.003]), "stop": pytest.approx([0.004])}
    assert shares.missing == {"move": 1, "stop": 0}
    assert len(shares.all_s) == 3


def test_a_request_that_was_there_before_its_message_or_after_the_next_one_does_not_count() -> None:
    shares = match({"a": [("move", 1.0), ("move", 2.0)]}, {"a": [("move", 0.99), ("move", 2.5)]})
    assert shares.took_s["move"] == pytest.approx([0.5])
    assert shares.missing["move"] == 1


@pytest.mark.parametrize("index", [0, 1, 199, 200, 549])
def test_a_light_camera_is_known_by_its_address(index: int) -> None:
    assert index_of(address(index)) == index
    assert address(index).startswith("127.1.")


def request(body: str, path: str = "/onvif/ptz_service") -> bytes:
    envelope = f"<s:Envelope><s:Header><t:Nonce>x</t:Nonce></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    return f"POST {path} HTTP/1.1\r\nHost: 127.1.0.1:9\r\nContent-Length: {len(envelope)}\r\n\r\n{envelope}".encode()


def test_all_moves_have_one_answer_and_questions_are_told_apart_by_what_they_ask() -> None:
    left, right = (request(f"<p:ContinuousMove><p:X>{x}</p:X></p:ContinuousMove>") for x in (-1, 1))
    assert operation_of(left)[0] == b"ContinuousMove"
    assert operation_of(left) == operation_of(right)
    one, other = (request(f"<m:GetStreamUri>{token}</m:GetStreamUri>") for token in ("main", "sub"))
    assert operation_of(one)[1] != operation_of(other)[1]
    assert operation_of(request("<p:Stop/>"))[1] != operation_of(request("<p:Stop/>", "/onvif/other"))[1]
    assert operation_of(b"GET /snapshot HTTP/1.1\r\n\r\n") == (b"", b"GET /snapshot HTTP/1.1")


def test_a_kept_answer_is_given_with_the_askers_authority_and_the_right_length() -> None:
    body = b"<XAddr>http://127.0.0.1:41234/onvif</XAddr><a:RelatesTo>urn:1</a:RelatesTo>"
    reply = b"HTTP/1.1 200 OK\r\ncontent-type: application/soap+xml\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    template = as_template(reply, b"127.0.0.1:41234")
    assert template is not None
    given = from_template(template, b"127.1.0.17:5000")
    head, _, rest = given.partition(b"\r\n\r\n")
    assert rest == b"<XAddr>http://127.1.0.17:5000/onvif</XAddr><a:RelatesTo></a:RelatesTo>"
    assert b"content-length: %d" % len(rest) in head


def test_a_refusal_is_not_kept() -> None:
    assert as_template(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n", b"a:1") is None


def test_connections_asked_for_in_vain_are_counted_by_address_and_nothing_else_is() -> None:
    def packet(flags: int, protocol: int = 6, version: int = 4) -> bytes:
        header = bytes([version << 4 | 5]) + bytes(8) + bytes([protocol]) + bytes(6) + bytes([198, 19, 0, 10])
        return header + bytes(13) + bytes([flags]) + bytes(6)

    seen = Void()
    for each in (packet(0x02), packet(0x02), packet(0x12), packet(0x10), packet(0x02, 17), packet(0x02, 6, 6)):
        seen.see(each)
    assert {str(where): count for where, count in seen.asked.items()} == {Void.address(0): 2}


def test_a_fingers_moves_can_be_told_apart_and_turn_over() -> None:
    assert [Finger(0.05, step=0.001).velocity(number, 0.1 * number) for number in range(3)] == [0.05, 0.051, 0.052]
    to_and_fro = Finger(0.05, sweep_s=5.0)
    assert [to_and_fro.velocity(0, held_s) for held_s in (0.0, 4.9, 5.1, 10.1)] == [0.05, 0.05, -0.05, 0.05]
