"""Day and night: how a colour looks in either, and the colours of the sky."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.canvas import Colour


@dataclass(frozen=True, slots=True)
class Light:
    """The light of a time of day. `sky` runs from the zenith to the horizon: (elevation, colour), highest first."""

    night: bool
    sky: tuple[tuple[float, Colour], ...]

    def of(self, colour: Colour) -> Colour:
        """A surface of this colour, as the light shows it."""
        if not self.night:
            return colour
        red, green, blue = colour
        return (int(red * 0.27) + 8, int(green * 0.29) + 10, int(blue * 0.37) + 22)

    def haze(self, colour: Colour, distance: float) -> Colour:
        """The same surface behind `distance` (0..1) of haze."""
        mist = self.sky[-1][1]
        red, green, blue = (
            round(mine * (1 - distance) + its * distance) for mine, its in zip(self.of(colour), mist, strict=True)
        )
        return (red, green, blue)


DAY = Light(False, ((60.0, (52, 116, 190)), (25.0, (104, 170, 222)), (8.0, (178, 214, 234)), (-1.0, (236, 232, 214))))
NIGHT = Light(True, ((60.0, (7, 10, 26)), (25.0, (14, 20, 46)), (8.0, (36, 40, 74)), (-1.0, (86, 68, 84))))


def darker(colour: Colour, factor: float) -> Colour:
    """The colour with its light multiplied."""
    red, green, blue = (min(int(part * factor), 255) for part in colour)
    return (red, green, blue)
