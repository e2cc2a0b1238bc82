"""A running service with a sealed password, to which boundaries are imported: the commands and the service at once."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import yaml

from camctl.areas import load_jakarta
from tests.support.commands import camctl_here, said, street, wait_until
from tests.support.service import running, write_config
from tests.unit.camctl.areas.area_kit import collection, feature, square

pytestmark = pytest.mark.system

SECRET = "rahasia-tersegel-1"
AREA = "31.71.07.1002"


def sealed_config(folder: Path, onvif_url: str) -> Path:
    """A configuration whose one camera has its password sealed, by the commands that the guide names."""
    items = [{"id": "tersegel", "name": "Tersegel", "area": AREA, "onvif": onvif_url, "username": "admin"}]
    config = write_config(folder, items, secrets={"key_file": str(folder / "secrets.keys")})
    said(camctl_here("secrets", "init", "--config", str(config)))
    line = said(camctl_here("secrets", "seal", "tersegel", "--config", str(config), stdin=SECRET + "\n"))
    data = yaml.safe_load(config.read_text())
    data["cameras"]["items"][0] |= yaml.safe_load(line)
    config.write_text(yaml.safe_dump(data))
    said(camctl_here("secrets", "rotate", "--config", str(config)))
    return config


def test_a_camera_with_a_sealed_password_and_an_import_without_a_restart(tmp_path: Path) -> None:
    with street(tmp_path, [{"name": "Tersegel", "username": "admin", "password": SECRET}]) as (camera,):
        config = sealed_config(tmp_path, camera["onvif_url"])
        assert SECRET not in config.read_text()
        people = {"camat": ["--role", "official", "--area", "31.71.07"]}
        with running(tmp_path, config, people) as service, service.client("camat") as client:
            wait_until(lambda: client.get("/cameras/tersegel").json()["state"] == "live", 20, service.log.read_text)
            area = load_jakarta().require(AREA)
            place = {"lat": area.lat, "lon": area.lon}
            assert where(client, place) == "proposed"
            ring = square(area.lon - 0.005, area.lat - 0.005, area.lon + 0.005, area.lat + 0.005)
            (tmp_path / "b.geojson").write_bytes(collection(feature(AREA, ring)))
            said(camctl_here("area", "import-boundaries", str(tmp_path / "b.geojson"), "--config", str(config)))
            assert where(client, place) == "inside"
        assert SECRET not in service.log.read_text()
        assert "v1:" not in service.log.read_text()


def where(client: httpx.Client, place: dict[str, float]) -> str:
    answer = client.get("/areas/at", params=place)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["kind"])
