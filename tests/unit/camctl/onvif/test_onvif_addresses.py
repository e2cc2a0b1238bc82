"""Addresses as cameras give them, and where calls and streams really go: never to another host."""

from __future__ import annotations

import pytest

from camctl.egress import PinnedTarget
from camctl.onvif.addresses import service_urls, stream_url
from camctl.ptz.ports import CameraError, CameraFault

REACHED = PinnedTarget("http://cam.example.org:8081/onvif/device_service", "cam.example.org", "203.0.113.7", 8081)
MENDED = "http://cam.example.org:8081/onvif/ptz_service"


@pytest.mark.parametrize(
    "given",
    [
        "http://cam.example.org:8081/onvif/ptz_service",
        "http://192.168.1.108/onvif/ptz_service",
        "http://192.168.1.108:80:80/onvif/ptz_service",
        "http://127.0.0.1:8000/onvif/ptz_service",
        "http://169.254.169.254/onvif/ptz_service",
        "/onvif/ptz_service",
        "onvif/ptz_service",
        "http:///onvif/ptz_service",
        " http://192.168.1.108/onvif/ptz_service http://[fe80::1]/onvif/ptz_service ",
        "http://admin:secret@192.168.1.108/onvif/ptz_service",
    ],
)
def test_a_service_is_called_where_the_camera_was_reached(given: str) -> None:
    assert service_urls(given, REACHED) == (MENDED,)


@pytest.mark.parametrize("given", ["", " ", "/"])
def test_without_an_address_the_device_service_is_asked(given: str) -> None:
    assert service_urls(given, REACHED) == (REACHED.url,)


@pytest.mark.parametrize("host", ["cam.example.org", "CAM.example.org", "203.0.113.7"])
def test_another_port_of_the_same_host_is_tried_first(host: str) -> None:
    first, second = service_urls(f"http://{host}:8899/onvif/ptz_service", REACHED)
    assert first == "http://cam.example.org:8899/onvif/ptz_service"
    assert second == MENDED


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("rtsp://192.168.1.108:8554/main?channel=1", "rtsp://203.0.113.7:8554/main?channel=1"),
        ("rtsp://192.168.1.108/main", "rtsp://203.0.113.7:554/main"),
        ("rtsp://admin:secret@192.168.1.108/main", "rtsp://203.0.113.7:554/main"),
        ("RTSP://203.0.113.7:554/live/ch0", "rtsp://203.0.113.7:554/live/ch0"),
        ("/live/ch0", "rtsp://203.0.113.7:554/live/ch0"),
        ("rtsp://192.168.1.108:99999/main", "rtsp://203.0.113.7:554/main"),
    ],
)
def test_a_stream_is_pulled_from_the_host_that_was_reached(given: str, wanted: str) -> None:
    assert stream_url(given, REACHED) == wanted


@pytest.mark.parametrize("given", ["", "http://192.168.1.108/video.mjpg", "file:///etc/passwd"])
def test_what_is_no_stream_is_an_error_of_the_camera(given: str) -> None:
    with pytest.raises(CameraError) as caught:
        stream_url(given, REACHED)
    assert caught.value.fault is CameraFault.PROTOCOL


def test_an_ipv6_camera_keeps_its_brackets() -> None:
    reached = PinnedTarget("http://[2001:db8::7]/onvif/device_service", "2001:db8::7", "2001:db8::7", 80)
    assert service_urls("/x", reached) == ("http://[2001:db8::7]:80/x",)
    assert stream_url("rtsp://10.0.0.1/main", reached) == "rtsp://[2001:db8::7]:554/main"
