from __future__ import annotations

import pytest

from streams.rtsp.protocol import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    Headers,
    Interleaved,
    Parser,
    ProtocolError,
    Request,
    Response,
    cseq_of,
    frame,
    serialise,
)


def parse(data: bytes) -> list[object]:
    return list(Parser().feed(data))


def test_requests_responses_and_packets_of_one_connection_come_in_order() -> None:
    request = Request("SETUP", "rtsp://h/p?x=1&y=2", Headers([("CSeq", "1"), ("Transport", "RTP/AVP/TCP")]))
    response = Response(200, "OK", Headers([("CSeq", "1"), ("Content-Length", "3")]), b"v=0")
    data = serialise(request) + frame(1, b"\r\n$") + b"\r\n\n" + serialise(response) + frame(255, b"")
    assert parse(data) == [request, Interleaved(1, b"\r\n$"), response, Interleaved(255, b"")]


def test_bare_line_feeds_folded_lines_and_a_missing_reason_are_tolerated() -> None:
    (response,) = parse(b"RTSP/1.0 401\nCSeq : 3\nWWW-Authenticate: Digest realm=x,\n\tnonce=y\n\n")
    assert isinstance(response, Response)
    assert (response.status, response.reason, cseq_of(response.headers)) == (401, "", 3)
    assert response.headers.get("www-authenticate") == "Digest realm=x, nonce=y"


def test_several_fields_of_one_name_are_kept() -> None:
    headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])
    assert headers.get_all("A") == ["1", "3"]
    assert headers.get("x", "none") == "none"
    assert "1" not in repr(headers)


@pytest.mark.parametrize(
    ("data", "offset", "reason"),
    [
        (b"\x16\x03\x01\x02", 0, "neither a message"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 0, "status line"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", 0, "status line"),
        (b"RTSP/1.0 20 OK\r\n", 0, "status line"),
        (b"GET / HTTP/1.1\r\n", 0, "status line"),
        (b"OPTIONS rtsp://h/\x00 RTSP/1.0\r\n", 0, "status line"),
        (b"RTSP/1.0 200 OK\r\nno colon\r\n", 17, "malformed header field"),
        (b"RTSP/1.0 200 OK\r\nA: b\x00\r\n", 17, "malformed header field"),
        (b"RTSP/1.0 200 OK\r\nA b: c\r\n", 17, "malformed header field"),
        (b"RTSP/1.0 200 OK\r\n folded\r\n", 17, "continuation"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", 37, "unusable Content-Length"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 55, "unusable Content-Length"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), 41, "body above"),
        (frame(0, b"ok") + b"RTSP/1.0 200 OK\r\nA: " + b"x" * MAX_HEADER_BYTES, 23, "header above"),
        (b"A" * (MAX_HEADER_BYTES + 1), 0, "header above"),
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_garbage_is_located_however_it_is_cut(data: bytes, offset: int, reason: str, piece: int) -> None:
    parser = Parser()

    def feed_all() -> None:
        for start in range(0, len(data), piece):
            list(parser.feed(data[start : start + piece]))

    with pytest.raises(ProtocolError, match=reason) as caught:
        feed_all()
    assert caught.value.offset == offset
    with pytest.raises(ProtocolError, match=reason):
        list(parser.feed(b"OPTIONS * RTSP/1.0\r\n\r\n"))


def test_events_before_the_garbage_are_delivered() -> None:
    iterator = Parser().feed(frame(0, b"good") + b"\xff")
    assert next(iterator) == Interleaved(0, b"good")
    with pytest.raises(ProtocolError, match="offset 8"):
        next(iterator)


def test_an_error_never_repeats_what_came() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse(b"RTSP/1.0 200 OK\r\nsecret hunter2\r\n")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "message",
    [
        Request("OPTIONS", "rtsp://h/ RTSP/1.0\r\nEvil: yes"),
        Request("OPTIONS", "rtsp://h/a b"),
        Request("OPT IONS", "*"),
        Request("", "*"),
        Request("OPTIONS", ""),
        Request("OPTIONS", "*", Headers([("A", "b\r\nEvil: yes")])),
        Request("OPTIONS", "*", Headers([("A", "b\nEvil: yes")])),
        Request("OPTIONS", "*", Headers([("A: b\r\nEvil", "yes")])),
        Response(200, "OK\r\nEvil: yes"),
        Response(20),
    ],
)
def test_nothing_that_we_write_can_smuggle_a_line(message: Request | Response) -> None:
    with pytest.raises(ValueError, match=r"characters|token|three digits") as caught:
        serialise(message)
    assert "yes" not in str(caught.value)


@pytest.mark.parametrize(("text", "number"), [("7", 7), (" 8 ", 8), ("", None), ("-1", None), ("x", None), ("²", None)])
def test_cseq(text: str, number: int | None) -> None:
    assert cseq_of(Headers([("CSeq", text)])) == number


def test_idle_between_messages_only() -> None:
    parser = Parser()
    assert parser.is_idle
    list(parser.feed(b"$\0\0\4ab"))
    assert not parser.is_idle
    assert list(parser.feed(b"cd")) == [Interleaved(0, b"abcd")]
    assert parser.is_idle
