"""How fast a person's push really turns the camera: slower when zoomed in, and when the picture comes late. Pure.

The stick's own curve (dead zone, expo) belongs to the hand and is the page's; what depends on the camera and the link
is decided here, so that every page feels alike. Programs over HTTP name exact speeds and are not shaped.
"""

from __future__ import annotations

import math

from camctl.ptz.model import Velocity

# The share of full speed at full zoom. A 25x lens narrows the view to 1/25; many heads slow down with zoom themselves,
# so this takes only a part of it.
TELE_SHARE = 0.15
# A picture that is later than this is steered past its goal; speed falls so that the overshoot stays the same.
DELAY_LIMIT_S = 0.6
SLOWEST_BY_DELAY = 0.25
# Slower than this many motors do not turn at all.
SLOWEST = 0.03


def shape(velocity: Velocity, *, zoom: float | None, delay_s: float | None) -> Velocity:
    """The velocity to ask for when a person pushes with `velocity`.

    `zoom` is the lens in the generic space, 0 (wide) to 1; `delay_s` is from finger to picture as the page measured it.
    None: unknown, and then without effect. Direction and zero are kept; zooming itself is slowed by the delay only.
    """
    by_delay = 1.0
    if delay_s is not None and delay_s > DELAY_LIMIT_S:
        by_delay = max(SLOWEST_BY_DELAY, DELAY_LIMIT_S / delay_s)
    by_zoom = TELE_SHARE ** min(max(zoom, 0.0), 1.0) if zoom is not None else 1.0
    pan, tilt = _scaled(velocity.pan, velocity.tilt, by_delay * by_zoom)
    return Velocity(pan, tilt, _scaled(velocity.zoom, 0.0, by_delay)[0])


def _scaled(x: float, y: float, factor: float) -> tuple[float, float]:
    """Both axes by the same factor, so that the direction stays; never so slow that the motor would stand."""
    fastest = max(abs(x), abs(y))
    if fastest == 0.0 or factor >= 1.0:
        return x, y
    factor = min(1.0, max(factor, SLOWEST / fastest))
    return math.copysign(abs(x) * factor, x), math.copysign(abs(y) * factor, y)
