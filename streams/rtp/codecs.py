"""The codecs that can be relayed: a table from the RTP encoding name to how its pictures are cut, joined and described.

A new codec is a row here; everything else (hub, client, server, snapshot) asks the table.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from streams.errors import StreamError, StreamFault
from streams.rtp import h265, nal, payloads
from streams.rtp.depacketiser import Depacketiser
from streams.rtp.frames import VideoFormat
from streams.rtp.nal import NalSyntax, ParameterSets

_MAX_SETS = 16


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec.

    `sprops` are the fmtp parameters that carry parameter sets, each with the types of NAL units in it; `describe` gives
    the other fmtp parameters of a format; `orders` is the fmtp parameter, and those of its values, with which a
    camera sends pictures in another order than that of decoding, which is not supported. `decoder` is FFmpeg's name.
    """

    name: str
    words: str
    syntax: NalSyntax
    decoder: str
    sprops: tuple[tuple[str, tuple[int, ...]], ...]
    describe: Callable[[VideoFormat], list[str]]
    orders: tuple[str, re.Pattern[str]]

    def depacketiser(self, parameter_sets: Iterable[bytes]) -> Depacketiser:
        """What makes access units of this codec's packets."""
        return Depacketiser(self.syntax, parameter_sets)

    def packetise(self, nals: tuple[bytes, ...]) -> list[bytes]:
        """The RTP payloads of one access unit, in order."""
        return payloads.packetise(self.syntax, nals)

    def parameter_sets(self, nals: Iterable[bytes] = ()) -> ParameterSets:
        """A memory for this codec's parameter sets."""
        return ParameterSets(nals, self.syntax)

    def only_sets(self, nals: Iterable[bytes]) -> tuple[bytes, ...]:
        """The parameter sets among these NAL units."""
        return tuple(unit for unit in nals if self.syntax.kind(unit) in self.syntax.sets)

    def read_sets(self, parameters: Mapping[str, str]) -> tuple[bytes, ...]:
        """The parameter sets in fmtp parameters (names in lower case), in the order in which a decoder needs them."""
        nals = [unit for name, _ in self.sprops for unit in _decoded(parameters.get(name, ""))]
        return tuple(sorted(self.only_sets(nals), key=self.syntax.kind))

    def fmtp(self, video: VideoFormat) -> str:
        """The fmtp parameters that describe a format."""
        items = self.describe(video)
        for name, kinds in self.sprops:
            sets = [unit for unit in video.parameter_sets if self.syntax.kind(unit) in kinds]
            if sets:
                items.append(f"{name}={','.join(base64.b64encode(unit).decode('ascii') for unit in sets)}")
        return ";".join(items)

    def reorders(self, parameters: Mapping[str, str]) -> bool:
        """Whether a camera says that its packets come in another order than that of decoding."""
        name, values = self.orders
        return values.fullmatch(parameters.get(name, "").strip()) is not None


def _decoded(text: str) -> list[bytes]:
    nals = []
    for item in text.split(",")[:_MAX_SETS]:
        unpadded = item.strip().rstrip("=")
        try:
            unit = base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue  # a broken set: the stream carries it in band, or cannot be decoded
        unit = re.sub(rb"\A\x00\x00\x00?\x01", b"", unit)  # some cameras encode the start code too
        if unit:
            nals.append(unit)
    return nals


def _describe_h264(video: VideoFormat) -> list[str]:
    profile = video.profile_level_id
    return ["packetization-mode=1", *([f"profile-level-id={profile}"] if profile else [])]


def _describe_h265(video: VideoFormat) -> list[str]:
    sets = [unit for unit in video.parameter_sets if h265.nal_type(unit) == h265.SPS]
    level = h265.profile_tier_level(sets[0]) if sets else None
    if level is None:
        return []
    return [f"profile-id={level.profile_id}", f"tier-flag={level.tier_flag}", f"level-id={level.level_id}"]


H264 = Codec(
    name="H264",
    words="H.264",
    syntax=nal.H264,
    decoder="h264",
    sprops=(("sprop-parameter-sets", nal.H264.sets),),
    describe=_describe_h264,
    orders=("packetization-mode", re.compile("2")),
)
H265 = Codec(
    name="H265",
    words="H.265",
    syntax=h265.H265,
    decoder="hevc",
    sprops=(("sprop-vps", (h265.VPS,)), ("sprop-sps", (h265.SPS,)), ("sprop-pps", (h265.PPS,))),
    describe=_describe_h265,
    orders=("sprop-max-don-diff", re.compile("0*[1-9][0-9]*")),
)
# In the order in which a camera that describes several is asked for them: nearly every viewer shows H.264.
CODECS: Mapping[str, Codec] = {codec.name: codec for codec in (H264, H265)}


def words_of(name: str) -> str:
    """What people call a codec; the RTP encoding name of one that is not known here."""
    return CODECS[name].words if name in CODECS else name


def codec_of(name: str) -> Codec:
    """The codec of an RTP encoding name.

    Raises:
        StreamError: CODEC, when it cannot be relayed.
    """
    codec = CODECS.get(name)
    if codec is None:
        words = " or ".join(known.words for known in CODECS.values())
        detail = f"the camera sends {name}, which cannot be relayed; set its encoder to {words}"
        raise StreamError(StreamFault.CODEC, detail, codec=name)
    return codec
