"""The file that says that the demo answers."""

from __future__ import annotations

from pathlib import Path

from camctl.__main__ import main


def test_that_of_an_earlier_demo_is_gone_before_anything_else(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text("{}")
    assert main(["demo", "--ready-file", str(ready), "--port", "0"]) == 2
    assert not ready.exists()


def test_a_folder_in_its_place_is_one_clear_message(tmp_path: Path) -> None:
    assert main(["demo", "--ready-file", str(tmp_path), "--port", "0"]) == 2
