from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camctl.areas import Area, AreaError, AreaTree, UnknownAreaError, load_csv, load_jakarta
from camctl.areas.tree import parse_csv

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "code,name,level,parent,lat,lon\n"
CITY = HEADER + '7,Kota,kota,,-6.9,107.6\n7.1,"Barat, Laut",kecamatan,7,-6.8,107.5\n7.1.a,Desa,desa,7.1,-6.81,107.51\n'


def test_jakarta_comes_with_the_program() -> None:
    tree = load_jakarta()
    assert len(tree) == 318
    assert Counter(area.level for area in tree) == {"kelurahan": 267, "kecamatan": 44, "kota": 6, "provinsi": 1}
    assert [area.code for area in tree.children(None)] == ["31"]
    assert len(tree.children("31")) == 6
    assert tree.path("31.71.01.1001") == ("DKI Jakarta", "Kota Administrasi Jakarta Pusat", "Gambir", "Gambir")
    assert all(-7 < area.lat < -5 and 106 < area.lon < 107.2 for area in tree)


def test_walking_the_tree() -> None:
    tree = parse_csv(CITY, "city.csv")
    leaf = tree.require("7.1.a")
    assert leaf == Area("7.1.a", "Desa", "desa", "7.1", -6.81, 107.51)
    assert tree.get("7.2") is None
    above = tree.parent("7.1.a")
    assert above is not None
    assert above.name == "Barat, Laut"
    assert tree.parent("7") is None
    assert tree.children("7.1") == (leaf,)
    assert tree.children("7.1.a") == ()
    assert "7.1" in tree
    for ask in (tree.require, tree.parent, tree.children, tree.path):
        with pytest.raises(UnknownAreaError, match=r"7\.2"):
            ask("7.2")


@pytest.mark.parametrize(
    ("ancestor", "code", "inside"),
    [("31", "31.71.01.1001", True), ("31.71", "31.71", True), ("31.71", "31.72.01", False),
     ("31.71.01", "31.71", False),
     ("31.7", "31.71", False), ("31", "31.99", False), ("", "31", False)],
)  # fmt: skip
def test_covering_needs_both_to_exist(ancestor: str, code: str, inside: bool) -> None:
    assert load_jakarta().covers(ancestor, code) is inside


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "city.csv, line 1: the header must be code,name,level,parent,lat,lon"),
        ("code,name\n", "line 1: the header"),
        (HEADER, "there is no area"),
        (HEADER + "7,Kota,kota,,-6.9\n", "line 2: 5 columns instead of 6"),
        (HEADER + "7,Kota,kota,,-6.9,107.6,x\n", "line 2: 7 columns instead of 6"),
        (HEADER + "7.,Kota,kota,,-6.9,107.6\n", "line 2, column code: '7.'"),
        (HEADER + ",Kota,kota,,-6.9,107.6\n", "line 2, column code: ''"),
        (HEADER + "7,Kota,kota,../x,-6.9,107.6\n", "line 2, column parent: '../x'"),
        (HEADER + "7, ,kota,,-6.9,107.6\n", "line 2, column name:"),
        (HEADER + "7,Ko\u202eta,kota,,-6.9,107.6\n", "line 2, column name:"),
        (HEADER + "7,Kota,,,-6.9,107.6\n", "line 2, column level:"),
        (HEADER + "7,Kota,kota,,-90.1,107.6\n", "line 2, column lat: '-90.1'"),
        (HEADER + "7,Kota,kota,,,107.6\n", "line 2, column lat: ''"),
        (HEADER + "7,Kota,kota,,-6.9,nan\n", "line 2, column lon: 'nan'"),
        (HEADER + "7,Kota,kota,,-6.9,inf\n", "line 2, column lon: 'inf'"),
        (CITY + "7.1,Again,kecamatan,7,1,1\n", "line 5, column code: 7.1 is on line 3 already"),
        (CITY + "7.2.b,Lost,desa,7.2,1,1\n", "line 5, column parent: the parent of 7.2.b, 7.2, is not there"),
        (CITY + "7.2.b,Lost,desa,7.1,1,1\n", "line 5, column parent: the parent of 7.2.b is 7.2 by its code, not 7.1"),
        (CITY + "7.2,Top,kecamatan,,1,1\n", "line 5, column parent: 7.2 has no parent, but 7 is there"),
        (CITY + "8,Self,kota,8,1,1\n", "line 5, column parent: the parent of 8 is empty by its code, not 8"),
        (HEADER + '"7,Kota\n', "line 2: unexpected end of data"),
        (HEADER + '7,"two\nlines",kota,,1,1\n8,x,kota,,1,x\n', "line 3, column name:"),
    ],
)
def test_a_fault_is_named_with_line_and_column(text: str, message: str) -> None:
    with pytest.raises(AreaError) as refused:
        parse_csv(text, "city.csv")
    assert message in str(refused.value)
    assert str(refused.value).startswith("city.csv")


def test_order_blank_lines_and_a_byte_order_mark_do_not_matter() -> None:
    lines = CITY.splitlines(keepends=True)
    tree = parse_csv("\ufeff" + lines[0] + "\r\n" + "".join(reversed(lines[1:])), "city.csv")
    assert tree.path("7.1.a") == ("Kota", "Barat, Laut", "Desa")


def test_a_part_of_a_city_may_be_loaded_alone() -> None:
    tree = parse_csv(HEADER + "31.71,Pusat,kota,,-6,106\n31.72,Utara,kota,,-6,106\n", "part.csv")
    assert [area.code for area in tree.children(None)] == ["31.71", "31.72"]


def test_a_tree_made_in_code_is_checked_too() -> None:
    top = Area("7", "Kota", "kota", None, 0.0, 0.0)
    with pytest.raises(AreaError, match="twice"):
        AreaTree([top, top])
    with pytest.raises(AreaError, match="is not there"):
        AreaTree([Area("7.1", "x", "x", "7", 0.0, 0.0)])


def test_another_city_s_file(tmp_path: Path) -> None:
    path = tmp_path / "city.csv"
    with pytest.raises(AreaError, match="No such file"):
        load_csv(path)
    path.write_bytes(HEADER.encode() + b"7,K\xf6ta,kota,,1,1\n")
    with pytest.raises(AreaError, match="not UTF-8 at byte 34"):
        load_csv(path)
    path.write_text(CITY, encoding="utf-8")
    assert len(load_csv(path)) == 3


@given(st.text(max_size=200) | st.text('7.,"\n\r\x00 -ab', max_size=200).map(lambda text: HEADER + text))
def test_any_text_is_a_tree_or_a_fault(text: str) -> None:
    try:
        tree = parse_csv(text, "city.csv")
    except AreaError as fault:
        assert str(fault).startswith("city.csv")  # noqa: PT017 - most texts are faults, some are trees
    else:
        assert all(tree.path(area.code)[-1] == area.name for area in tree)
