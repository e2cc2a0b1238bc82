"""Numbers, addresses, quirks and ways: the pure small parts of the ONVIF client."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from camctl.egress import PinnedTarget
from camctl.onvif import quirks
from camctl.onvif.addresses import service_urls, stream_url
from camctl.onvif.quirks import StopWay
from camctl.onvif.values import (
    SIGNED,
    UNSIGNED,
    Range,
    TimeoutLimits,
    from_camera,
    plain_number,
    scale_speed,
    to_camera,
    whole_seconds,
)
from camctl.onvif.ways import MOVE_WAYS, AxisParts, MoveWay, Ways, requests_for
from camctl.ptz.model import STILL, Velocity
from camctl.ptz.ports import CameraError, CameraFault

REACHED = PinnedTarget("http://cam.example:8000/onvif/device_service", "cam.example", "203.0.113.7", 8000)


@pytest.mark.parametrize(("given", "text"), [(1e-5, "0.0"), (-1e-5, "0.0"), (0.12345, "0.123"), (-1.0, "-1.0")])
def test_numbers_are_written_without_exponents(given: float, text: str) -> None:
    assert str(plain_number(given)) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_never_sent(value: float) -> None:
    for make in (
        lambda: plain_number(value),
        lambda: scale_speed(value, SIGNED),
        lambda: scale_speed(value, Range(-100, 100)),
    ):
        with pytest.raises(ValueError, match="finite"):
            make()


def test_speeds_are_scaled_and_zero_stays_zero() -> None:
    assert scale_speed(0.5, Range(-100, 100)) == 50
    assert scale_speed(-0.5, Range(-40, 100)) == -20
    assert scale_speed(0.0, Range(-100, 100)) == 0
    assert scale_speed(0.5, Range(0, 0)) == 0.5


def test_positions_there_and_back() -> None:
    degrees = Range(-170, 170)
    assert to_camera(0.5, SIGNED, degrees) == 85
    assert from_camera(85, SIGNED, degrees) == pytest.approx(0.5)
    assert to_camera(7, UNSIGNED, Range(1, 20)) == 20
    assert from_camera(999, SIGNED, degrees) == 1
    assert from_camera(0.3, SIGNED, Range(0, 0)) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("wanted_s", "limits", "sent"),
    [
        (1, TimeoutLimits(), 1),
        (0.2, TimeoutLimits(), 1),
        (1.2, TimeoutLimits(), 2),
        (1, TimeoutLimits(5, 60), 5),
        (90, TimeoutLimits(), 59),  # 60 s would be written PT1M
        (90, TimeoutLimits(1, 10), 10),
        (1, TimeoutLimits(0, 0), None),
    ],
)
def test_timeouts_are_whole_seconds_within_limits(wanted_s: float, limits: TimeoutLimits, sent: int | None) -> None:
    assert whole_seconds(wanted_s, limits) == (None if sent is None else timedelta(seconds=sent))


@pytest.mark.parametrize(
    ("xaddr", "urls"),
    [
        ("http://cam.example:8000/onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("http://203.0.113.7:8000/onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("http://192.168.1.108/onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("http://127.0.0.1:80/onvif/ptz?x=1", ["http://cam.example:8000/onvif/ptz?x=1"]),
        ("http://cam.example:81/ptz", ["http://cam.example:81/ptz", "http://cam.example:8000/ptz"]),
        ("http://192.168.1.108:80:80/onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("http://192.168.1.108:99999/onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("https://cam.example:443/onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("http://user:pw@10.0.0.1/onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("/onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("", ["http://cam.example:8000/onvif/device_service"]),
        ("  ", ["http://cam.example:8000/onvif/device_service"]),
        ("http://[fe80::1]/onvif/ptz", ["http://cam.example:8000/onvif/ptz"]),
        ("http://a/onvif/ptz http://b/other", ["http://cam.example:8000/onvif/ptz"]),
    ],
)
def test_service_addresses_are_mended(xaddr: str, urls: list[str]) -> None:
    assert list(service_urls(xaddr, REACHED)) == urls


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("rtsp://192.168.1.108:5540/live?ch=1&s=0", "rtsp://203.0.113.7:5540/live?ch=1&s=0"),
        ("rtsp://192.168.1.108/live", "rtsp://203.0.113.7:554/live"),
        ("RTSP://user:pw@127.0.0.1:8554/live", "rtsp://203.0.113.7:8554/live"),
        ("rtsp://0.0.0.0:0/live", "rtsp://203.0.113.7:554/live"),
        ("rtsp://10.0.0.1:554:554/live", "rtsp://203.0.113.7:554/live"),
        ("/live/main", "rtsp://203.0.113.7:554/live/main"),
        ("rtsp://10.0.0.1", "rtsp://203.0.113.7:554/"),
        ("rtsps://10.0.0.1/live", "rtsps://203.0.113.7:322/live"),
    ],
)
def test_stream_addresses_are_mended(uri: str, url: str) -> None:
    assert stream_url(uri, REACHED) == url


@pytest.mark.parametrize("uri", ["http://10.0.0.1/video", "file:///etc/passwd", "exec:/bin/sh", "", "gopher://x"])
def test_a_stream_that_is_not_rtsp_is_refused(uri: str) -> None:
    with pytest.raises(CameraError) as caught:
        stream_url(uri, REACHED)
    assert caught.value.fault is CameraFault.PROTOCOL


def test_an_ipv6_address_stands_in_brackets() -> None:
    reached = PinnedTarget("http://[2001:db8::7]/", "2001:db8::7", "2001:db8::7", 80)
    assert service_urls("http://10.0.0.1/ptz", reached) == ("http://[2001:db8::7]:80/ptz",)
    assert stream_url("rtsp://x/live", reached) == "rtsp://[2001:db8::7]:554/live"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (("Acme", "Dome", "1.0"), "default"),
        (("", "", ""), "default"),
        (("ONVIF_ICAMERA", "JM800S5_AF", "V3.4.0.3"), "jm800s5-ignores-timeout"),
        (("ONVIF_ICAMERA", "other", "V3.4.0.3"), "default"),
        (("Costar Cohu HD", "RISE", "2"), "cohu-stop-unimplemented"),
    ],
)
def test_a_camera_gets_the_row_that_is_for_it(said: tuple[str, str, str], name: str) -> None:
    assert quirks.match(*said).name == name


def test_what_each_row_changes() -> None:
    assert not quirks.named("ignores-timeout").honours_timeout
    assert not quirks.named("jm800s5-ignores-timeout").honours_timeout
    assert StopWay.PLAIN not in quirks.named("stop-needs-axes").stop_ways
    assert quirks.named("stop-refuses-both").stop_ways[0] is StopWay.PLAIN
    assert quirks.named("stop-unimplemented").stop_ways[0] is StopWay.ZERO_VELOCITY
    assert quirks.named("cohu-stop-unimplemented").stop_ways[0] is StopWay.ZERO_VELOCITY
    assert not quirks.named("no-zoom-element").has_zoom
    assert all(row.stop_ways for row in quirks.ROWS)
    assert len({row.name for row in quirks.ROWS}) == len(quirks.ROWS)
    with pytest.raises(ValueError, match=r"there are: .*default"):
        quirks.named("nonsense")


def test_ways_settle_on_what_was_accepted() -> None:
    ways = Ways("abc", settles=True)
    assert ways.order() == ("a", "b", "c")
    ways.accepted("b")
    assert ways.order() == ("b",)


def test_ways_of_stopping_are_all_tried_again() -> None:
    ways = Ways("abc", settles=False)
    ways.accepted("b")
    assert ways.order() == ("b", "a", "c")


def test_only_a_no_leads_to_the_next_way() -> None:
    ways = Ways("ab", settles=True)
    assert {fault for fault in CameraFault if ways.goes_on_after(CameraError(fault, ""))} == {
        CameraFault.REFUSED,
        CameraFault.UNSUPPORTED,
    }


BOTH, PAN_TILT, ZOOM = AxisParts(True, True), AxisParts(True, False), AxisParts(False, True)


@pytest.mark.parametrize(
    ("velocity", "way", "axes", "parts"),
    [
        (Velocity(pan=1), MoveWay(), (True, True), (BOTH,)),  # the zero for zoom stops it
        (Velocity(zoom=1), MoveWay(), (True, True), (BOTH,)),
        (Velocity(pan=1), MoveWay(), (True, False), (PAN_TILT,)),
        (Velocity(zoom=1), MoveWay(), (False, True), (ZOOM,)),
        (Velocity(zoom=1), MoveWay(), (True, False), ()),
        (Velocity(pan=1, zoom=1), MoveWay(), (True, False), (PAN_TILT,)),
        (Velocity(pan=1), MoveWay(together=False), (True, True), (PAN_TILT, ZOOM)),
        (Velocity(pan=1), MoveWay(zoom=False), (True, True), (PAN_TILT,)),
        (Velocity(zoom=1), MoveWay(zoom=False), (True, True), ()),
        (STILL, MoveWay(), (True, True), (BOTH,)),
        (STILL, MoveWay(), (False, False), ()),
    ],
)
def test_every_axis_that_the_camera_has_is_named(
    velocity: Velocity, way: MoveWay, axes: tuple[bool, bool], parts: tuple[AxisParts, ...]
) -> None:
    assert requests_for(velocity, way, has_pan_tilt=axes[0], has_zoom=axes[1]) == parts


def test_a_move_without_a_timeout_is_the_last_resort() -> None:
    assert [way.timeout for way in MOVE_WAYS] == [True, True, True, True, False]
