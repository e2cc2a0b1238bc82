"""The Media service (ver10): two profiles, their configurations, the addresses of stream and snapshot."""

from __future__ import annotations

from simulators.config import StreamConfig
from simulators.onvif.auth import Access
from simulators.onvif.device import Call, Device, Service
from simulators.onvif.ptz_documents import configuration as ptz_configuration
from simulators.onvif.soap import invalid_argument
from simulators.onvif.tokens import ENCODERS, PROFILES, SOURCE_CONFIGURATION, VIDEO_SOURCE, StreamName
from simulators.onvif.values import optional_text, required_text
from simulators.onvif.xml import Xml, el, join

_H264_PROFILES = {"constrained-baseline": "Baseline", "main": "Main", "high": "High"}


def capabilities(_device: Device) -> Xml:
    """What GetServiceCapabilities and GetServices tell."""
    return el(
        "trt:Capabilities",
        el("trt:ProfileCapabilities", MaximumNumberOfProfiles=len(PROFILES)),
        el("trt:StreamingCapabilities", RTPMulticast=False, RTP_TCP=True, RTP_RTSP_TCP=True),
        SnapshotUri=True,
        Rotation=False,
    )


SERVICE = Service("trt", "/onvif/media_service", (2, 60), capabilities)
operation = SERVICE.operation


def profile_of(text: str) -> StreamName:
    """The stream that a ProfileToken means.

    Raises:
        SoapFaultError: ter:NoProfile.
    """
    if text not in PROFILES:
        raise invalid_argument("the profile does not exist", "NoProfile")
    return PROFILES[text]


def _stream(device: Device, name: StreamName) -> StreamConfig:
    return device.camera.config.main if name == "main" else device.camera.config.sub


def _resolution(tag: str, stream: StreamConfig) -> Xml:
    return el(tag, el("tt:Width", stream.width), el("tt:Height", stream.height))


def _source_configuration(device: Device, tag: str) -> Xml:
    main = device.camera.config.main
    return el(
        tag,
        el("tt:Name", "VideoSource"),
        el("tt:UseCount", len(PROFILES)),
        el("tt:SourceToken", VIDEO_SOURCE),
        el("tt:Bounds", x=0, y=0, width=main.width, height=main.height),
        token=SOURCE_CONFIGURATION,
    )


def _gov_length(device: Device, stream: StreamConfig) -> int:
    return max(1, round(device.camera.config.idr_interval_s * stream.fps))


def _encoder_configuration(device: Device, name: StreamName, tag: str) -> Xml:
    stream = _stream(device, name)
    multicast = el(
        "tt:Multicast",
        el("tt:Address", el("tt:Type", "IPv4"), el("tt:IPv4Address", "0.0.0.0")),  # noqa: S104 - multicast is off
        el("tt:Port", 0),
        el("tt:TTL", 0),
        el("tt:AutoStart", False),
    )
    return el(
        tag,
        el("tt:Name", f"{name} stream"),
        el("tt:UseCount", 1),
        el("tt:Encoding", "H264"),
        _resolution("tt:Resolution", stream),
        el("tt:Quality", 5.0),
        el(
            "tt:RateControl",
            el("tt:FrameRateLimit", stream.fps),
            el("tt:EncodingInterval", 1),
            el("tt:BitrateLimit", stream.bitrate_kbps),
        ),
        el(
            "tt:H264",
            el("tt:GovLength", _gov_length(device, stream)),
            el("tt:H264Profile", _H264_PROFILES[device.camera.config.h264_profile]),
        ),
        multicast,
        el("tt:SessionTimeout", "PT60S"),
        token=f"encoder_{name}",
    )


def _profile(device: Device, token: str, tag: str) -> Xml:
    name = PROFILES[token]
    with_ptz = device.has_ptz and not device.quirks.profile_without_ptz
    return el(
        tag,
        el("tt:Name", f"{name} profile"),
        _source_configuration(device, "tt:VideoSourceConfiguration"),
        _encoder_configuration(device, name, "tt:VideoEncoderConfiguration"),
        ptz_configuration(device, "tt:PTZConfiguration") if with_ptz else None,
        token=token,
        fixed=True,
    )


@operation("GetServiceCapabilities", Access.PRE_AUTH)
def get_service_capabilities(call: Call) -> Xml:
    """Media GetServiceCapabilities."""
    return capabilities(call.device)


@operation("GetProfiles", Access.READ_MEDIA)
def get_profiles(call: Call) -> Xml:
    """Both profiles, the main one first."""
    return join(*(_profile(call.device, token, "trt:Profiles") for token in PROFILES))


@operation("GetProfile", Access.READ_MEDIA)
def get_profile(call: Call) -> Xml:
    """One profile."""
    token = required_text(call.body, "trt:ProfileToken")
    profile_of(token)
    return _profile(call.device, token, "trt:Profile")


@operation("GetVideoSources", Access.READ_MEDIA)
def get_video_sources(call: Call) -> Xml:
    """The one sensor."""
    main = call.device.camera.config.main
    return el(
        "trt:VideoSources",
        el("tt:Framerate", float(main.fps)),
        _resolution("tt:Resolution", main),
        token=VIDEO_SOURCE,
    )


@operation("GetVideoSourceConfigurations", Access.READ_MEDIA)
def get_video_source_configurations(call: Call) -> Xml:
    """How the sensor is used, which is always whole."""
    return _source_configuration(call.device, "trt:Configurations")


@operation("GetCompatibleVideoSourceConfigurations", Access.READ_MEDIA)
def get_compatible_video_source_configurations(call: Call) -> Xml:
    """The same for a profile."""
    profile_of(required_text(call.body, "trt:ProfileToken"))
    return _source_configuration(call.device, "trt:Configurations")


@operation("GetVideoSourceConfiguration", Access.READ_MEDIA)
def get_video_source_configuration(call: Call) -> Xml:
    """The same by token."""
    _known_source_configuration(required_text(call.body, "trt:ConfigurationToken"))
    return _source_configuration(call.device, "trt:Configuration")


def _known_source_configuration(token: str | None) -> None:
    if token not in (None, SOURCE_CONFIGURATION):
        raise invalid_argument("the configuration does not exist", "NoConfig")


@operation("GetVideoSourceConfigurationOptions", Access.READ_MEDIA)
def get_video_source_configuration_options(call: Call) -> Xml:
    """The bounds, which cannot be changed."""
    _known_source_configuration(optional_text(call.body, "trt:ConfigurationToken"))
    main = call.device.camera.config.main
    bounds = el(
        "tt:BoundsRange",
        _range("tt:XRange", 0, 0),
        _range("tt:YRange", 0, 0),
        _range("tt:WidthRange", main.width, main.width),
        _range("tt:HeightRange", main.height, main.height),
    )
    return el("trt:Options", bounds, el("tt:VideoSourceTokensAvailable", VIDEO_SOURCE))


@operation("GetVideoEncoderConfigurations", Access.READ_MEDIA)
def get_video_encoder_configurations(call: Call) -> Xml:
    """Both encoders."""
    return join(*(_encoder_configuration(call.device, name, "trt:Configurations") for name in ENCODERS.values()))


@operation("GetCompatibleVideoEncoderConfigurations", Access.READ_MEDIA)
def get_compatible_video_encoder_configurations(call: Call) -> Xml:
    """The encoder of a profile."""
    name = profile_of(required_text(call.body, "trt:ProfileToken"))
    return _encoder_configuration(call.device, name, "trt:Configurations")


@operation("GetVideoEncoderConfiguration", Access.READ_MEDIA)
def get_video_encoder_configuration(call: Call) -> Xml:
    """One encoder by token."""
    name = _encoder(required_text(call.body, "trt:ConfigurationToken"))
    return _encoder_configuration(call.device, name, "trt:Configuration")


def _encoder(token: str) -> StreamName:
    if token not in ENCODERS:
        raise invalid_argument("the configuration does not exist", "NoConfig")
    return ENCODERS[token]


@operation("GetVideoEncoderConfigurationOptions", Access.READ_MEDIA)
def get_video_encoder_configuration_options(call: Call) -> Xml:
    """What the encoders can do: exactly what they are set to."""
    asked = optional_text(call.body, "trt:ConfigurationToken")
    profile = optional_text(call.body, "trt:ProfileToken")
    names = [_encoder(asked)] if asked else [profile_of(profile)] if profile else list(ENCODERS.values())
    streams = [_stream(call.device, name) for name in names]
    govs = [_gov_length(call.device, stream) for stream in streams]
    rates = [stream.fps for stream in streams]
    h264 = el(
        "tt:H264",
        *(_resolution("tt:ResolutionsAvailable", stream) for stream in streams),
        _range("tt:GovLengthRange", min(govs), max(govs)),
        _range("tt:FrameRateRange", min(rates), max(rates)),
        _range("tt:EncodingIntervalRange", 1, 1),
        el("tt:H264ProfilesSupported", _H264_PROFILES[call.device.camera.config.h264_profile]),
    )
    return el("trt:Options", _range("tt:QualityRange", 5, 5), h264)


def _range(tag: str, low: int, high: int) -> Xml:
    return el(tag, el("tt:Min", low), el("tt:Max", high))


@operation("GetGuaranteedNumberOfVideoEncoderInstances", Access.READ_MEDIA)
def get_guaranteed_number_of_video_encoder_instances(call: Call) -> Xml:
    """One encoder for each stream."""
    _known_source_configuration(required_text(call.body, "trt:ConfigurationToken"))
    return join(el("trt:TotalNumber", len(ENCODERS)), el("trt:H264", len(ENCODERS)))


def nothing(_call: Call) -> Xml:
    """The empty list of what this camera does not have."""
    return Xml("")


for _name in (
    "GetAudioSources",
    "GetAudioOutputs",
    "GetAudioSourceConfigurations",
    "GetAudioEncoderConfigurations",
    "GetVideoAnalyticsConfigurations",
    "GetMetadataConfigurations",
    "GetAudioOutputConfigurations",
    "GetAudioDecoderConfigurations",
    "GetOSDs",
):
    operation(_name, Access.READ_MEDIA)(nothing)


@operation("GetStreamUri", Access.READ_MEDIA)
def get_stream_uri(call: Call) -> Xml:
    """The RTSP address of a profile; the same for UDP and TCP, and not for multicast."""
    name = profile_of(required_text(call.body, "trt:ProfileToken"))
    kind = optional_text(call.body, "trt:StreamSetup/tt:Stream")
    protocol = optional_text(call.body, "trt:StreamSetup/tt:Transport/tt:Protocol")
    if kind not in (None, "RTP-Unicast") or protocol not in (None, "UDP", "TCP", "RTSP"):
        raise invalid_argument("only RTP-Unicast over UDP or RTSP", "InvalidStreamSetup")
    scheme = "http" if call.device.quirks.stream_uri_other_scheme else "rtsp"
    return _media_uri(f"{scheme}://{call.media_host()}:{call.device.endpoint.rtsp_port}/{name}")


@operation("GetSnapshotUri", Access.READ_MEDIA)
def get_snapshot_uri(call: Call) -> Xml:
    """The address of a JPEG picture."""
    name = profile_of(required_text(call.body, "trt:ProfileToken"))
    return _media_uri(f"http://{call.media_host()}:{call.device.endpoint.onvif_port}/snapshot.jpg?stream={name}")


def _media_uri(uri: str) -> Xml:
    return el(
        "trt:MediaUri",
        el("tt:Uri", uri),
        el("tt:InvalidAfterConnect", False),
        el("tt:InvalidAfterReboot", False),
        el("tt:Timeout", "PT0S"),
    )


@operation("SetSynchronizationPoint", Access.READ_MEDIA)
def set_synchronization_point(call: Call) -> Xml:
    """Make the profile's encoder send a key frame."""
    name = profile_of(required_text(call.body, "trt:ProfileToken"))
    call.device.camera.stream(name).request_key_frame()
    return Xml("")
