"""The YAML of a street: which cameras it has and how each is built."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

Degrees = Annotated[float, Field(ge=-180, le=180)]
Positive = Annotated[float, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StreamConfig(_Strict):
    """One encoder setting: picture size in pixels (even numbers), frames per second, kilobits per second."""

    width: int = Field(1280, ge=160, le=1920, multiple_of=2)
    height: int = Field(720, ge=90, le=1080, multiple_of=2)
    fps: int = Field(25, ge=1, le=30)
    bitrate_kbps: int = Field(2000, ge=50, le=20_000)


class PresetConfig(_Strict):
    """A view that the camera knows from the start."""

    name: str
    pan_deg: Degrees = 0.0
    tilt_deg: float = Field(0.0, ge=-90, le=90)
    zoom_x: float = Field(1.0, ge=1, le=40)
    token: str | None = None  # the camera's own counter ("1", "2", ...) when not given


def _default_presets() -> tuple[PresetConfig, ...]:
    return (
        PresetConfig(name="Simpang", pan_deg=0.0, tilt_deg=-4.0, zoom_x=1.0),
        PresetConfig(name="Halte", pan_deg=-48.0, tilt_deg=-8.0, zoom_x=2.5),
        PresetConfig(name="Monas", pan_deg=62.0, tilt_deg=4.0, zoom_x=2.0),
    )


class CameraConfig(_Strict):
    """One simulated camera."""

    name: str = Field(min_length=1, max_length=64)
    username: str = Field("admin", min_length=1)
    password: SecretStr = Field(min_length=1)
    quirks: tuple[str, ...] = ()
    manufacturer: str = "camctl"  # what it says of itself, by which a client may know its quirks
    model: str = "Simulated PTZ"
    firmware: str = "1.0.0"
    daylight: Literal["day", "night"] = "day"
    h264_profile: Literal["constrained-baseline", "main", "high"] = "constrained-baseline"
    idr_interval_s: float = Field(4.0, gt=0, le=60)
    seed: int = 1
    sound: Literal["PCMU", "PCMA"] | None = None  # beside both streams
    rtsp_transports: tuple[Literal["tcp", "udp"], ...] = Field(("tcp", "udp"), min_length=1)  # others: SETUP gets 461
    steerable: bool = True
    pan_range_deg: tuple[Degrees, Degrees] = (-170.0, 170.0)
    tilt_range_deg: tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-90, le=90)]] = (
        -60.0,
        30.0,
    )
    zoom_range: tuple[Annotated[float, Field(ge=1, le=40)], Annotated[float, Field(ge=1, le=40)]] = (1.0, 20.0)
    wide_fov_deg: float = Field(62.0, gt=1, le=90)  # horizontal, at zoom 1
    max_pan_deg_per_s: Positive = 100.0
    max_tilt_deg_per_s: Positive = 60.0
    zoom_travel_s: Positive = 4.0  # from wide to tele at full speed
    acceleration_s: Positive = 0.125  # from standstill to full speed, and back
    slower_when_zoomed: bool = False  # speeds follow the field of view
    home: PresetConfig = PresetConfig(name="Home", pan_deg=0.0, tilt_deg=-4.0, zoom_x=1.0)
    presets: tuple[PresetConfig, ...] = Field(default_factory=_default_presets)
    main: StreamConfig = StreamConfig()
    sub: StreamConfig = StreamConfig(width=640, height=360, fps=15, bitrate_kbps=400)
    ptz_timeout_range_s: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] = (1.0, 60.0)
    clock_skew_s: float = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for key in ("pan_range_deg", "tilt_range_deg", "zoom_range", "ptz_timeout_range_s"):
            low, high = getattr(self, key)
            if low > high:
                raise ValueError(f"{key}: the first number must not be above the second")
        tokens = [preset.token for preset in self.presets if preset.token is not None]
        if len(tokens) != len(set(tokens)):
            raise ValueError("presets: two have the same token")
        return self


class StreetConfig(_Strict):
    """Many cameras on consecutive ports; port 0 takes any free ones."""

    host: str = "127.0.0.1"
    first_onvif_port: int = Field(8081, ge=0, le=65_535)
    first_rtsp_port: int = Field(8554, ge=0, le=65_535)
    discovery: bool = False
    cameras: tuple[CameraConfig, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [camera.name for camera in self.cameras]
        if len(names) != len(set(names)):
            raise ValueError("cameras: two have the same name")
        for key in ("first_onvif_port", "first_rtsp_port"):
            if getattr(self, key) + len(self.cameras) - 1 > 65_535:
                raise ValueError(f"{key}: leaves no room for {len(self.cameras)} consecutive ports")
        return self
