from __future__ import annotations

from pathlib import Path

import pytest

from simulators.config import CameraConfig
from simulators.loading import ConfigError, load_street, parse_street

EXAMPLE = Path(__file__).parents[3] / "docs" / "reference" / "street-example.yaml"


def test_the_example_says_the_defaults() -> None:
    street = load_street(EXAMPLE)
    first, second = street.cameras
    defaults = CameraConfig(name=first.name, password=first.password)
    assert first == defaults
    assert set(CameraConfig.model_fields) - first.model_fields_set == {"presets"}  # shown at the second camera
    assert second.quirks == ("ignores-timeout",)
    assert second.presets[1].token == "monas"


def test_all_faults_are_named_by_their_keys() -> None:
    text = """
hots: 127.0.0.1
cameras:
  - {name: A, password: x, seed: one, quirks: [ignores-timeout]}
  - {name: B, password: x, main: {width: 1281}, daylight: dusk}
"""
    with pytest.raises(ConfigError) as caught:
        parse_street(text, "street.yaml")
    message = str(caught.value)
    for key in ("hots:", "cameras[0].seed:", "cameras[1].main.width:", "cameras[1].daylight:"):
        assert f"\n  {key}" in message
    assert message.startswith("street.yaml:")


def test_an_unknown_quirk_lists_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"cameras\[0\]\.quirks: .*flies.*ignores-timeout"):
        parse_street("cameras: [{name: A, password: x, quirks: [flies]}]", "s")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "not YAML"),
        ("", "the file: "),
        ("cameras: []", "cameras: "),
        ("cameras: [{name: A, password: 2026-01-01}]", "date"),
        ("cameras: [{name: A, password: x}, {name: A, password: y}]", "two have the same name"),
        ("{first_rtsp_port: 65535, cameras: [{name: A, password: x}, {name: B, password: y}]}", "leaves no room"),
        ("cameras: [{name: A, password: x, tilt_range_deg: [20, -20]}]", "tilt_range_deg"),
        ("cameras: [{name: A, password: x, max_pan_deg_per_s: .nan}]", "JSON"),
        ("cameras: [{name: A, password: x, presets: [{name: P, token: a}, {name: Q, token: a}]}]", "same token"),
    ],
)
def test_bad_files_say_why(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse_street(text, "s")


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_street(tmp_path / "none.yaml")


def test_a_password_never_shows_in_a_message() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_street("cameras: [{name: A, password: [rahasia]}]", "s")
    assert "rahasia" not in str(caught.value)
