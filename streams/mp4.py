"""Fragmented MP4 of one video stream, as Media Source Extensions take it: pure, bytes in, bytes out.

One init segment per format, then one moof + mdat per access unit (ISO/IEC 14496-12; the avc1 entry is 14496-15; what a
browser asks of both is the W3C's "ISO BMFF Byte Stream Format").
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from streams.errors import StreamError, StreamFault
from streams.rtp.frames import VIDEO_CLOCK_HZ, AccessUnit
from streams.rtp.nal import AUD, PPS, SPS, nal_type
from streams.rtp.sps import H264Sps, SpsError, read_sps

_END_OF_SEQUENCE, _END_OF_STREAM, _FILLER = 10, 11, 12
_NOT_IN_SAMPLES = frozenset({AUD, _END_OF_SEQUENCE, _END_OF_STREAM, _FILLER})
_SYNC_FLAGS = 0x0200_0000  # depends on nothing
_DELTA_FLAGS = 0x0101_0000  # depends on others, not a sync sample
_FIRST_DURATION = VIDEO_CLOCK_HZ // 8  # until the first step is known: not too short for B-frames and slow cameras
_LONGEST_DURATION = VIDEO_CLOCK_HZ
_REORDER = VIDEO_CLOCK_HZ  # B-frames lie no further apart
_RECENT = 16
_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)
_PIXELS_PER_INCH = 72 << 16
_UNDETERMINED = 0x55C4  # the language "und"
_MAX_SPS, _MAX_PPS = 31, 255


@dataclass(frozen=True, slots=True)
class Piece:
    """What a player is sent next: an init segment, then `codecs` names its content as MSE wants it, or a fragment.

    `is_key`: playing can begin with this fragment.
    """

    data: bytes
    is_key: bool = False
    codecs: str | None = None

    @property
    def is_init(self) -> bool:
        """Whether this is an init segment."""
        return self.codecs is not None


@dataclass(frozen=True, slots=True)
class Track:
    """One format: its `codecs` string (RFC 6381), picture size, sample entry box, and the parameter sets in that."""

    codecs: str
    width: int
    height: int
    entry: bytes
    sets: tuple[bytes, ...]


def track_of(codec: str, nals: Iterable[bytes]) -> Track:
    """The track of a key unit of `codec` (an RTP encoding name).

    Raises:
        StreamError: CODEC for what cannot be put into MP4 here; PROTOCOL for parameter sets that cannot be read.
    """
    # H.265 has its place here: a sample entry "hvc1" with an hvcC, and VPS among the sets.
    if codec != "H264":
        detail = f"the camera sends {codec}, which cannot be shown without WebRTC; only H.264 can"
        raise StreamError(StreamFault.CODEC, detail, codec=codec)
    sets = tuple(dict.fromkeys(nal for nal in nals if nal_type(nal) in (SPS, PPS)))
    first = next((nal for nal in sets if nal_type(nal) == SPS), b"")
    try:
        sps = read_sps(first)
    except SpsError as error:
        raise StreamError(StreamFault.PROTOCOL, f"the camera's video cannot be read: {error}") from None
    codecs = f"avc1.{first[1:4].hex().upper()}"
    return Track(codecs, sps.width, sps.height, _visual_entry(b"avc1", sps.width, sps.height, _avcc(sps, sets)), sets)


def init_segment(track: Track) -> bytes:
    """The ftyp and moov of a live track: no duration, so that players take it as live."""
    ftyp = _box(b"ftyp", b"iso6", struct.pack(">I", 1), b"iso6mp41")
    times = struct.pack(">4I", 0, 0, VIDEO_CLOCK_HZ, 0)
    mvhd = _full(b"mvhd", 0, 0, times, struct.pack(">IH10x", 0x10000, 0x100), _MATRIX, bytes(24), struct.pack(">I", 2))
    trex = _full(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0))
    return ftyp + _box(b"moov", mvhd, _trak(track), _box(b"mvex", trex))


def _trak(track: Track) -> bytes:
    sides = struct.pack(">II", track.width << 16, track.height << 16)
    tkhd = _full(b"tkhd", 0, 7, struct.pack(">5I", 0, 0, 1, 0, 0), bytes(16), _MATRIX, sides)
    mdhd = _full(b"mdhd", 0, 0, struct.pack(">4I2H", 0, 0, VIDEO_CLOCK_HZ, 0, _UNDETERMINED, 0))
    hdlr = _full(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"vide"), b"camctl\0")
    dinf = _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1)))
    nothing = struct.pack(">I", 0)
    tables = (_full(b"stts", 0, 0, nothing), _full(b"stsc", 0, 0, nothing), _full(b"stsz", 0, 0, bytes(8)))
    stsd = _full(b"stsd", 0, 0, struct.pack(">I", 1), track.entry)
    stbl = _box(b"stbl", stsd, *tables, _full(b"stco", 0, 0, nothing))
    minf = _box(b"minf", _full(b"vmhd", 0, 1, bytes(8)), dinf, stbl)
    return _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, minf))


def _visual_entry(kind: bytes, width: int, height: int, config: bytes) -> bytes:
    """A VisualSampleEntry of track 1 with the decoder's configuration in it."""
    head = struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, _PIXELS_PER_INCH, _PIXELS_PER_INCH, 0, 1, 24, -1)
    return _box(kind, head, config)


def _avcc(sps: H264Sps, sets: tuple[bytes, ...]) -> bytes:
    """The AVCDecoderConfigurationRecord, ISO/IEC 14496-15 section 5.3.3.1; lengths in samples have four bytes."""
    firsts = [nal for nal in sets if nal_type(nal) == SPS][:_MAX_SPS]
    seconds = [nal for nal in sets if nal_type(nal) == PPS][:_MAX_PPS]
    parts = [struct.pack(">5B", 1, sps.profile_idc, sps.constraints, sps.level_idc, 0xFF), bytes([0xE0 | len(firsts)])]
    parts += [struct.pack(">H", len(nal)) + nal for nal in firsts]
    parts.append(bytes([len(seconds)]))
    parts += [struct.pack(">H", len(nal)) + nal for nal in seconds]
    if sps.is_high:
        depths = (0xF8 | sps.bit_depth_luma - 8, 0xF8 | sps.bit_depth_chroma - 8)
        parts.append(bytes([0xFC | sps.chroma_format_idc, *depths, 0]))
    return _box(b"avcC", *parts)


def fragment(number: int, decode_time: int, duration: int, offset: int, sample: bytes, *, is_key: bool) -> bytes:
    """A moof and mdat of one sample.

    `decode_time` and `duration` are in 1/90000 s; `offset` is composition minus decode time, negative where pictures
    were reordered.
    """
    flags = _SYNC_FLAGS if is_key else _DELTA_FLAGS
    # tfhd: default-base-is-moof. trun version 1: data offset; duration, size, flags and signed offset of the sample.
    tfhd = _full(b"tfhd", 0, 0x02_0000, struct.pack(">I", 1))
    tfdt = _full(b"tfdt", 1, 0, struct.pack(">Q", decode_time))
    size = 8 + 16 + 8 + len(tfhd) + len(tfdt) + 36  # moof, mfhd, traf and trun are of known sizes
    trun = struct.pack(">IiIIIi", 1, size + 8, duration, len(sample), flags, offset)
    traf = _box(b"traf", tfhd, tfdt, _full(b"trun", 1, 0xF01, trun))
    moof = _box(b"moof", _full(b"mfhd", 0, 0, struct.pack(">I", number & 0xFFFF_FFFF)), traf)
    return moof + struct.pack(">I4s", 8 + len(sample), b"mdat") + sample


class DecodeClock:
    """Decode times of access units whose own times may jitter, jump, or go back a little (B-frames).

    Players drop everything up to the next key picture when a picture comes more than two durations after the one
    before (MSE, "coded frame processing"). A live sender knows durations only afterwards, so it says the longest of
    late; where a gap is longer than a player bears, the time in it is left out. It never goes back, and begins at 1 s,
    so that nothing is shown before 0.
    """

    __slots__ = ("_duration", "_last", "_recent", "_shift")

    def __init__(self) -> None:
        self._last: int | None = None
        self._shift = 0
        self._duration = _FIRST_DURATION
        self._recent: deque[int] = deque(maxlen=_RECENT)

    def at(self, timestamp: int) -> tuple[int, int, int]:
        """Decode time, composition offset and duration of the unit that is shown at `timestamp`; 1/90000 s."""
        if self._last is None:
            self._last, self._shift = _REORDER, _REORDER - timestamp
            return self._last, 0, self._duration
        step = timestamp + self._shift - self._last
        self._recent.append(min(max(step, 1), _LONGEST_DURATION))
        if not -_REORDER <= step <= 2 * self._duration:
            self._shift += self._duration - step
            step = self._duration
        self._last += max(step, 1)
        self._duration = max(self._recent)
        return self._last, min(step, 1) - 1, self._duration


class Muxer:
    """The access units of one stream to pieces, once, however many watch. Begins with the first key unit."""

    def __init__(self) -> None:
        self._clock = DecodeClock()
        self._track: Track | None = None
        self._number = 0

    def push(self, codec: str, unit: AccessUnit) -> Iterator[Piece]:
        """The unit's fragment, after an init segment if its format is new.

        Raises:
            StreamError: as `track_of`.
        """
        if unit.is_key and (self._track is None or self._is_new(self._track, unit)):
            self._track = track_of(codec, unit.nals)
            yield Piece(init_segment(self._track), codecs=self._track.codecs)
        if self._track is None:
            return
        decode_time, offset, duration = self._clock.at(unit.timestamp)
        self._number += 1
        sample = _sample(unit.nals, self._track.sets)
        data = fragment(self._number, decode_time, duration, offset, sample, is_key=unit.is_key)
        yield Piece(data, is_key=unit.is_key)

    def _is_new(self, track: Track, unit: AccessUnit) -> bool:
        """A key unit carries all parameter sets that are in force."""
        return {nal for nal in unit.nals if nal_type(nal) in (SPS, PPS)} != set(track.sets)


def _sample(nals: Iterable[bytes], sets: tuple[bytes, ...]) -> bytes:
    """NAL units with lengths of four bytes, without what the init segment holds or a file needs not."""
    parts = []
    for nal in nals:
        if nal and nal_type(nal) not in _NOT_IN_SAMPLES and nal not in sets:
            parts += [struct.pack(">I", len(nal)), nal]
    return b"".join(parts)


def _box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)
