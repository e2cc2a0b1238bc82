"""The WSDLs that onvif-zeep brings, each parsed once per process and shared by all cameras.

Parsing takes 0.24 s and 13.7 MB a WSDL; a client on a parsed document takes 0.1 ms.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zeep.settings import Settings
from zeep.wsdl import Document


@dataclass(frozen=True, slots=True)
class Wsdl:
    """Where an ONVIF service is described: the file, the namespace that GetServices names it by, and its binding."""

    file: str
    namespace: str
    binding: str


class Service(Enum):
    """The ONVIF services that are called."""

    DEVICE = Wsdl("devicemgmt.wsdl", "http://www.onvif.org/ver10/device/wsdl", "DeviceBinding")
    MEDIA = Wsdl("media.wsdl", "http://www.onvif.org/ver10/media/wsdl", "MediaBinding")
    PTZ = Wsdl("ptz.wsdl", "http://www.onvif.org/ver20/ptz/wsdl", "PTZBinding")

    @property
    def binding(self) -> str:
        """The binding's qualified name, as zeep writes it."""
        return f"{{{self.value.namespace}}}{self.value.binding}"


def reply_settings() -> Settings:
    """How zeep reads: no DTD, no entities, nothing from the network; elements out of order or missing are tolerated."""
    return Settings(
        strict=False,
        xml_huge_tree=False,
        forbid_dtd=True,
        forbid_entities=True,
        forbid_external=True,
        xsd_ignore_sequence_order=True,
    )


class _FilesOnly:
    """zeep's transport for parsing WSDLs: reads the package's files and refuses all else."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    def load(self, url: str) -> bytes:
        path = Path(url).resolve()
        if not path.is_relative_to(self._directory):
            raise PermissionError(f"the WSDLs refer to something outside their package: {url}")
        return path.read_bytes()


class Documents:
    """All parsed documents of this process. Thread-safe; a document is parsed when it is first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parsed: dict[Service, Any] = {}

    def get(self, service: Service) -> Any:  # noqa: ANN401 - zeep has no types
        """The parsed document of `service`; takes a quarter of a second the first time."""
        parsed = self._parsed.get(service)
        if parsed is not None:  # without waiting for another one that is being parsed
            return parsed
        with self._lock:
            if service not in self._parsed:
                directory = wsdl_directory()
                path = str(directory / service.value.file)
                self._parsed[service] = Document(path, _FilesOnly(directory), settings=reply_settings())  # type: ignore[arg-type]  # zeep asks only for load()
            return self._parsed[service]


def wsdl_directory() -> Path:
    """Where onvif-zeep put its WSDLs. The package is found, not imported: its import reconfigures logging."""
    spec = find_spec("onvif")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("onvif-zeep is not installed")
    return Path(spec.origin).parent.parent / "wsdl"
