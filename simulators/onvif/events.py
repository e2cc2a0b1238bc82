"""The Events service (ver10): one pull point per subscription, read by a long poll (WS-BaseNotification beneath)."""

from __future__ import annotations

import asyncio
import contextlib

from simulators.onvif.auth import Access
from simulators.onvif.device import Call, Device, Service
from simulators.onvif.pullpoints import PullPoint
from simulators.onvif.soap import SoapFaultError, action_failed, action_not_supported, invalid_argument
from simulators.onvif.tokens import PTZ_CONFIGURATION, VIDEO_SOURCE
from simulators.onvif.values import format_time, optional_text, parse_duration, parse_time, required_text
from simulators.onvif.xml import Xml, el, join

SUBSCRIPTIONS = "/onvif/subscription/"
_LIFE_S = 60.0
_LONGEST_LIFE_S = 3600.0
_LONGEST_POLL_S = 60.0
_MOST_MESSAGES = 100
_DIALECT = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
_OASIS_DIALECT = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
_CONTENT_DIALECT = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
_SCHEMA = "http://www.onvif.org/onvif/ver10/schema/onvif.xsd"


def capabilities(_device: Device) -> Xml:
    """What GetServiceCapabilities and GetServices tell."""
    return el(
        "tev:Capabilities",
        WSSubscriptionPolicySupport=False,
        WSPullPointSupport=True,
        WSPausableSubscriptionManagerInterfaceSupport=False,
        MaxPullPoints=10,
        PersistentNotificationStorage=False,
    )


SERVICE = Service("tev", "/onvif/event_service", (2, 60), capabilities)
# Renew and Unsubscribe are WS-BaseNotification's own, in its namespace.
NOTIFICATION = Service("wsnt", "/onvif/event_service", (2, 60), capabilities)
operation = SERVICE.operation


def _item(name: str, value: str | bool) -> Xml:
    return el("tt:SimpleItem", Name=name, Value=value)


def _notification(device: Device, topic: str, kind: str, source: Xml, data: Xml) -> Xml:
    message = el(
        "tt:Message",
        el("tt:Source", source),
        el("tt:Data", data),
        UtcTime=format_time(device.wall_s),
        PropertyOperation=kind,
    )
    return el("wsnt:NotificationMessage", el("wsnt:Topic", topic, Dialect=_DIALECT), el("wsnt:Message", message))


def preset_invoked(device: Device, token: str) -> Xml:
    """The message that a preset was called for."""
    return _notification(
        device,
        "tns1:PTZController/PTZPresets/Invoked",
        "Changed",
        _item("PTZConfigurationToken", PTZ_CONFIGURATION),
        _item("PresetToken", token),
    )


def _motion(device: Device) -> Xml:
    """The state of the motion alarm, which this camera has and never raises."""
    topic = "tns1:VideoSource/MotionAlarm"
    return _notification(device, topic, "Initialized", _item("Source", VIDEO_SOURCE), _item("State", False))


@operation("GetServiceCapabilities", Access.PRE_AUTH)
def get_service_capabilities(call: Call) -> Xml:
    """Events GetServiceCapabilities."""
    return capabilities(call.device)


def _description(name: str, kind: str) -> Xml:
    return el("tt:SimpleItemDescription", Name=name, Type=kind)


@operation("GetEventProperties", Access.READ_MEDIA)
def get_event_properties(_call: Call) -> Xml:
    """Two topics: the motion alarm of the source, and presets that were called."""
    motion = el(
        "tt:MessageDescription",
        el("tt:Source", _description("Source", "tt:ReferenceToken")),
        el("tt:Data", _description("State", "xs:boolean")),
        IsProperty=True,
    )
    invoked = el(
        "tt:MessageDescription",
        el("tt:Source", _description("PTZConfigurationToken", "tt:ReferenceToken")),
        el("tt:Data", _description("PresetToken", "tt:ReferenceToken")),
        IsProperty=False,
    )
    topics = el(
        "wstop:TopicSet",
        el("tns1:VideoSource", el("MotionAlarm", motion, **{"wstop:topic": True})),
        el("tns1:PTZController", el("PTZPresets", el("Invoked", invoked, **{"wstop:topic": True}))),
    )
    return join(
        el("tev:TopicNamespaceLocation", "http://www.onvif.org/onvif/ver10/topics/topicns.xml"),
        el("wsnt:FixedTopicSet", True),
        topics,
        el("wsnt:TopicExpressionDialect", _DIALECT),
        el("wsnt:TopicExpressionDialect", _OASIS_DIALECT),
        el("tev:MessageContentFilterDialect", _CONTENT_DIALECT),
        el("tev:MessageContentSchemaLocation", _SCHEMA),
    )


def _life_s(device: Device, text: str | None) -> float:
    """How long a subscription shall live from now: a duration or a time of the camera's clock, within limits."""
    if not text:
        return _LIFE_S
    seconds = parse_duration(text) if text.startswith(("P", "-P")) else parse_time(text) - device.wall_s
    if seconds <= 0:
        raise invalid_argument("the termination time has passed")
    return min(seconds, _LONGEST_LIFE_S)


def _times(call: Call, point: PullPoint, prefix: str) -> Xml:
    device = call.device
    ends = device.wall_s + point.ends_s - device.now_s
    return join(
        el(f"{prefix}:CurrentTime", format_time(device.wall_s)), el(f"{prefix}:TerminationTime", format_time(ends))
    )


@operation("CreatePullPointSubscription", Access.READ_MEDIA)
def create_pull_point_subscription(call: Call) -> Xml:
    """A new subscription; the state of every property is its first message."""
    device = call.device
    if device.quirks.pullpoint_lies:
        raise action_not_supported("CreatePullPointSubscription")
    ends_s = device.now_s + _life_s(device, optional_text(call.body, "tev:InitialTerminationTime"))
    name = device.pullpoints.create(ends_s, device.now_s)
    point = device.pullpoints.get(name, device.now_s) if name is not None else None
    if point is None:
        raise action_failed("too many subscriptions", "MaximumNumberOfPullPoints")
    point.put(_motion(device))
    reference = el("tev:SubscriptionReference", el("wsa:Address", call.xaddr(f"{SUBSCRIPTIONS}{name}")))
    return join(reference, _times(call, point, "wsnt"))


def _point(call: Call) -> PullPoint:
    """The subscription that the path names, or the To header when a client posts to the service's own path."""
    for address in (call.path, call.request.addressing("To") or ""):
        _, found, name = address.partition(SUBSCRIPTIONS)
        point = call.device.pullpoints.get(name, call.device.now_s) if found else None
        if point is not None:
            return point
    raise SoapFaultError("Sender", "InvalidArgVal", "ResourceUnknownFault", reason="no such subscription")


@operation("PullMessages", Access.READ_MEDIA)
async def pull_messages(call: Call) -> Xml:
    """Wait for the first message at most Timeout (and never more than a minute), then give what is there."""
    point = _point(call)
    wait_s = min(max(parse_duration(required_text(call.body, "tev:Timeout")), 0.0), _LONGEST_POLL_S)
    limit = _positive(required_text(call.body, "tev:MessageLimit"))
    # A poll keeps its subscription alive.
    point.ends_s = max(point.ends_s, call.device.now_s + wait_s + _LIFE_S)
    if not point.messages:
        with contextlib.suppress(TimeoutError):  # nothing happened, which is the usual answer
            await asyncio.wait_for(point.woken.wait(), wait_s)
    messages = point.take(min(limit, _MOST_MESSAGES))
    return join(_times(call, point, "tev"), *messages)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise invalid_argument("MessageLimit must be a positive number")
    return int(text)


@operation("SetSynchronizationPoint", Access.READ_MEDIA)
def set_synchronization_point(call: Call) -> Xml:
    """Tell the state of every property again."""
    _point(call).put(_motion(call.device))
    return Xml("")


@NOTIFICATION.operation("Renew", Access.READ_MEDIA)
def renew(call: Call) -> Xml:
    """A new end for a subscription."""
    point = _point(call)
    device = call.device
    point.ends_s = device.now_s + _life_s(device, optional_text(call.body, "wsnt:TerminationTime"))
    ends = device.wall_s + point.ends_s - device.now_s
    return join(el("wsnt:TerminationTime", format_time(ends)), el("wsnt:CurrentTime", format_time(device.wall_s)))


@NOTIFICATION.operation("Unsubscribe", Access.READ_MEDIA)
def unsubscribe(call: Call) -> Xml:
    """End a subscription."""
    point = _point(call)
    call.device.pullpoints.end(point)
    return Xml("")
