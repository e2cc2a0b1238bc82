"""The configuration: strict, explained, and all faults at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from camctl.app import entry_of
from camctl.config import CameraConfig, CamerasConfig, Config, explained, faults, load, parse
from camctl.errors import ConfigError
from camctl.groundwork import outer_faults

ROOT = Path(__file__).parents[3]


def test_the_shipped_file_holds_exactly_the_defaults() -> None:
    assert load(ROOT / "config.yaml") == Config()


def test_the_example_that_the_command_prints_is_that_file() -> None:
    assert explained() == (ROOT / "config.yaml").read_text(encoding="utf-8")


def keys(model: type[BaseModel]) -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        found.add(name)
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= keys(annotation)
    return found


def test_the_shipped_file_explains_every_key() -> None:
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    for key in keys(Config):
        lines = [line for line in text.splitlines() if line.strip().startswith(f"{key}:")]
        assert lines, f"{key} is not there"
        assert all("#" in line or line.rstrip().endswith(":") for line in lines), f"{key} is not explained"


def test_every_fault_is_named_at_once() -> None:
    found = faults(
        {
            "server": {"port": "8080", "prot": 1},
            "media": {"udp_port": 70_000},
            "cameras": {"items": [{"id": "Upper", "name": "x", "area": "31"}]},
            "extra": 1,
        }
    )
    text = "\n".join(found)
    for key in (
        "server.port:",
        "server.prot: unknown key",
        "media.udp_port:",
        "cameras.items[0].id:",
        "extra: unknown key",
    ):
        assert key in text


def test_faults_behind_other_faults_are_named_too(tmp_path: Path) -> None:
    text = """
    server: {prot: 1}
    cameras:
      approved_networks: ["10.0.0.300/8"]
      items:
        - {id: a, name: A, area: "99.99", onvif: "http://10.0.0.1/", password_file: /no/such/file}
        - {id: a, name: B, area: "31"}
    """
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, also=outer_faults)
    for key in (
        "server.prot: unknown key",
        "cameras.approved_networks[0]: '10.0.0.300/8' is not a network",
        "cameras.items[0].area: there is no area 99.99",
        "cameras.items[0].password_file: ",
        "cameras.items[1]: give either onvif",
        "cameras.items[1].id: the camera id 'a' is used twice",
    ):
        assert key in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("server: [", "is not YAML at line"),
        ("cameras: {items: [{id: 2026-13-45}]}", "has a value that cannot be read: month must be in"),
        (f"server: {'[' * 5000}", "has a value that cannot be read"),
        ("- a\n- b", "the file:"),
        ("cameras: {items: [{id: a, name: a, area: '31'}]}", "give either onvif"),
        ("cameras: {approved_networks: ['10.0.0.0/40']}", "is not a network"),
        (
            "cameras: {items: [{id: a, name: a, area: '31', onvif: 'ftp://10.0.0.1/'}]}",
            "items[0].onvif: not an address",
        ),
        ("cameras: {items: [{id: a, name: a, area: '31', rtsp: {main: 10.0.0.1}}]}", "items[0].rtsp.main:"),
        ("cameras: {items: [{id: a, name: a, area: '31', rtsp: {main: 'rtsp://'}}]}", "items[0].rtsp.main: not an"),
        (
            "cameras: {items: [{id: a, name: a, area: '31', rtsp: {main: 'rtsp://x/'}, rtsp_transport: quic}]}",
            "items[0].rtsp_transport: ",
        ),
        (
            "cameras: {items: [{id: a, name: a, area: '31', rtsp: {main: 'rtsps://x/'}, tls_fingerprint: 'AB:CD'}]}",
            "items[0].tls_fingerprint: ",
        ),
        (
            "cameras: {items: [{id: a, name: a, area: '31', rtsp: {main: 'rtsps://x/'}, rtsp_transport: udp}]}",
            "would send the video unencrypted",
        ),
        (
            (
                "cameras: {items: [{id: a, name: a, area: '31', rtsp: {main: 'rtsp://x/'}},"
                " {id: a, name: b, area: '31', rtsp: {main: 'rtsp://x/'}}]}"
            ),
            "used twice",
        ),
    ],
)
def test_a_wrong_file_is_one_clear_message(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"test\.yaml") as caught:
        parse(text, "test.yaml")
    assert says in str(caught.value)


@pytest.mark.parametrize("fingerprint", [":".join(["aB"] * 32), "Cd" * 32])
def test_how_a_feed_is_read_reaches_the_catalogue(fingerprint: str) -> None:
    camera = {"id": "a", "name": "a", "area": "31", "rtsp": {"main": "rtsps://x/", "sub": "rtsp://x/sub"}}
    entry = entry_of(CameraConfig.model_validate(camera), None)
    assert (entry.rtsp_transport, entry.tls_fingerprint) == ("auto", "")
    told = camera | {"rtsp_transport": "tcp", "tls_fingerprint": fingerprint}
    entry = entry_of(CameraConfig.model_validate(told), None)
    assert (entry.rtsp_transport, entry.tls_fingerprint) == ("tcp", fingerprint)


def test_an_empty_file_is_all_defaults() -> None:
    assert parse("", "x") == Config()


def test_a_missing_file_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load(tmp_path / "none.yaml")


def test_passwords_are_not_shown() -> None:
    config = CamerasConfig.model_validate(
        {"items": [{"id": "a", "name": "a", "area": "31", "onvif": "http://x/", "password": "geheim"}]}
    )
    assert "geheim" not in repr(config)
