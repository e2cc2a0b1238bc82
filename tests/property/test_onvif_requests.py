"""Requests that are filled in are what zeep would have written; answers are read as http.client reads them."""

from __future__ import annotations

import http.client
import io
import itertools
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from camctl.onvif.answer import AnswerReader, NotHttpError, TooLargeError
from camctl.onvif.capabilities import Space, Spaces
from camctl.onvif.documents import Documents, Service
from camctl.onvif.envelopes import Envelopes, RequestMaker
from camctl.onvif.quirks import StopWay
from camctl.onvif.steering import Parameters, Steering
from camctl.onvif.token import CameraClock, Stamp, UsernameToken
from camctl.onvif.values import Range, TimeoutLimits
from camctl.onvif.ways import MOVE_WAYS, STEP_WAYS, AxisParts
from camctl.ptz.model import Velocity

ENVELOPES = Envelopes(Documents())
STAMP = Stamp("c3RhbXA9PQ==", "bm9uY2U=", "2026-03-01T03:30:15Z")

_xml_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]).filter(
        lambda c: c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff")
    ),
    max_size=20,
)
_share = st.floats(-1, 1)
_velocity = st.builds(Velocity, _share, _share, _share)
_range = st.builds(lambda low, size: Range(low, low + size), st.floats(-400, 0), st.floats(0.5, 400))
_space = st.builds(Space, _xml_text, _range, _range)
_steering = st.builds(
    Steering,
    _xml_text.filter(bool),
    st.builds(Spaces, _space, st.none() | _space, _space, st.none() | _space, _space, st.none() | _space),
    st.booleans(),
    st.builds(TimeoutLimits, st.integers(0, 5), st.integers(5, 59)),
)


class _Token(UsernameToken):
    """A token whose stamp does not change."""

    def stamp(self) -> Stamp:
        return STAMP


def by_zeep(token: UsernameToken, operation: str, parameters: Parameters) -> Any:
    envelope, _ = ENVELOPES.write(Service.PTZ, operation, parameters)
    token.write(envelope, STAMP)
    return etree.fromstring(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"))


def same(made: bytes, expected: Any) -> bool:
    """Whether two documents have the same infoset: canonical XML is equal exactly then."""
    return etree.tostring(etree.fromstring(made), method="c14n") == etree.tostring(expected, method="c14n")


@given(
    username=_xml_text,
    password=st.text(max_size=20),
    steering=_steering,
    velocities=st.lists(_velocity, min_size=1, max_size=3),
    timeout_s=st.integers(1, 100),
    data=st.data(),
)
def test_what_is_filled_in_is_what_zeep_writes(
    username: str, password: str, steering: Steering, velocities: list[Velocity], timeout_s: int, data: st.DataObject
) -> None:
    token = _Token(username, password, CameraClock())
    maker = RequestMaker(ENVELOPES, token)
    move_way, step_way = data.draw(st.sampled_from(MOVE_WAYS)), data.draw(st.sampled_from(STEP_WAYS))
    axes = AxisParts(pan_tilt=data.draw(st.booleans()), zoom=data.draw(st.booleans()))
    for velocity in velocities:  # the same form with other numbers
        asked = [("ContinuousMove", each) for each in steering.continuous_moves(velocity, timeout_s, move_way)]
        asked += [("RelativeMove", each) for each in steering.steps(velocity, velocity, axes, step_way)]
        asked += [("Stop", each) for way in StopWay for each in steering.stops(way)]
        for operation, parameters in asked:
            made = maker.make(Service.PTZ, operation, parameters)
            assert same(made.body, by_zeep(token, operation, parameters))


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 10**6))
def test_any_number_and_any_duration(number: float, seconds: int) -> None:
    token = _Token("operator", "secret", CameraClock())
    maker = RequestMaker(ENVELOPES, token)
    parameters = {
        "ProfileToken": "p",
        "Velocity": {"PanTilt": {"x": number, "y": -number}},
        "Timeout": timedelta(seconds=seconds),
    }
    for _ in range(2):
        assert same(
            maker.make(Service.PTZ, "ContinuousMove", parameters).body, by_zeep(token, "ContinuousMove", parameters)
        )


@given(st.lists(_xml_text, min_size=1, max_size=5))
def test_names_are_parts_of_the_form_and_never_mixed_up(names: list[str]) -> None:
    token = _Token("operator", "secret", CameraClock())
    maker = RequestMaker(ENVELOPES, token)
    for name in (*names, *names):
        parameters = {"ProfileToken": "p", "PresetName": name}
        assert same(maker.make(Service.PTZ, "SetPreset", parameters).body, by_zeep(token, "SetPreset", parameters))


class _Socket:
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def makefile(self, _mode: str) -> io.BytesIO:
        return self._file


def by_http_client(data: bytes) -> tuple[int, bytes, str] | None:
    response = http.client.HTTPResponse(_Socket(data), method="POST")  # type: ignore[arg-type]
    try:
        response.begin()
        return response.status, response.read(), (response.getheader("X-Name") or "").strip()
    except (http.client.HTTPException, ValueError):
        return None


def by_reader(data: bytes, cuts: list[int]) -> tuple[int, bytes, str] | None:
    reader = AnswerReader(100_000)
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    try:
        done = any(reader.feed(data[a:b]) for a, b in itertools.pairwise(places)) or reader.end()
    except NotHttpError:
        return None
    if not done or reader.reply is None:
        return None
    return reader.reply.status, reader.reply.body, str(reader.reply.headers.get("X-Name", ""))


_body = st.binary(max_size=300)
_cuts = st.lists(st.integers(0, 2000), max_size=8)


def _chunked(body: bytes, sizes: list[int]) -> bytes:
    parts = []
    for size in sizes:
        part, body = body[:size], body[size:]
        if part:
            parts.append(b"%x;ext=1\r\n%s\r\n" % (len(part), part))
    if body:
        parts.append(b"%X\r\n%s\r\n" % (len(body), body))
    return b"".join(parts) + b"0\r\nTrailer: x\r\n\r\n"


@given(
    body=_body,
    cuts=_cuts,
    status=st.sampled_from([200, 202, 400, 401, 500]),
    version=st.sampled_from(["1.0", "1.1"]),
    reason=st.sampled_from([" OK", " ", "", " Not Found at all"]),
    framing=st.sampled_from(["length", "chunked", "close"]),
    end=st.sampled_from([b"\r\n", b"\n"]),
    interim=st.booleans(),
    sizes=st.lists(st.integers(1, 50), max_size=5),
)
def test_a_whole_answer_is_read_as_http_client_does(
    body: bytes,
    cuts: list[int],
    status: int,
    version: str,
    reason: str,
    framing: str,
    end: bytes,
    interim: bool,
    sizes: list[int],
) -> None:
    head = [f"HTTP/{version} {status}{reason}".encode(), b"X-Name:  a value \t", b"Server: x"]
    head += {"length": [b"Content-length: %d" % len(body)], "chunked": [b"transfer-encoding: Chunked"], "close": []}[
        framing
    ]
    document = end.join([*head, b"", b""]) + (_chunked(body, sizes) if framing == "chunked" else body)
    if interim:
        document = b"HTTP/1.1 100 Continue" + end + end + document
    read = by_reader(document, cuts)
    assert read == by_http_client(document)
    assert read == (status, body, "a value")


@given(
    data=st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail), cuts=_cuts
)
def test_anything_is_read_or_refused(data: bytes, cuts: list[int]) -> None:
    by_reader(data, cuts)


@given(body=st.binary(min_size=51, max_size=200), cuts=_cuts, framing=st.sampled_from(["length", "chunked", "close"]))
def test_what_is_too_large_is_cut(body: bytes, cuts: list[int], framing: str) -> None:
    head = {"length": b"Content-Length: %d\r\n" % len(body), "chunked": b"Transfer-Encoding: chunked\r\n", "close": b""}
    data = b"HTTP/1.1 200 OK\r\n" + head[framing] + b"\r\n" + (_chunked(body, [7]) if framing == "chunked" else body)
    reader = AnswerReader(50)
    try:
        for place in range(0, len(data), 1 + (cuts[0] if cuts else 0)):
            assert not reader.feed(data[place : place + 1 + (cuts[0] if cuts else 0)])
    except TooLargeError:
        return
    raise AssertionError("it was not cut")
