"""The tokens by which a simulated camera names its parts, and the spaces in which its motors are commanded."""

from __future__ import annotations

from typing import Final, Literal

VIDEO_SOURCE: Final = "video_source_0"
SOURCE_CONFIGURATION: Final = "video_source_config_0"
PTZ_NODE: Final = "ptz_node_0"
PTZ_CONFIGURATION: Final = "ptz_config_0"

StreamName = Literal["main", "sub"]
PROFILES: Final[dict[str, StreamName]] = {"profile_main": "main", "profile_sub": "sub"}
ENCODERS: Final[dict[str, StreamName]] = {"encoder_main": "main", "encoder_sub": "sub"}

_SPACES: Final = "http://www.onvif.org/ver10/tptz"
PAN_TILT_POSITION: Final = f"{_SPACES}/PanTiltSpaces/PositionGenericSpace"
PAN_TILT_TRANSLATION: Final = f"{_SPACES}/PanTiltSpaces/TranslationGenericSpace"
PAN_TILT_FOV: Final = f"{_SPACES}/PanTiltSpaces/TranslationSpaceFov"
PAN_TILT_VELOCITY: Final = f"{_SPACES}/PanTiltSpaces/VelocityGenericSpace"
PAN_TILT_SPEED: Final = f"{_SPACES}/PanTiltSpaces/GenericSpeedSpace"
ZOOM_POSITION: Final = f"{_SPACES}/ZoomSpaces/PositionGenericSpace"
ZOOM_TRANSLATION: Final = f"{_SPACES}/ZoomSpaces/TranslationGenericSpace"
ZOOM_VELOCITY: Final = f"{_SPACES}/ZoomSpaces/VelocityGenericSpace"
ZOOM_SPEED: Final = f"{_SPACES}/ZoomSpaces/ZoomGenericSpeedSpace"
