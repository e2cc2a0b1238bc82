"""Whatever is sent: an answer that is complete, no exception, and XML wherever XML is promised."""

from __future__ import annotations

import asyncio
import functools
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from simulators.onvif.device_service import SERVICES
from simulators.onvif.probes import read_probe
from tests.support import sim_onvif_kit as kit
from tests.support.sim_onvif_kit import Answer, Street

OPERATIONS = [
    (s.prefix, name) for s in SERVICES for name in s.operations if name not in ("SystemReboot", "PullMessages")
]
NAMES = st.sampled_from(
    [
        *("ProfileToken", "Velocity", "Position", "Translation", "Speed", "Timeout", "PanTilt", "Zoom", "PresetToken"),
        *("PresetName", "AuxiliaryData", "NodeToken", "VideoSourceToken", "ImagingSettings", "Brightness", "Focus"),
        *("Absolute", "Distance", "IncludeCapability", "Category", "UTCDateTime", "DateTimeType", "Name"),
        *("InitialTerminationTime", "MessageLimit"),
    ]
)
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="<&\"'\ufffe\uffff"), max_size=12
)
VALUES = st.one_of(
    XML_TEXT,
    st.floats().map(str),
    st.sampled_from(["profile_main", "video_source_0", "ptz_node_0", "1", "0", "true", "PT1S", "PT9999999H", "P999999Y",
                     "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1e38", "-0", "Manual", "All"]),
)  # fmt: skip


def element(prefix: str) -> st.SearchStrategy[str]:
    """Arguments that look like some, in either namespace, nested at most three deep."""
    leaf = st.builds(
        lambda space, name, value, x: f'<{space}:{name} x="{x}" y="{x}">{value}</{space}:{name}>',
        st.sampled_from([prefix, "tt"]),
        NAMES,
        VALUES,
        VALUES,
    )
    return st.recursive(
        leaf,
        lambda inner: st.builds(
            lambda space, name, children: f"<{space}:{name}>{''.join(children)}</{space}:{name}>",
            st.sampled_from([prefix, "tt"]),
            NAMES,
            st.lists(inner, max_size=3),
        ),
        max_leaves=6,
    )


@functools.cache
def street() -> Street:
    return Street()


def send(body: bytes, target: str = "/onvif/device_service") -> Answer:
    return asyncio.run(kit.request(street().app, body=body, target=target))


def is_whole(answer: Answer) -> None:
    """An answer, or a fault that says what is wrong; never the admission of a mistake of ours."""
    assert answer.status in (200, 400, 401, 500)
    assert "soap+xml" in dict(answer.headers)["content-type"] or "text/xml" in dict(answer.headers)["content-type"]
    root = etree.fromstring(answer.body)
    assert etree.QName(root).localname == "Envelope"
    if answer.status >= 400:
        assert root.find(".//{*}Fault") is not None
    assert b"internal error" not in answer.body


@given(st.binary(max_size=300))
def test_any_bytes(body: bytes) -> None:
    is_whole(send(body))


@given(st.data())
def test_any_damage_to_a_good_request(data: st.DataObject) -> None:
    good = kit.envelope(
        "<tptz:Stop><tptz:ProfileToken>profile_main</tptz:ProfileToken></tptz:Stop>", kit.token(street().device.wall_s)
    )
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 40)))
    is_whole(send(good[:start] + data.draw(st.binary(max_size=20)) + good[end:]))


@given(st.data())
def test_any_arguments_of_any_operation(data: st.DataObject) -> None:
    prefix, name = data.draw(st.sampled_from(OPERATIONS))
    inner = "".join(data.draw(st.lists(element(prefix), max_size=4)))
    body = kit.envelope(f"<{prefix}:{name}>{inner}</{prefix}:{name}>", kit.token(street().device.wall_s))
    is_whole(send(body))


@given(st.text(max_size=200), st.text(max_size=60))
def test_any_credentials(authorization: str, created: str) -> None:
    header = kit.token(street().device.wall_s)
    start, _, rest = header.partition("<wsu:Created>")
    clean = "".join(
        letter for letter in created if letter.isprintable() and letter not in "<&" and ord(letter) < 0xD800
    )
    body = kit.envelope("<trt:GetProfiles/>", f"{start}<wsu:Created>{clean}{rest[rest.index('<') :]}")
    is_whole(send(body))
    headers = {"authorization": authorization.encode("ascii", "ignore").decode()}
    is_whole(asyncio.run(kit.request(street().app, body=kit.envelope("<trt:GetProfiles/>"), headers=headers)))


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: st.dictionaries(st.sampled_from(["delay_s", "http_status", "x"]), inner, max_size=3),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_faults(body: bytes) -> None:
    own = Street()
    answer = asyncio.run(kit.request(own.app, "POST", "/simulator/faults", body))
    assert answer.status in (200, 422)
    json.loads(answer.body)


@given(st.binary(max_size=300))
def test_any_datagram(datagram: bytes) -> None:
    read_probe(datagram)


def test_a_mistake_of_ours_is_a_fault_and_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = Street()

    def broken() -> None:
        raise RuntimeError("the motor caught fire")

    monkeypatch.setattr(own.camera, "status", broken)
    with caplog.at_level(logging.ERROR):
        answer = asyncio.run(own.ptz("GetStatus"))
    assert answer.fault == ["Receiver", "Action"]
    assert "the motor caught fire" in caplog.text
    assert "fire" not in answer.body.decode()
