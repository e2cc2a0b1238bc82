"""A check of a quirk that fails shows its values, as a test does."""

from __future__ import annotations

import pytest

for name in ("quirk_kit", "quirks_in_motion", "quirks_in_talk"):
    pytest.register_assert_rewrite(f"tests.unit.simulators_onvif.{name}")
