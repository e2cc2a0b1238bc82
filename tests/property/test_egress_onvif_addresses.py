"""Whatever a camera calls its services and streams, calls go to the host that was reached and nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camctl.egress import EgressPolicy, EgressRefusedError, PinnedTarget
from camctl.onvif.addresses import service_urls, stream_url
from camctl.onvif.soap import read_reply
from camctl.ptz.ports import CameraError

REACHED = PinnedTarget("http://8.8.8.8:8000/onvif/device_service", "8.8.8.8", "8.8.8.8", 8000)
hosts = st.sampled_from(["8.8.8.8", "127.0.0.1", "10.0.0.1", "[::1]", "evil.example", "a@8.8.8.8", "8.8.8.8@evil", ""])
ports = st.sampled_from(["", ":80", ":8000", ":0", ":99999", ":80:80", ":x", ":-1"])
paths = st.text(st.characters(codec="utf-8"), max_size=20).map("/{}".format)
xaddrs = st.one_of(
    st.text(max_size=60),
    st.builds(
        "{}://{}{}{}".format, st.sampled_from(["http", "https", "rtsp", "HTTP", "file", ""]), hosts, ports, paths
    ),
)


def resolve_nothing(_: str) -> list[str]:
    raise AssertionError("a name was looked up")


def is_safe(url: str, scheme: str) -> bool:
    try:
        target = EgressPolicy().check(url, schemes=frozenset({scheme}), resolve=resolve_nothing)
    except EgressRefusedError:
        return True
    return target.address == "8.8.8.8" and urlsplit(url).hostname == "8.8.8.8"


@given(xaddrs)
def test_services(xaddr: str) -> None:
    urls = service_urls(xaddr, REACHED)
    assert 1 <= len(urls) <= 2
    assert all(is_safe(url, "http") for url in urls)


@given(xaddrs)
def test_streams(uri: str) -> None:
    try:
        url = stream_url(uri, REACHED)
    except CameraError:
        return
    assert is_safe(url, "rtsp")
    assert "@" not in urlsplit(url).netloc


@given(st.integers(100, 599), st.binary(max_size=300))
def test_bytes_that_are_no_soap_are_a_camera_error(status: int, body: bytes) -> None:
    with pytest.raises(CameraError) as caught:
        read_reply(status, body, "GetStatus")
    assert caught.value.detail.isprintable()
