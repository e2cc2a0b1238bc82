"""Hostile and oddly cut bytes: parsers end, with an event or with their own error, and cutting never matters."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.rtsp.auth import ClientAuth, ServerAuth, Verdict, parse_credentials
from streams.rtsp.protocol import (
    Event,
    Headers,
    Interleaved,
    Parser,
    ProtocolError,
    Request,
    Response,
    frame,
    serialise,
)
from streams.rtsp.sdp import find_video, parse_sdp
from streams.rtsp.serving import path_of
from streams.rtsp.transport import TransportSpec, parse_transports

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() != "content-length"
)
values = (
    st.text(st.characters(blacklist_categories=("Cc", "Cs")), max_size=60)
    .map(str.strip)
    .map(lambda text: text.strip(" \t"))
)
fields = st.lists(st.tuples(names, values), max_size=5)
bodies = st.binary(max_size=300)


def _with_length(message: Request | Response) -> Request | Response:
    if message.body:
        message.headers.add("Content-Length", str(len(message.body)))
    return message


requests = st.builds(
    Request,
    st.sampled_from(["OPTIONS", "DESCRIBE", "SET_PARAMETER"]),
    st.sampled_from(["*", "rtsp://h/p?a=1&b=é", "/x"]),
    fields.map(Headers),
    bodies,
).map(_with_length)
responses = st.builds(Response, st.integers(100, 999), st.just("Fine"), fields.map(Headers), bodies).map(_with_length)
packets = st.builds(Interleaved, st.integers(0, 255), st.binary(max_size=200))
streams = st.lists(st.one_of(requests, responses, packets), max_size=8)
cuts = st.lists(st.integers(1, 60), min_size=1, max_size=20)


def wire(events: list[Event]) -> bytes:
    return b"".join(frame(*event) if isinstance(event, Interleaved) else serialise(event) for event in events)


def run(data: bytes, sizes: list[int]) -> tuple[list[Event], tuple[str, int] | None]:
    """The events of `data` cut into pieces of these sizes, again and again; and the error, if any."""
    parser, events, position, turn = Parser(), [], 0, 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        try:
            for event in parser.feed(data[position : position + size]):
                events.append(event)  # noqa: PERF402  # those before an error count
        except ProtocolError as error:
            return events, (error.reason, error.offset)
        position, turn = position + size, turn + 1
    return events, None


@settings(deadline=None)
@given(streams, cuts)
def test_what_is_written_is_read_back_however_it_is_cut(events: list[Event], sizes: list[int]) -> None:
    assert run(wire(events), sizes) == (events, None)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text("$RTSP/1.0 20\r\n:Ace\0", max_size=200).map(str.encode)), cuts)
def test_random_bytes_end_the_same_however_they_are_cut(data: bytes, sizes: list[int]) -> None:
    assert run(data, sizes) == run(data, [max(1, len(data))])


@settings(deadline=None)
@given(streams, st.integers(0, 2000), st.integers(0, 255), cuts)
def test_a_flipped_byte_ends_the_same_however_it_is_cut(
    events: list[Event], place: int, value: int, sizes: list[int]
) -> None:
    data = bytearray(wire(events))
    if data:
        data[place % len(data)] = value
    assert run(bytes(data), sizes) == run(bytes(data), [max(1, len(data))])


@settings(deadline=None)
@given(names, st.text(max_size=30), st.text(max_size=30))
def test_no_header_smuggles_a_line(name: str, key: str, value: str) -> None:
    message = Request("OPTIONS", "*", Headers([(name, value), (key, "x")]))
    try:
        data = serialise(message)
    except ValueError:
        return
    (read,) = Parser().feed(data)
    assert isinstance(read, Request)
    expected = [(one, two.strip(" \t")) for one, two in message.headers if one.lower() != "content-length"]
    assert list(read.headers) == expected


@settings(deadline=None)
@given(st.binary(max_size=500), st.text(max_size=40))
def test_descriptions_never_crash(data: bytes, base: str) -> None:
    find_video(parse_sdp(data), base)
    find_video(parse_sdp(b"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=" + data), base)


sdp_words = st.sampled_from(
    [
        "m=video",
        "a=rtpmap:",
        "a=fmtp:",
        "96",
        " ",
        "\n",
        "H264/90000",
        "sprop-parameter-sets=",
        "Zw==",
        ",",
        ";",
        "=",
        "a=",
    ]
)


@settings(deadline=None)
@given(st.lists(sdp_words, max_size=60).map("".join))
def test_descriptions_of_likely_words_never_crash(text: str) -> None:
    find_video(parse_sdp(text.encode()), "rtsp://h/")


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), st.text('Digest, bac="\\=nor;', max_size=100)), st.text(max_size=20))
def test_credentials_never_crash_and_junk_never_gets_in(text: str, uri: str) -> None:
    parse_credentials([text])
    assert ServerAuth({"u": "p"}, "r").check(text, "PLAY", uri, 0.0) in (Verdict.MISSING, Verdict.BAD)
    auth = ClientAuth("u", "p")
    auth.challenge([text])
    auth.answer("PLAY", uri)


@settings(deadline=None)
@given(st.text(min_size=1), st.text(), st.text(st.characters(blacklist_categories=("Cc", "Cs")), min_size=1))
def test_any_name_password_and_realm_get_in(username: str, password: str, realm: str) -> None:
    username = username.encode("utf-8", "replace").decode()
    password = password.encode("utf-8", "replace").decode()
    server = ServerAuth({username: password}, realm, ["digest", "digest-sha256"])
    for offer in server.challenges(5.0):
        client = ClientAuth(username, password)
        assert client.challenge([offer])
        answer = client.answer("SETUP", "rtsp://h/m") or ""
        assert server.check(answer, "SETUP", "rtsp://h/m", 6.0) is Verdict.GOOD
        assert server.check(answer, "PLAY", "rtsp://h/m", 6.0) is Verdict.BAD


@settings(deadline=None)
@given(st.text(max_size=200))
def test_transports_and_paths_never_crash(text: str) -> None:
    for spec in parse_transports(text):
        assert parse_transports(str(spec)) == [spec]
    assert parse_transports(str(TransportSpec(is_tcp=True))) == [TransportSpec(is_tcp=True)]
    path_of("rtsp://h/" + text)
