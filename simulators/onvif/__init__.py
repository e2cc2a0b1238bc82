"""The ONVIF half of a simulated camera: SOAP services, authentication, quirks, faults, discovery."""

from simulators.onvif.app import build_app
from simulators.onvif.device import CameraEndpoint
from simulators.onvif.discovery import serve_discovery
from simulators.onvif.serving import make_server

__all__ = ["CameraEndpoint", "build_app", "make_server", "serve_discovery"]
