"""The Device service (ver10): identity, time, where the other services are, network facts, reboot."""

from __future__ import annotations

from datetime import UTC, datetime

from simulators.onvif import events, imaging, media, ptz
from simulators.onvif.auth import Access
from simulators.onvif.device import Call, Device, Service
from simulators.onvif.scopes import endpoint_uuid, mac_address, scopes
from simulators.onvif.soap import action_not_supported, invalid_argument
from simulators.onvif.values import child, parse_bool, required_text
from simulators.onvif.xml import NAMESPACES, Xml, el, join

_REBOOT_S = 3.0
_YEARS = range(1971, 2100)
_CATEGORIES = ("All", "Analytics", "Device", "Events", "Imaging", "Media", "PTZ")


def capabilities(device: Device) -> Xml:
    """What GetServiceCapabilities and GetServices tell."""
    security = {
        "TLS1.0": False,
        "TLS1.1": False,
        "TLS1.2": False,
        "OnboardKeyGeneration": False,
        "AccessPolicyConfig": False,
        "UsernameToken": not device.quirks.http_digest_only,
        "HttpDigest": True,
        "MaxUsers": 1,
    }
    return el(
        "tds:Capabilities",
        el("tds:Network", IPFilter=False, ZeroConfiguration=False, IPVersion6=False, DynDNS=False, NTP=0),
        el("tds:Security", **security),
        el("tds:System", DiscoveryResolve=False, DiscoveryBye=True, RemoteDiscovery=False, FirmwareUpgrade=False),
    )


SERVICE = Service("tds", "/onvif/device_service", (2, 60), capabilities)
SERVICES = (SERVICE, media.SERVICE, ptz.SERVICE, imaging.SERVICE, events.SERVICE)
operation = SERVICE.operation


def _version(tag: str, version: tuple[int, int]) -> Xml:
    return el(tag, el("tt:Major", version[0]), el("tt:Minor", version[1]))


@operation("GetServices", Access.PRE_AUTH)
def get_services(call: Call) -> Xml:
    """Every service with its address and, if asked for, its capabilities."""
    if call.device.quirks.no_getservices:
        raise action_not_supported("GetServices")
    wanted = parse_bool(required_text(call.body, "tds:IncludeCapability"))
    wanted = wanted and not call.device.quirks.capabilities_none
    return join(*(_service(call, service, wanted) for service in SERVICES if service.is_offered(call.device)))


def _service(call: Call, service: Service, with_capabilities: bool) -> Xml:
    return el(
        "tds:Service",
        el("tds:Namespace", NAMESPACES[service.prefix]),
        el("tds:XAddr", call.xaddr(service.path)),
        el("tds:Capabilities", service.capabilities(call.device)) if with_capabilities else None,
        _version("tds:Version", service.version),
    )


@operation("GetServiceCapabilities", Access.PRE_AUTH)
def get_service_capabilities(call: Call) -> Xml:
    """Device GetServiceCapabilities."""
    return capabilities(call.device)


@operation("GetCapabilities", Access.PRE_AUTH)
def get_capabilities(call: Call) -> Xml:
    """The older way to find the services, by category."""
    texts = [(each.text or "").strip() for each in call.body.findall("tds:Category", NAMESPACES)] or ["All"]
    if not set(texts) <= set(_CATEGORIES):
        raise invalid_argument("no such category")
    device = call.device
    parts = {
        "Device": _device_capabilities(call),
        "Events": _event_capabilities(call),
        "Imaging": el("tt:Imaging", el("tt:XAddr", call.xaddr(imaging.SERVICE.path))),
        "Media": _media_capabilities(call),
        "PTZ": el("tt:PTZ", el("tt:XAddr", call.xaddr(ptz.SERVICE.path))),
    }
    if not device.has_ptz or device.quirks.ptz_missing_in_capabilities:
        del parts["PTZ"]
    missing = [text for text in texts if text != "All" and text not in parts]
    if missing:
        raise action_not_supported(missing[0])
    return el("tds:Capabilities", *(part for name, part in parts.items() if "All" in texts or name in texts))


def _device_capabilities(call: Call) -> Xml:
    off = ("SystemBackup", "SystemLogging", "FirmwareUpgrade")
    return el(
        "tt:Device",
        el("tt:XAddr", call.xaddr(SERVICE.path)),
        el(
            "tt:Network",
            *(el(f"tt:{name}", False) for name in ("IPFilter", "ZeroConfiguration", "IPVersion6", "DynDNS")),
        ),
        el(
            "tt:System",
            el("tt:DiscoveryResolve", False),
            el("tt:DiscoveryBye", True),
            el("tt:RemoteDiscovery", False),
            *(el(f"tt:{name}", False) for name in off),
            _version("tt:SupportedVersions", SERVICE.version),
        ),
        el("tt:IO", el("tt:InputConnectors", 0), el("tt:RelayOutputs", 0)),
    )


def _event_capabilities(call: Call) -> Xml:
    return el(
        "tt:Events",
        el("tt:XAddr", call.xaddr(events.SERVICE.path)),
        el("tt:WSSubscriptionPolicySupport", False),
        el("tt:WSPullPointSupport", True),
        el("tt:WSPausableSubscriptionManagerInterfaceSupport", False),
    )


def _media_capabilities(call: Call) -> Xml:
    streaming = el(
        "tt:StreamingCapabilities", el("tt:RTPMulticast", False), el("tt:RTP_TCP", True), el("tt:RTP_RTSP_TCP", True)
    )
    return el("tt:Media", el("tt:XAddr", call.xaddr(media.SERVICE.path)), streaming)


@operation("GetDeviceInformation", Access.READ_SYSTEM)
def get_device_information(call: Call) -> Xml:
    """Who made it."""
    config = call.device.camera.config
    return join(
        el("tds:Manufacturer", config.manufacturer),
        el("tds:Model", f"{config.model} é" if call.device.quirks.invalid_utf8 else config.model),
        el("tds:FirmwareVersion", config.firmware),
        el("tds:SerialNumber", f"SIM{config.seed:08d}"),
        el("tds:HardwareId", "simulator"),
    )


def _date_time(tag: str, moment: datetime) -> Xml:
    return el(
        tag,
        el("tt:Time", el("tt:Hour", moment.hour), el("tt:Minute", moment.minute), el("tt:Second", moment.second)),
        el("tt:Date", el("tt:Year", moment.year), el("tt:Month", moment.month), el("tt:Day", moment.day)),
    )


@operation("GetSystemDateAndTime", Access.PRE_AUTH)
def get_system_date_and_time(call: Call) -> Xml:
    """The camera's clock; its zone is UTC."""
    now = datetime.fromtimestamp(call.device.wall_s, UTC)
    return el(
        "tds:SystemDateAndTime",
        el("tt:DateTimeType", "Manual"),
        el("tt:DaylightSavings", False),
        el("tt:TimeZone", el("tt:TZ", "UTC0")),
        None if call.device.quirks.time_without_utc else _date_time("tt:UTCDateTime", now),
        _date_time("tt:LocalDateTime", now),
    )


@operation("SetSystemDateAndTime", Access.WRITE_SYSTEM)
def set_system_date_and_time(call: Call) -> Xml:
    """Set the clock (until the next reboot); NTP is not there."""
    if required_text(call.body, "tds:DateTimeType") != "Manual":
        raise invalid_argument("only Manual is supported", "NtpServerUndefined")
    parse_bool(required_text(call.body, "tds:DaylightSavings"))
    if child(call.body, "tds:UTCDateTime") is not None:
        names = ("Date/tt:Year", "Date/tt:Month", "Date/tt:Day", "Time/tt:Hour", "Time/tt:Minute", "Time/tt:Second")
        texts = [required_text(call.body, f"tds:UTCDateTime/tt:{name}") for name in names]
        try:
            year, month, day, hour, minute, second = (int(text) for text in texts)
            wanted_s = datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
        except (ValueError, OverflowError) as error:
            raise invalid_argument("no such date", "InvalidDateTime") from error
        if year not in _YEARS:
            raise invalid_argument("no such year on this clock", "InvalidDateTime")
        call.device.clock_offset_s += wanted_s - call.device.wall_s
    return Xml("")


@operation("GetScopes", Access.READ_SYSTEM)
def get_scopes(call: Call) -> Xml:
    """What discovery tells."""
    return join(
        *(
            el("tds:Scopes", el("tt:ScopeDef", "Fixed"), el("tt:ScopeItem", scope))
            for scope in scopes(call.device.camera.config)
        )
    )


@operation("GetHostname", Access.PRE_AUTH)
def get_hostname(call: Call) -> Xml:
    """Its name in the network."""
    return el("tds:HostnameInformation", el("tt:FromDHCP", False), el("tt:Name", call.device.hostname))


@operation("SetHostname", Access.WRITE_SYSTEM)
def set_hostname(call: Call) -> Xml:
    """Change the name."""
    name = required_text(call.body, "tds:Name")
    if not 1 <= len(name) <= 63 or not all(
        letter.isascii() and (letter.isalnum() or letter in "-.") for letter in name
    ):
        raise invalid_argument("not a host name", "InvalidHostname")
    call.device.hostname = name
    return Xml("")


@operation("GetNetworkInterfaces", Access.READ_SYSTEM)
def get_network_interfaces(call: Call) -> Xml:
    """One interface; its hardware address is what Home Assistant knows a camera by."""
    address = "127.0.0.1" if ":" in call.host else call.host
    config = el(
        "tt:Config",
        el("tt:Manual", el("tt:Address", address), el("tt:PrefixLength", 24)),
        el("tt:DHCP", False),
    )
    hardware = mac_address(call.device.camera.config)
    return el(
        "tds:NetworkInterfaces",
        el("tt:Enabled", True),
        el("tt:Info", el("tt:Name", "eth0"), el("tt:HwAddress", hardware), el("tt:MTU", 1500)),
        el("tt:IPv4", el("tt:Enabled", True), config),
        token="eth0",  # noqa: S106 - the token of an interface
    )


@operation("GetNetworkProtocols", Access.READ_SYSTEM)
def get_network_protocols(call: Call) -> Xml:
    """HTTP and RTSP with their ports."""
    ports = {"HTTP": call.device.endpoint.onvif_port, "RTSP": call.device.endpoint.rtsp_port}
    return join(
        *(
            el("tds:NetworkProtocols", el("tt:Name", name), el("tt:Enabled", True), el("tt:Port", port))
            for name, port in ports.items()
        )
    )


@operation("GetDNS", Access.READ_SYSTEM)
def get_dns(_call: Call) -> Xml:
    """None."""
    return el("tds:DNSInformation", el("tt:FromDHCP", False))


@operation("GetNTP", Access.READ_SYSTEM)
def get_ntp(_call: Call) -> Xml:
    """None."""
    return el("tds:NTPInformation", el("tt:FromDHCP", False))


@operation("GetDiscoveryMode", Access.READ_SYSTEM)
def get_discovery_mode(_call: Call) -> Xml:
    """Whether it may be found; the street's configuration decides whether it really is."""
    return el("tds:DiscoveryMode", "Discoverable")


@operation("GetUsers", Access.READ_SYSTEM_SENSITIVE)
def get_users(call: Call) -> Xml:
    """The one account, without its password."""
    name = call.device.camera.config.username
    return el("tds:User", el("tt:Username", name), el("tt:UserLevel", "Administrator"))


@operation("GetEndpointReference", Access.PRE_AUTH)
def get_endpoint_reference(call: Call) -> Xml:
    """The name under which discovery announces it."""
    return el("tds:GUID", endpoint_uuid(call.device.endpoint))


@operation("GetWsdlUrl", Access.PRE_AUTH)
def get_wsdl_url(_call: Call) -> Xml:
    """Where the descriptions are."""
    return el("tds:WsdlUrl", "https://www.onvif.org/onvif/ver10/")


@operation("SystemReboot", Access.UNRECOVERABLE)
def system_reboot(call: Call) -> Xml:
    """Start again: away for some seconds, then with the clock as it was at first."""
    call.device.reboot(_REBOOT_S)
    return el("tds:Message", "Rebooting now")
