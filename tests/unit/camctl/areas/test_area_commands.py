"""`camctl area` over a real database, and the service's eyes on it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from camctl.areas.locate import Inside, Proposed, WhyNot
from camctl.audit.chain import COMMAND_LINE_CHAIN
from camctl.audit.segments import parse, segments
from camctl.boundaries import Boundaries
from camctl.store import Store, StoreError, open_store
from camctl.store.boundaries import BoundaryStore
from tests.support.commands import camctl_here, said
from tests.unit.camctl.areas.area_kit import CITY, LEFT, LEFT_RING, RIGHT, RIGHT_RING, collection, feature, two

CSV = "code,name,level,parent,lat,lon\n" + "".join(
    f"{area.code},{area.name},{area.level},{area.parent or ''},{area.lat},{area.lon}\n" for area in CITY
)


@dataclass
class City:
    """A configuration with the small city, and its database."""

    folder: Path
    store: Store

    def area(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return camctl_here("area", command, *arguments, "--config", str(self.folder / "config.yaml"))

    def imports(self, data: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "kelurahan.geojson").write_bytes(data)
        return self.area("import-boundaries", str(self.folder / "kelurahan.geojson"), *arguments)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    (tmp_path / "city.csv").write_text(CSV)
    url = f"sqlite:///{tmp_path}/camctl.db"
    (tmp_path / "config.yaml").write_text(
        f"store: {{url: '{url}'}}\naudit: {{folder: '{tmp_path}/audit'}}\ncameras: {{areas: '{tmp_path}/city.csv'}}\n"
    )
    said(camctl_here("area", "show", LEFT, "--config", str(tmp_path / "config.yaml")))  # makes the database
    store = open_store(url)
    yield City(tmp_path, store)
    store.close()


def test_the_tree(city: City) -> None:
    lines = said(city.area("list")).splitlines()
    assert [line.split()[0] for line in lines] == [area.code for area in CITY]
    assert lines[2] == "7.01.1               Kiri  (kelurahan)"
    assert len(said(city.area("list", "--under", "7.01")).splitlines()) == 3
    shown = said(city.area("show", "7.01"))
    assert "Kota > Barat" in shown
    assert "holds     7.01.2  Kanan" in shown
    for arguments in (("list", "--under", "8"), ("show", "8")):
        done = city.area(*arguments)
        assert (done.returncode, "There is no area '8'" in done.stderr) == (1, True)


def test_a_table_is_checked(city: City) -> None:
    path = city.folder / "city.csv"
    done = camctl_here("area", "check", str(path))
    assert said(done).endswith("right; 6 areas: 1 kota, 2 kecamatan, 3 kelurahan\n")
    path.write_text(CSV.replace("7.02,Timur,kecamatan,7,", "7.02,Timur,kecamatan,8,"))
    done = camctl_here("area", "check", str(path))
    assert (done.returncode, "line 6, column parent" in done.stderr) == (2, True), done.stderr


def test_boundaries_from_nothing_to_certainty(city: City) -> None:
    place = ("-6.95", "107.04")
    assert "not certain: no boundaries were imported" in said(city.area("at", *place))
    told = said(city.imports(two()))
    assert "2 boundaries imported (version 1), by the property 'kode'" in told
    assert "without a boundary: 1\n  7.02.1  Kota > Timur > Jauh\n" in told
    assert said(city.area("at", *place)) == "inside  7.01.1  Kota > Barat > Kiri\n"
    assert said(city.area("at", "-6.95", "107.1")).startswith("not certain: on the border of several areas:\n")
    outside = said(city.area("at", "-6.95", "107.25")).splitlines()
    assert outside[0].startswith("not certain: outside all boundaries")
    assert outside[1].split()[-4:] == ["centre", "11038", "m", "W"]
    assert "boundary  imported" in said(city.area("show", LEFT))
    assert "boundary  none" in said(city.area("show", "7.02.1"))
    refused = city.area("at", "107.04", "-6.95")
    assert (refused.returncode, "not a latitude" in refused.stderr) == (2, True)


def test_an_import_replaces_all_or_nothing(city: City) -> None:
    said(city.imports(two()))
    stored = BoundaryStore(city.store.sessions)
    before = stored.load()
    done = city.imports(collection(feature(LEFT, LEFT_RING), feature("8.8", RIGHT_RING)))
    assert done.returncode == 2
    assert "was not imported:\n  feature 2: there is no area '8.8'" in done.stderr
    assert stored.load() == before
    data = collection(feature(RIGHT, RIGHT_RING))
    said(city.imports(data))
    after = stored.load()
    assert (after.version, list(after.outlines)) == (before.version + 1, [RIGHT])
    with city.store.engine.connect() as connection:
        rows = connection.execute(text("SELECT source, sha256, boundaries FROM boundary_import ORDER BY id")).all()
    assert [row.boundaries for row in rows] == [2, 1]
    assert (rows[1].source, rows[1].sha256) == ("kelurahan.geojson", hashlib.sha256(data).hexdigest())
    assert "--code-property" in city.imports(collection(feature("x", LEFT_RING))).stderr
    (segment,) = segments(city.folder / "audit", COMMAND_LINE_CHAIN)
    on_record = parse(segment.path.read_bytes(), COMMAND_LINE_CHAIN).rows
    assert [(row.action, row.target) for row in on_record] == [("boundaries-change", "kelurahan.geojson")] * 2
    assert json.loads(on_record[1].details) == {
        "command": "area import-boundaries", "version": after.version, "boundaries": 1, "sha256": rows[1].sha256,
    }  # fmt: skip
    missing = city.area("import-boundaries", str(city.folder / "no.geojson"))
    assert (missing.returncode, "cannot read" in missing.stderr) == (2, True)


def test_a_running_service_sees_a_new_import_and_reads_it_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BoundaryStore(city.store.sessions)
    loads = []
    load = store.load
    monkeypatch.setattr(store, "load", lambda: loads.append(1) or load())
    service = Boundaries(CITY, store)
    answer = service.at_now(-6.95, 107.19)
    assert isinstance(answer, Proposed)
    assert answer.why is WhyNot.NO_BOUNDARIES
    said(city.imports(two()))
    for _ in range(5):
        assert service.at_now(-6.95, 107.19) == Inside(CITY.require(RIGHT))
    assert len(loads) == 1
    said(city.imports(collection(feature(LEFT, LEFT_RING))))
    answer = service.at_now(-6.95, 107.19)
    assert isinstance(answer, Proposed)
    assert (answer.why, len(loads)) == (WhyNot.OUTSIDE, 2)


def test_boundaries_of_areas_that_the_table_no_longer_has_are_nobodys(city: City) -> None:
    store = BoundaryStore(city.store.sessions)
    said(city.imports(two()))
    smaller = type(CITY)(area for area in CITY if area.code != RIGHT)
    answer = Boundaries(smaller, store).at_now(-6.95, 107.19)
    assert isinstance(answer, Proposed)


def test_a_database_that_is_gone_is_an_error_and_no_guess(city: City) -> None:
    said(city.imports(two()))
    service = Boundaries(CITY, BoundaryStore(city.store.sessions))
    service.at_now(-6.95, 107.19)
    with city.store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE boundary_import RENAME TO away"))
    with pytest.raises(StoreError, match="does not answer"):
        service.at_now(-6.95, 107.19)
