"""The wheel holds everything that an installed service needs: the page, the areas, the migrations."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.system


def test_the_wheel_is_whole(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    [wheel] = tmp_path.glob("camctl-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "camctl/api/static/index.html",
        "camctl/areas/jakarta.csv",
        "camctl/default_config.yaml",
        "camctl/py.typed",
        "camctl/store/migrations/versions/0001_people.py",
        "simulators/__main__.py",
        "streams/worker.py",
        "auth/policy.py",
    ):
        assert needed in names
    assert any(name.startswith("camctl/api/static/assets/index-") for name in names)
    assert not any(name.startswith(("tests/", "bench/", "web/")) for name in names)


def test_installed_code_runs_away_from_the_source_tree(tmp_path: Path) -> None:
    """Unpacked as pip would, in a folder that knows nothing of the checkout."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, timeout=60, check=True)
    [wheel] = tmp_path.glob("camctl-*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (tmp_path / "config.yaml").write_text(f"store: {{url: 'sqlite:///{tmp_path}/people.db'}}\n", encoding="utf-8")
    run = [sys.executable, "-P", "-c", "import sys; sys.path.insert(0, sys.argv.pop(1)); from camctl.__main__ import main; sys.exit(main())"]  # fmt: skip # noqa: E501  one program
    for words in (["check-config"], ["user", "list"], ["example-config"]):
        found = subprocess.run(
            [*run, str(site), *words, *([] if "example-config" in words else ["--config", "config.yaml"])],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
