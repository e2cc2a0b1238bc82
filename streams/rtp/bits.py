"""The bits of a NAL unit's payload, as parameter sets are written (ITU-T H.264 section 7.2 and 9.1; H.265 the same)."""

from __future__ import annotations

_MAX_UE_ZEROS = 32


class BitsError(ValueError):
    """There are no more bits, or a number is longer than any may be."""


class Bits:
    """Reads unsigned numbers from the front of `payload`; emulation prevention bytes are taken out first."""

    __slots__ = ("_left", "_value")

    def __init__(self, payload: bytes) -> None:
        plain = payload.replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(plain, "big")
        self._left = 8 * len(plain)

    def u(self, count: int) -> int:
        """The next `count` bits; raises BitsError past the end."""
        if count > self._left:
            raise BitsError("the parameter set ends too early")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        """The next bit."""
        return self.u(1) == 1

    def ue(self) -> int:
        """The next Exp-Golomb number."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MAX_UE_ZEROS:
                raise BitsError("a number of the parameter set is too long")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """The next signed Exp-Golomb number."""
        value = self.ue()
        return (value + 1) // 2 if value % 2 else -(value // 2)
