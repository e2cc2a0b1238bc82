"""Finding out what a camera is and can do: the calls of `connect`, in order. Synchronous, for use in threads."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from camctl.egress import EgressPolicy, EgressRefusedError, PinnedTarget
from camctl.onvif import capabilities as cap
from camctl.onvif.addresses import service_urls, stream_url
from camctl.onvif.client import OnvifClient
from camctl.onvif.documents import Service
from camctl.onvif.quirks import Quirk, match
from camctl.onvif.replies import needed, text
from camctl.onvif.soap import NOT_HERE
from camctl.onvif.steering import Steering
from camctl.onvif.values import TimeoutLimits
from camctl.ptz.model import PtzAbilities, PtzStatus
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault, StreamUris

_log = logging.getLogger(__name__)

_HTTP = frozenset({"http", "https"})
_RTSP = frozenset({"rtsp"})
# What a camera may do to an optional question without being given up.
_SHRUGS = frozenset({CameraFault.REFUSED, CameraFault.UNSUPPORTED, CameraFault.PROTOCOL, CameraFault.TIMEOUT})
_NO_ANSWER_THERE = frozenset({CameraFault.UNREACHABLE, CameraFault.TIMEOUT, CameraFault.PROTOCOL})


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a driver needs to know of its camera; `steering` is None for a view-only one."""

    facts: CameraFacts
    quirk: Quirk
    main_profile: str
    steering: Steering | None
    targets: dict[Service, PinnedTarget]


class Surveyor:
    """Asks one camera. `reached` is its device service, past the egress guard and known to `client`."""

    def __init__(self, client: OnvifClient, policy: EgressPolicy, reached: PinnedTarget, quirk: Quirk | None) -> None:
        self._client = client
        self._policy = policy
        self._reached = reached
        self._forced_quirk = quirk
        self._targets = {Service.DEVICE: reached}

    def survey(self, clock_offset_s: float = 0.0) -> Survey:
        """Ask everything; the clock was set before.

        Raises:
            CameraError: the camera cannot be reached or used at all.
        """
        information = self._optional(Service.DEVICE, "GetDeviceInformation")
        described = [text(information, name) for name in ("Manufacturer", "Model", "FirmwareVersion")]
        quirk = self._forced_quirk or match(*described)
        addresses = self._addresses()
        profiles = self._profiles(addresses)
        streams = self._streams(profiles)
        steering, abilities = self._ptz(addresses, profiles, quirk)
        facts = CameraFacts(*described, abilities, streams, clock_offset_s)
        return Survey(facts, quirk, profiles.main.token, steering, self._targets)

    def _addresses(self) -> dict[Service, str]:
        services = self._optional(Service.DEVICE, "GetServices", IncludeCapability=False)
        found = cap.service_addresses(services, None)
        if Service.MEDIA in found and Service.PTZ in found:
            return found
        capabilities = self._optional(Service.DEVICE, "GetCapabilities", Category=["All"])
        return cap.service_addresses(services, capabilities)

    def _profiles(self, addresses: dict[Service, str]) -> cap.ChosenProfiles:
        if Service.MEDIA not in addresses:
            raise CameraError(CameraFault.PROTOCOL, "the camera names no media service")
        reply = self._first_answer(Service.MEDIA, addresses[Service.MEDIA], "GetProfiles")
        chosen = cap.choose_profiles(cap.media_profiles(reply))
        if chosen is None:
            raise CameraError(CameraFault.PROTOCOL, "the camera lists no media profile")
        return chosen

    def _streams(self, profiles: cap.ChosenProfiles) -> StreamUris:
        main = self._stream(profiles.main.token)
        try:
            sub = self._stream(profiles.sub.token) if profiles.sub is not None else None
        except CameraError as error:
            if error.fault not in _SHRUGS:
                raise
            _log.info("no second stream: %s", error.detail)
            sub = None
        return StreamUris(main, sub)

    def _stream(self, profile: str) -> str:
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        reply = self._client.call(Service.MEDIA, "GetStreamUri", StreamSetup=setup, ProfileToken=profile)
        url = stream_url(needed(text(reply, "Uri"), "address", "GetStreamUri"), self._reached)
        return self._guarded(url, _RTSP).url

    def _ptz(
        self, addresses: dict[Service, str], profiles: cap.ChosenProfiles, quirk: Quirk
    ) -> tuple[Steering | None, PtzAbilities]:
        if Service.PTZ not in addresses:
            return None, PtzAbilities()
        nodes = self._first_answer(Service.PTZ, addresses[Service.PTZ], "GetNodes", may_refuse=True)
        # Some cameras steer although no profile has a PTZ configuration: then GetStatus has to prove it.
        profile = profiles.ptz or profiles.main
        node = cap.choose_node(nodes, profile.ptz_node)
        options = self._options(profile)
        spaces = cap.read_spaces(getattr(node, "SupportedPTZSpaces", None))
        if spaces.are_empty:
            spaces = cap.read_spaces(getattr(options, "Spaces", None))
        if spaces.are_empty and profiles.ptz is not None:
            spaces = replace(spaces, velocity_pan_tilt=cap.assumed_spaces().velocity_pan_tilt)
        has_zoom = spaces.velocity_zoom is not None and quirk.has_zoom
        limits = cap.timeout_limits(options) if options is not None else TimeoutLimits()
        steering = Steering(profile.token, spaces, has_zoom, limits)
        status = self._status(steering)
        if profiles.ptz is None and status is None:
            return None, PtzAbilities()
        listed = self._optional(Service.PTZ, "GetPresets", ProfileToken=profile.token, or_else=NOT_HERE)
        can_store = getattr(node, "MaximumNumberOfPresets", None) != 0 or bool(cap.presets(listed))
        can_preset = listed is not NOT_HERE and can_store
        return steering, cap.abilities(spaces, node, presets=can_preset, status=status, quirk=quirk)
