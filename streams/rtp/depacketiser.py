"""Access units out of RTP packets, for every codec of NAL units: what RFC 6184 and RFC 7798 have in common."""

from __future__ import annotations

from collections.abc import Iterable

from streams.rtp.clock import Timeline
from streams.rtp.frames import AccessUnit
from streams.rtp.nal import NalSyntax, ParameterSets, split_annex_b
from streams.rtp.packet import RtpPacket

_MAX_MISORDER = 100  # RFC 3550 appendix A.1: further back is a restart, not a late packet
_MAX_NALS = 1024
MAX_UNIT_BYTES = 4 << 20
_NOTHING: tuple[AccessUnit, ...] = ()


class Depacketiser:
    """Packets of one stream, in order of arrival, to whole access units.

    A unit ends with the marker bit or when the timestamp changes. After a loss the broken unit and everything up to the
    next key unit is dropped, so that what comes out can always be decoded; the same holds for the beginning. Memory is
    bounded by `max_unit_bytes`. Late and doubled packets are ignored: reordering is the transport's business.

    `losses` counts breaks of continuity, `loss` says where the latest was and why, `dropped` counts the units that were
    thrown away.
    """

    def __init__(
        self, syntax: NalSyntax, parameter_sets: Iterable[bytes] = (), *, max_unit_bytes: int = MAX_UNIT_BYTES
    ) -> None:
        self.losses = 0
        self.loss = ""
        self.dropped = 0
        self.parameter_sets = ParameterSets(parameter_sets, syntax)
        self._syntax = syntax
        self._max_unit_bytes = max_unit_bytes
        self._timeline = Timeline()
        self._sequence: int | None = None
        self._waiting = True
        self._timestamp: int | None = None
        self._done_timestamp: int | None = None
        self._arrived_s = 0.0
        self._clear()

    def restart(self) -> None:
        """The sender began anew (another SSRC): sequence and timestamp have new bases; wait for a key unit."""
        self._lose("the camera began anew, with another SSRC")
        self._sequence = None
        self._timeline.restart()
        self._clear()
        self._timestamp = self._done_timestamp = None

    def push(self, packet: RtpPacket, arrived_s: float = 0.0) -> tuple[AccessUnit, ...]:
        """Take one packet; the units that it completes, at most two (one by its timestamp, one by its marker)."""
        if not self._follow(packet, arrived_s):
            return _NOTHING
        units = _NOTHING
        if packet.timestamp != self._timestamp:
            units = self._finish()
            self._timestamp = packet.timestamp
            self._arrived_s = arrived_s
        if not self._broken:
            self._take(packet.payload)
        if packet.marker:
            if self._fragments:
                self._end_fragments()
            # Some cameras mark parameter sets too: a unit without a picture goes on.
            if self._has_picture or self._broken:
                units += self._finish()
        return units

    def _follow(self, packet: RtpPacket, arrived_s: float) -> bool:
        """Note the sequence number; False for a packet that comes late or twice."""
        last, self._sequence = self._sequence, packet.sequence
        if last is None:
            self._begin(packet, arrived_s)
            return True
        step = (packet.sequence - last) & 0xFFFF
        if step == 1:
            return True
        if step == 0 or step >= 0x1_0000 - _MAX_MISORDER:
            self._sequence = last
            return False
        self._lose(f"{step - 1} packets are missing before it")
        if packet.timestamp != self._timestamp:
            self._begin(packet, arrived_s)
        return True

    def _begin(self, packet: RtpPacket, arrived_s: float) -> None:
        """Start a unit at a packet before which others are missing; broken if it starts amid a NAL unit."""
        self._clear()
        self._timestamp, self._arrived_s = packet.timestamp, arrived_s
        self._broken = not self._starts_nal(packet.payload)

    def _starts_nal(self, payload: bytes) -> bool:
        """Whether a payload begins a NAL unit: everything but a later fragment."""
        syntax = self._syntax
        at = syntax.header_bytes
        return syntax.kind(payload) != syntax.fragment or (len(payload) > at and payload[at] >= 0x80)

    def _lose(self, why: str) -> None:
        self.losses += 1
        self.loss = f"sequence {self._sequence}: {why}"
        self._abandon()

    def _abandon(self) -> None:
        """Give the current unit up and wait for a key unit."""
        if self._size:
            self.dropped += 1
        self._clear()
        self._broken = self._waiting = True

    def _clear(self) -> None:
        self._nals: list[bytes] = []
        self._fragments: list[bytes] = []
        self._size = 0
        self._has_picture = self._has_start = self._has_key = self._broken = False

    def _take(self, payload: bytes) -> None:
        syntax = self._syntax
        kind = syntax.kind(payload)
        self._size += len(payload)
        if self._size > self._max_unit_bytes:
            self._lose(f"the picture is larger than {self._max_unit_bytes} bytes")
        elif kind == syntax.fragment:
            self._fragment(payload)
        else:
            if self._fragments:
                self._end_fragments()
            if kind == syntax.aggregate:
                self._aggregate(payload)
            elif kind in syntax.single:
                self._nal(payload)
            elif payload:  # interleaved modes, which nobody negotiates with us, and what does not exist
                self._lose(f"no {syntax.codec} payload of type {kind} can come here")

    def _aggregate(self, payload: bytes) -> None:
        offset = self._syntax.header_bytes
        while offset + 2 < len(payload):
            size = payload[offset] << 8 | payload[offset + 1]
            end = offset + 2 + size
            if size == 0:
                return  # zero padding, seen behind aggregates
            if end > len(payload):
                self._lose(f"the aggregate's unit at offset {offset} is longer than the packet")
                return
            self._nal(payload[offset + 2 : end])
            offset = end

    def _fragment(self, payload: bytes) -> None:
        syntax = self._syntax
        at = syntax.header_bytes
        if len(payload) < at + 2:
            return
        header = payload[at]
        if header & 0x80:
            if self._fragments:
                self._end_fragments()
            self._fragments = [syntax.with_kind(payload, header & syntax.kind_mask)]
        elif not self._fragments:
            self._lose("a fragment without its beginning")
            return
        self._fragments.append(payload[at + 1 :])
        if header & 0x40:
            self._end_fragments()

    def _end_fragments(self) -> None:
        # Also when the end bit never came although no packet is missing: some encoders forget it.
        nal = b"".join(self._fragments)
        self._fragments = []
        self._nal(nal)

    def _nal(self, nal: bytes) -> None:
        syntax = self._syntax
        kind = syntax.kind(nal)
        if kind not in syntax.pictures and b"\0\0\1" in nal:
            # Cheap cameras send a whole byte stream, start codes and all, as one unit that begins with the SPS.
            for part in split_annex_b(b"\0\0\1" + nal):
                self._add(syntax.kind(part), part)
        else:
            self._add(kind, nal)

    def _add(self, kind: int, nal: bytes) -> None:
        syntax = self._syntax
        if len(self._nals) >= _MAX_NALS:
            self._lose(f"the picture has more than {_MAX_NALS} parts")
        if self._broken or kind not in syntax.single:
            return
        if kind in syntax.pictures:
            if not self._has_picture:
                self._has_start = syntax.starts_picture(nal)
            self._has_picture = True
            self._has_key |= kind in syntax.keys
        elif kind in syntax.sets:
            self.parameter_sets.note(nal)
        self._nals.append(nal)

    def _finish(self) -> tuple[AccessUnit, ...]:
        """Close the current unit and give it out if it can be decoded after what was given out before."""
        if self._fragments:
            self._end_fragments()
        nals, timestamp = tuple(self._nals), self._timestamp
        has_picture, broken = self._has_picture, self._broken
        # A camera that marks every slice splits a picture in several units; only the first may be joined at.
        is_key = self._has_key and self._has_start and timestamp != self._done_timestamp
        self._clear()
        if broken or not has_picture or timestamp is None:
            return _NOTHING
        complete = self.parameter_sets.complete(nals) if is_key else nals
        if complete is None or (self._waiting and not is_key):
            self.dropped += 1
            self._waiting = True
            return _NOTHING
        self._waiting = False
        self._done_timestamp = timestamp
        time = self._timeline.at(timestamp, self._arrived_s)
        return (AccessUnit(complete, time, is_key, self._arrived_s, self._syntax.codec),)
