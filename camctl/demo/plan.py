"""What the demo consists of: cameras, people and the two configurations, from the command line's few choices. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from camctl.store.patrols import StoredPatrol

PARTNER_ORGANISATION = "PT Contoh Peduli"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a demo camera stands."""

    name: str
    area: str


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who can sign in to the demo."""

    username: str
    display_name: str
    role: str
    area: str
    organisation: str = ""


# Two kota, taken in turn, so that any two cameras lie in different ones.
PLACES = (
    Place("Simpang Bendungan Hilir", "31.71.07.1002"),
    Place("Blok M, Melawai", "31.74.07.1001"),
    Place("Monas, Gambir", "31.71.01.1001"),
    Place("Fatmawati, Cilandak Barat", "31.74.06.1001"),
    Place("Pasar Baru", "31.71.02.1001"),
    Place("Tebet Timur", "31.74.01.1001"),
    Place("Taman Menteng", "31.71.06.1001"),
    Place("Simpang Mampang", "31.74.03.1001"),
)
FIRST_KOTA, SECOND_KOTA = "31.71", "31.74"
EMERGENCY_ONLY = "cam-4"  # where there are so many; one of the partner's, whom its opening is told
PATROL_STATIONS = (("1", 8.0), ("2", 8.0), ("3", 8.0))  # the simulator's own presets: Simpang, Halte, Monas

PEOPLE = (
    DemoPerson("admin", "Dewi (Diskominfo)", "admin", "31"),
    DemoPerson("operator", "Budi (Pusat Komando)", "operator", "31"),
    DemoPerson("walikota-pusat", "Sari (Walikota Pusat)", "official", FIRST_KOTA),
    DemoPerson("walikota-selatan", "Andi (Walikota Selatan)", "official", SECOND_KOTA),
    DemoPerson("lurah-gambir", "Rina (Lurah Gambir)", "official", "31.71.01.1001"),
    DemoPerson("auditor", "Maya (Inspektorat)", "auditor", "31"),
    DemoPerson("partner", "Tono (PT Contoh Peduli)", "partner", SECOND_KOTA, PARTNER_ORGANISATION),
)


def place_of(index: int) -> Place:
    """Where camera number `index` (from 0) stands."""
    place = PLACES[index % len(PLACES)]
    round_ = index // len(PLACES)
    return place if round_ == 0 else Place(f"{place.name} {round_ + 1}", place.area)


def owner_of(area: str) -> str:
    """The donor of the cameras of an area: the demo's partner gave those of the second kota."""
    return PARTNER_ORGANISATION if area.startswith(SECOND_KOTA) else "Pemprov DKI"


def street(count: int, quirks: Sequence[str], password: str) -> dict[str, Any]:
    """The simulator's configuration: `count` cameras on free ports."""
    return {
        "host": "127.0.0.1",
        "first_onvif_port": 0,
        "first_rtsp_port": 0,
        "cameras": [
            {
                "name": place_of(index).name,
                "username": "camctl",
                "password": password,
                "quirks": list(quirks),
                "daylight": "night" if index % 4 == 3 else "day",
                "seed": index + 1,
                "sound": "PCMA" if index == 0 else None,
            }
            for index in range(count)
        ],
    }


def patrols(simulated: int, now: datetime) -> list[StoredPatrol]:
    """An example on the first camera, over the presets that every simulated camera has.

    It is off, so that nothing turns before somebody wants it to: starting it is one tap.
    """
    if simulated == 0:
        return []
    stops = [{"preset": preset, "dwell_s": dwell_s, "speed": None} for preset, dwell_s in PATROL_STATIONS]
    return [
        StoredPatrol(
            id="demo",
            camera_id="cam-1",
            name="Keliling tiga arah",
            priority=10,
            stops=stops,
            windows=[],
            enabled=False,
            place=None,
            updated_by="demo",
            updated_at=now,
        )
    ]


def camera_items(simulated: Sequence[dict[str, Any]], feeds: Sequence[str]) -> list[dict[str, Any]]:
    """The service's `cameras.items`: the simulated ones by ONVIF, the feeds by RTSP alone."""
    items: list[dict[str, Any]] = [
        {
            "id": f"cam-{index + 1}",
            "name": place_of(index).name,
            "area": place_of(index).area,
            "owner": owner_of(place_of(index).area),
            "onvif": camera["onvif_url"],
            "username": camera["username"],
            "password": camera["password"],
            "audio": index == 0,
            "emergency_only": f"cam-{index + 1}" == EMERGENCY_ONLY,
        }
        for index, camera in enumerate(simulated)
    ]
    for number, url in enumerate(feeds, start=1):
        address, username, password = split_credentials(url)
        area = place_of(len(items)).area
        items.append(
            {
                "id": f"feed-{number}",
                "name": f"Feed {number}",
                "area": area,
                "owner": owner_of(area),
                "rtsp": {"main": address},
                "username": username,
                "password": password,
            }
        )
    return items


def is_feed(url: str) -> bool:
    """Whether this is an RTSP address with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "rtsp" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def split_credentials(url: str) -> tuple[str, str, str]:
    """An RTSP address without its user and password, and those two; a stored address never holds a password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    return bare, unquote(parts.username or ""), unquote(parts.password or "")


def service(
    items: Sequence[dict[str, Any]],
    *,
    port: int,
    udp_port: int,
    store_url: str,
    journal: str,
    audit: str,
    log_level: str,
    feed_addresses: Sequence[str] = (),
) -> dict[str, Any]:
    """The service's configuration; only here loopback cameras are approved and sessions are many.

    `feed_addresses` are the IPs of the feeds named on the command line: naming one approves it, and nothing beside it.
    """
    approved = ["127.0.0.0/8", "::1/128", *(str(ip_network(address)) for address in feed_addresses)]
    return {
        "server": {"port": port},
        "media": {"udp_port": udp_port, "sessions_per_person": 500},
        "control": {"journal": journal},
        "store": {"url": store_url},
        "audit": {"folder": audit},
        "log": {"level": log_level},
        "cameras": {"approved_networks": approved, "items": list(items)},
    }
