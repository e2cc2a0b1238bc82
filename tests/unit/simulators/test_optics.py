from __future__ import annotations

import pytest

from simulators.optics import field_of_view, lens_travel, look, zoom_factor


def test_zoom_is_geometric_and_reversible() -> None:
    assert zoom_factor(0.0, (1.0, 20.0)) == 1.0
    assert zoom_factor(1.0, (1.0, 20.0)) == pytest.approx(20.0)
    assert lens_travel(zoom_factor(0.37, (1.0, 20.0)), (1.0, 20.0)) == pytest.approx(0.37)
    assert lens_travel(50.0, (1.0, 20.0)) == 1.0
    assert lens_travel(3.0, (3.0, 3.0)) == 0.0


def test_the_field_of_view_narrows_with_the_focal_length() -> None:
    assert field_of_view(1.0, 62.0) == pytest.approx(62.0)
    assert field_of_view(20.0, 62.0) == pytest.approx(3.4408, abs=1e-3)


def test_a_view_knows_its_edges() -> None:
    view = look(10.0, -5.0, 60.0, 1200, 600)
    assert (view.left_deg, view.top_deg, view.width_deg, view.height_deg) == (-20.0, 10.0, 60.0, 30.0)
    assert view._replace(width=2400, height=1200).contains(view)
    assert not view.contains(look(11.0, -5.0, 60.0, 1200, 600))
    assert not view.contains(view._replace(width=1320, height=660))
