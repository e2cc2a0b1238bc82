"""From a camera's answers, as zeep parsed them, to what it can do: services, profiles, spaces, abilities. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from camctl.onvif.documents import Service
from camctl.onvif.quirks import Quirk
from camctl.onvif.replies import dig, interval, items, number, seconds, text
from camctl.onvif.values import MAX_TIMEOUT_S, SIGNED, UNSIGNED, Range, TimeoutLimits
from camctl.ptz.model import Position, Preset, PtzAbilities, PtzStatus, SafetyNet

_MAX_PRESETS = 300
_MANY_PRESETS = 64
_DEFAULT_SPACES = (
    "DefaultContinuousPanTiltVelocitySpace",
    "DefaultContinuousZoomVelocitySpace",
    # ONVIF's own spelling
    "DefaultAbsolutePantTiltPositionSpace",
    "DefaultAbsoluteZoomPositionSpace",
    "DefaultRelativePanTiltTranslationSpace",
    "DefaultRelativeZoomTranslationSpace",
)


@dataclass(frozen=True, slots=True)
class MediaProfile:
    """One media profile; sizes are 0 and texts empty where the camera does not say."""

    token: str
    encoding: str = ""
    width: int = 0
    height: int = 0
    ptz_configuration: str = ""
    ptz_node: str = ""
    default_spaces: tuple[str, ...] = ()  # names of the PTZConfiguration's Default...Space elements that are there

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def has_ptz(self) -> bool:
        """Whether moves may name it."""
        return bool(self.ptz_configuration or self.ptz_node)


@dataclass(frozen=True, slots=True)
class ChosenProfiles:
    """Which profiles to use: `main` and `sub` for video, `ptz` for moves (None where no profile has PTZ)."""

    main: MediaProfile
    sub: MediaProfile | None
    ptz: MediaProfile | None


@dataclass(frozen=True, slots=True)
class Space:
    """A coordinate space of one node: pan (or zoom) in `x`, tilt in `y`."""

    uri: str
    x: Range
    y: Range


@dataclass(frozen=True, slots=True)
class Spaces:
    """The spaces that are used; None where the camera has none of the kind."""

    velocity_pan_tilt: Space | None = None
    velocity_zoom: Space | None = None
    position_pan_tilt: Space | None = None
    position_zoom: Space | None = None
    translation_pan_tilt: Space | None = None
    translation_zoom: Space | None = None
    speed_pan_tilt: Space | None = None
    speed_zoom: Space | None = None

    @property
    def are_empty(self) -> bool:
        """Whether the camera said nothing of continuous motion."""
        return self.velocity_pan_tilt is None and self.velocity_zoom is None


def service_addresses(services: object, capabilities: object) -> dict[Service, str]:
    """The XAddrs of GetServices, and of GetCapabilities for what is missing there; unmended."""
    found: dict[Service, str] = {}
    for entry in items(services):
        for service in Service:
            if text(entry, "Namespace") == service.value.namespace and text(entry, "XAddr"):
                found.setdefault(service, text(entry, "XAddr"))
    for service, element in ((Service.MEDIA, "Media"), (Service.PTZ, "PTZ")):
        if dig(capabilities, element) is not None:
            found.setdefault(service, text(capabilities, element, "XAddr"))
    return found


def media_profiles(reply: object) -> list[MediaProfile]:
    """The profiles of a GetProfiles answer that have a token."""
    return [profile for profile in map(_profile, items(reply)) if profile.token]


def _profile(entry: object) -> MediaProfile:
    video, ptz = "VideoEncoderConfiguration", "PTZConfiguration"
    return MediaProfile(
        token=text(entry, "token"),
        encoding=text(entry, video, "Encoding").upper(),
        width=_size(entry, video, "Width"),
        height=_size(entry, video, "Height"),
        ptz_configuration=text(entry, ptz, "token"),
        ptz_node=text(entry, ptz, "NodeToken"),
        default_spaces=tuple(name for name in _DEFAULT_SPACES if text(entry, ptz, name)),
    )


def _size(entry: object, video: str, name: str) -> int:
    found = number(entry, video, "Resolution", name)
    return int(found) if found is not None and found > 0 else 0


def choose_profiles(profiles: Sequence[MediaProfile]) -> ChosenProfiles | None:
    """The largest H.264 profile as main, the smallest other one as sub; None where there is no profile.

    A camera without H.264 gets its largest profile: what it sends is judged where the video is read.
    """
    usable = [profile for profile in profiles if profile.encoding == "H264"] or list(profiles)
    if not usable:
        return None
    main = max(usable, key=lambda profile: (profile.pixels, profile.has_ptz))
    others = [profile for profile in usable if profile.token != main.token]
    sub = min(others, key=lambda profile: profile.pixels, default=None)
    steerable = [profile for profile in profiles if profile.has_ptz]
    ptz = main if main.has_ptz else max(steerable, key=lambda profile: profile.pixels, default=None)
    return ChosenProfiles(main, sub, ptz)


def choose_node(nodes: object, token: str) -> object | None:
    """The PTZ node with this token, or the first."""
    found = items(nodes)
    return next((node for node in found if text(node, "token") == token), found[0] if found else None)


def read_spaces(entry: object) -> Spaces:
    """The spaces of a tt:PTZSpaces: generic ones are preferred, another is scaled to."""
    return Spaces(
        velocity_pan_tilt=_space(entry, "ContinuousPanTiltVelocitySpace", SIGNED),
        velocity_zoom=_space(entry, "ContinuousZoomVelocitySpace", SIGNED),
        position_pan_tilt=_space(entry, "AbsolutePanTiltPositionSpace", SIGNED),
        position_zoom=_space(entry, "AbsoluteZoomPositionSpace", UNSIGNED),
        translation_pan_tilt=_space(entry, "RelativePanTiltTranslationSpace", SIGNED),
        translation_zoom=_space(entry, "RelativeZoomTranslationSpace", SIGNED),
        speed_pan_tilt=_space(entry, "PanTiltSpeedSpace", UNSIGNED),
        speed_zoom=_space(entry, "ZoomSpeedSpace", UNSIGNED),
    )


def _space(entry: object, name: str, generic: Range) -> Space | None:
    found = items(entry, name)
    if not found:
        return None
    best = next((each for each in found if "Generic" in text(each, "URI")), found[0])
    return Space(text(best, "URI"), _usable(best, "XRange", generic), _usable(best, "YRange", generic))


def _usable(entry: object, name: str, generic: Range) -> Range:
    found = interval(entry, name)
    return found if found is not None and found.is_usable else generic


def assumed_spaces(profile: MediaProfile) -> Spaces:
    """The spaces of a PTZ camera whose node tells none: generic ones, as far as its configuration has defaults.

    Without any default it is taken to pan and tilt: a Zoom element would be refused by a camera without zoom.
    """
    names = profile.default_spaces or _DEFAULT_SPACES[:1]
    two, zoom_speed, zoom_place = Space("", SIGNED, SIGNED), Space("", SIGNED, SIGNED), Space("", UNSIGNED, UNSIGNED)
    kinds = zip(_DEFAULT_SPACES, (two, zoom_speed, two, zoom_place, two, zoom_speed), strict=True)
    return Spaces(*(space if name in names else None for name, space in kinds))


def timeout_limits(options: object) -> TimeoutLimits:
    """The Timeout range of a GetConfigurationOptions answer; nonsense and silence mean anything goes, 0 to 0 none."""
    low, high = seconds(options, "PTZTimeout", "Min"), seconds(options, "PTZTimeout", "Max")
    if low is None or high is None or low < 0 or high < low:
        return TimeoutLimits()
    if high < 1:
        return TimeoutLimits(0, 0)
    return TimeoutLimits(min(max(1, math.ceil(low)), MAX_TIMEOUT_S), min(math.floor(high), MAX_TIMEOUT_S))


def safety_net(spaces: Spaces, timeout: TimeoutLimits, quirk: Quirk) -> SafetyNet:
    """What ends this camera's motion when the link to it dies."""
    if timeout.takes_any and quirk.honours_timeout:
        return SafetyNet.TIMEOUT
    has_steps = spaces.translation_pan_tilt is not None or (spaces.translation_zoom is not None and quirk.has_zoom)
    return SafetyNet.STEPS if has_steps and quirk.has_relative else SafetyNet.NONE


def abilities(
    spaces: Spaces, node: object, *, presets: bool, status: PtzStatus | None, quirk: Quirk, net: SafetyNet
) -> PtzAbilities:
    """What the camera proved it can do; a camera that is driven in steps turns those axes that can be stepped."""
    zoom = spaces.velocity_zoom is not None and quirk.has_zoom
    pan_tilt = spaces.velocity_pan_tilt is not None
    if net is SafetyNet.STEPS:
        pan_tilt, zoom = spaces.translation_pan_tilt is not None, zoom and spaces.translation_zoom is not None
    relative = spaces.translation_pan_tilt is not None or (spaces.translation_zoom is not None and quirk.has_zoom)
    position = status.position if status is not None else Position()
    return PtzAbilities(
        pan_tilt=pan_tilt,
        zoom=zoom,
        absolute=spaces.position_pan_tilt is not None or (spaces.position_zoom is not None and quirk.has_zoom),
        relative=relative and quirk.has_relative,
        home=dig(node, "HomeSupported") is True,
        presets=presets,
        status_position=position.pan is not None or position.zoom is not None,
        safety_net=net,
    )


def presets(reply: object) -> list[Preset]:
    """The presets that have a token; some cameras list hundreds, most of them empty."""
    listed = [Preset(text(entry, "token"), text(entry, "Name")) for entry in items(reply)]
    found = [preset for preset in listed if preset.token]
    if len(found) > _MANY_PRESETS:  # all slots that there are: those without a name hold nothing
        found = [preset for preset in found if preset.name]
    return found[:_MAX_PRESETS]
