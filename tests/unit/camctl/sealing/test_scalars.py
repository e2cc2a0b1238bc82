"""Rewriting a value in a YAML text: that value changes, every other byte stays, and doubt is a refusal."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from camctl.sealing.scalars import Path, UnsafeRewriteError, rewritten

SEALED: Path = ("items", 1, "sealed")
TEXT = """\
# head
items:
  - {id: a, sealed: "v1:aa"}   # first
  -   id: b
      # before
      sealed:   'v1:bb' # after
      name: "Jl. Thamrin — utara 🎥"
  - id: c
    sealed: v1:cc
other: 'v1:bb'
"""


@pytest.mark.parametrize(("index", "old"), [(0, '"v1:aa"'), (1, "'v1:bb' #"), (2, "v1:cc")])
@pytest.mark.parametrize("change", [str, lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t],
                         ids=["lf", "crlf", "bom"])  # fmt: skip
def test_only_the_value_changes(index: int, old: str, change: type[str]) -> None:
    text = change(TEXT)
    new = rewritten(text, {("items", index, "sealed"): "v1:new"})
    assert new == text.replace(old, '"v1:new"' + (" #" if old.endswith("#") else ""), 1)


def test_several_at_once() -> None:
    new = rewritten(TEXT, {("items", i, "sealed"): f"v1:{'longer' * i}" for i in range(3)})
    assert [item["sealed"] for item in yaml.safe_load(new)["items"]] == ["v1:", "v1:longer", "v1:longerlonger"]
    assert new.count("#") == TEXT.count("#")
    assert rewritten(TEXT, {}) == TEXT


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("items: [x, {sealed: &a v1:bb}, {sealed: *a}]", "without an anchor"),
        ("items: [{sealed: &a v1:bb}, {sealed: *a}]", "without an anchor"),
        ("items: [{sealed: v1:aa}, {sealed: !!str v1:bb}]", "tag"),
        ('items: [{sealed: v1:aa}, {sealed: "v1:\\x62b"}]', "escape"),
        ("items: [{sealed: v1:aa}, {sealed: v1:bb, sealed: v1:bb}]", "twice"),
        ("items:\n- sealed: v1:aa\n- sealed: |\n    v1:bb\n", "line 3"),
        ("items:\n- sealed: v1:aa\n- sealed: >-\n    v1:bb\n", "one line"),
        ('items:\n- sealed: v1:aa\n- sealed: "v1:\n    bb"\n', "one line"),
        ("items: [{sealed: v1:aa}, {id: b}]", "not written out"),
        ("base: &b {sealed: v1:bb}\nitems: [{sealed: v1:aa}, {<<: *b}]", "not written out"),
        ("base: &b {sealed: v1:bb}\nitems: [{sealed: v1:aa}, *b]", "anchors"),
        ("items: [{sealed: v1:aa}, {sealed: [v1:bb]}]", "not a plain value"),
        ("", "not written out"),
    ],
)
def test_doubt_is_a_refusal(text: str, word: str) -> None:
    with pytest.raises(UnsafeRewriteError, match=word):
        rewritten(text, {SEALED: "v1:new"})


def test_a_camera_that_stands_there_twice_is_refused() -> None:
    text = "items: [&c {id: a, sealed: v1:aa}, *c]"
    with pytest.raises(UnsafeRewriteError, match="several places"):
        rewritten(text, {("items", 0, "sealed"): "v1:x", SEALED: "v1:y"})


_SCALARS = st.text(max_size=12) | st.integers() | st.booleans() | st.none()


@given(
    st.lists(st.dictionaries(st.text(max_size=6), _SCALARS, max_size=4), min_size=1, max_size=4),
    st.sampled_from([True, False, None]), st.data(),
)  # fmt: skip
def test_whatever_else_is_in_the_file_reads_the_same(
    items: list[dict[str, object]], flow: bool | None, data: st.DataObject
) -> None:
    for i, item in enumerate(items):
        item["sealed"] = f"v1:{i}"
    text = yaml.safe_dump({"items": items}, default_flow_style=flow, allow_unicode=True, width=10_000)
    at = data.draw(st.integers(0, len(items) - 1))
    new = rewritten(text, {("items", at, "sealed"): "v1:new"})
    items[at]["sealed"] = "v1:new"
    assert yaml.safe_load(new) == {"items": items}
