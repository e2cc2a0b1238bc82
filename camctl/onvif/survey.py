"""Finding out what a camera is and can do: the calls of `connect`, in order. Synchronous, for use in threads."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from camctl.egress import EgressPolicy, EgressRefusedError, PinnedTarget
from camctl.onvif import capabilities as cap
from camctl.onvif.addresses import service_urls, stream_url
from camctl.onvif.budget import Budget
from camctl.onvif.client import OnvifClient
from camctl.onvif.documents import Service
from camctl.onvif.quirks import Quirk, match
from camctl.onvif.replies import dig, needed, number, text
from camctl.onvif.steering import Steering
from camctl.onvif.ways import SAID_NO
from camctl.ptz.model import PtzAbilities, PtzStatus, SafetyNet
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault, StreamUris

_log = logging.getLogger(__name__)

_HTTP = frozenset({"http", "https"})
_RTSP = frozenset({"rtsp", "rtsps"})
# What a camera may do to an optional question without being given up.
_SHRUGS = frozenset({CameraFault.REFUSED, CameraFault.UNSUPPORTED, CameraFault.PROTOCOL, CameraFault.TIMEOUT})
_NO_ANSWER_THERE = frozenset({CameraFault.UNREACHABLE, CameraFault.TIMEOUT, CameraFault.PROTOCOL})


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a driver needs to know of its camera; `steering` is None for a view-only one."""

    facts: CameraFacts
    quirk: Quirk
    video_profiles: tuple[str, ...]
    steering: Steering | None
    targets: dict[Service, PinnedTarget]


class Surveyor:
    """Asks one camera. `reached` is its device service, past the egress guard and known to `client`."""

    def __init__(
        self, client: OnvifClient, policy: EgressPolicy, reached: PinnedTarget, quirk: Quirk | None, budget: Budget
    ) -> None:
        self._client = client
        self._budget = budget
        self._policy = policy
        self._reached = reached
        self._forced_quirk = quirk
        self._targets = {Service.DEVICE: reached}

    def survey(self) -> Survey:
        """Ask everything.

        Raises:
            CameraError: the camera cannot be reached or used at all.
        """
        clock_offset_s = self._client.set_clock(Budget(within=self._budget))
        information = self._optional(Service.DEVICE, "GetDeviceInformation")
        manufacturer, model = text(information, "Manufacturer"), text(information, "Model")
        firmware = text(information, "FirmwareVersion")
        quirk = self._forced_quirk or match(manufacturer, model, firmware)
        addresses = self._addresses()
        profiles = self._profiles(addresses)
        streams = self._streams(profiles)
        steering, abilities = self._ptz(addresses, profiles, quirk)
        facts = CameraFacts(manufacturer, model, firmware, abilities, streams, clock_offset_s)
        video = tuple(profile.token for profile in (profiles.main, profiles.sub) if profile is not None)
        return Survey(facts, quirk, video, steering, self._targets)

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
        reply = self._call(Service.MEDIA, "GetStreamUri", StreamSetup=setup, ProfileToken=profile)
        url = stream_url(needed(text(reply, "Uri"), "address", "GetStreamUri"), self._reached)
        return self._guarded(url, _RTSP).url

    def _ptz(
        self, addresses: dict[Service, str], profiles: cap.ChosenProfiles, quirk: Quirk
    ) -> tuple[Steering | None, PtzAbilities]:
        if Service.PTZ not in addresses:
            return None, PtzAbilities()
        nodes = self._nodes(addresses[Service.PTZ])
        # Some cameras steer although no profile has a PTZ configuration: then GetStatus has to prove it.
        profile = profiles.ptz or profiles.main
        node = cap.choose_node(nodes, profile.ptz_node)
        options = self._options(profile)
        spaces = self._spaces(node, options, profiles.ptz)
        has_zoom = spaces.velocity_zoom is not None and quirk.has_zoom
        steering = Steering(profile.token, spaces, has_zoom, cap.timeout_limits(options))
        net = cap.safety_net(spaces, steering.timeout, quirk)
        status = self._status(steering)
        if profiles.ptz is None and status is None:
            return None, PtzAbilities()
        presets = self._has_presets(node, profile)
        abilities = cap.abilities(spaces, node, presets=presets, status=status, quirk=quirk, net=net)
        if net is not SafetyNet.TIMEOUT:
            _log.info("the camera does not end its moves by itself; what does, when the link dies: %s", net.value)
        return steering, abilities

    def _nodes(self, xaddr: str) -> Any:  # noqa: ANN401 - zeep's
        try:
            return self._first_answer(Service.PTZ, xaddr, "GetNodes")
        except CameraError as error:
            if error.fault not in SAID_NO:
                raise
            return None

    def _options(self, profile: cap.MediaProfile) -> Any:  # noqa: ANN401 - zeep's
        if not profile.ptz_configuration:
            return None
        return self._optional(Service.PTZ, "GetConfigurationOptions", ConfigurationToken=profile.ptz_configuration)

    def _spaces(self, node: object, options: object, profile: cap.MediaProfile | None) -> cap.Spaces:
        spaces = cap.read_spaces(dig(node, "SupportedPTZSpaces"))
        if spaces.are_empty:
            spaces = cap.read_spaces(dig(options, "Spaces"))
        return cap.assumed_spaces(profile) if spaces.are_empty and profile is not None else spaces

    def _status(self, steering: Steering) -> PtzStatus | None:
        reply = self._optional(Service.PTZ, "GetStatus", ProfileToken=steering.profile_token)
        return steering.status(reply) if reply is not None else None

    def _has_presets(self, node: object, profile: cap.MediaProfile) -> bool:
        try:
            reply = self._call(Service.PTZ, "GetPresets", ProfileToken=profile.token)
        except CameraError as error:
            if error.fault not in _SHRUGS:
                raise
            return False
        return bool(cap.presets(reply)) or number(node, "MaximumNumberOfPresets") != 0

    def _call(self, service: Service, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - zeep's
        return self._client.call(service, operation, budget=Budget(within=self._budget), **parameters)

    def _optional(self, service: Service, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - zeep's
        try:
            return self._call(service, operation, **parameters)
        except CameraError as error:
            if error.fault not in _SHRUGS:
                raise
            _log.info("%s: goes on without it: %s", operation, error.detail)
            return None

    def _first_answer(self, service: Service, xaddr: str, operation: str) -> Any:  # noqa: ANN401 - zeep's
        """Call at each address that the XAddr may mean until something answers; that address is kept."""
        *others, last = service_urls(xaddr, self._reached)
        for url in others:
            try:
                return self._call_at(service, url, operation)
            except CameraError as error:
                if error.fault not in _NO_ANSWER_THERE:
                    raise
                _log.info("%s does not answer at the address that the camera gave: %s", service.name, error.detail)
        return self._call_at(service, last, operation)

    def _call_at(self, service: Service, url: str, operation: str) -> Any:  # noqa: ANN401 - zeep's
        target = self._guarded(url, _HTTP)
        self._client.use(service, target)
        self._targets[service] = target
        return self._call(service, operation)

    def _guarded(self, url: str, schemes: frozenset[str]) -> PinnedTarget:
        """Past the egress guard once more; the host is the one that was reached, so its pinned address stands."""
        try:
            return self._policy.check(url, schemes=schemes, resolve=lambda _: [self._reached.address])
        except EgressRefusedError as error:
            raise CameraError(
                CameraFault.PROTOCOL, f"the camera gave an address that is not allowed: {error}"
            ) from None
