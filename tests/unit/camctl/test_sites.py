"""Networks that belong to some cameras alone: who may be where, and what the configuration refuses."""

from __future__ import annotations

from typing import Any

import pytest

from camctl.app import control_setup
from camctl.cameras.model import CameraEntry
from camctl.config import Config, faults
from camctl.config_changes import config_changes, policy_of
from camctl.egress import EgressPolicy, EgressRefusedError, OwnMachine, Site
from camctl.groundwork import outer_faults

A, B = "10.30.0.0/16", "10.40.0.0/16"
SITES = [
    {"owner": "PT A", "area": "31.71", "networks": [A]}, {"owner": "PT B", "networks": [B, "fd00:40::/64"]},
    {"area": "31.74", "networks": []},
]  # fmt: skip
HTTP = frozenset({"http"})


def config(*cameras: tuple[str, str, str], sites: object = SITES) -> Config:
    items = [
        {"id": id_, "name": id_, "owner": owner, "area": area, "onvif": "http://cam.example/"}
        for id_, owner, area in cameras
    ]
    return Config.model_validate({"cameras": {"approved_networks": ["10.20.0.0/16"], "sites": sites, "items": items}})


def reaches(configured: Config, *addresses: str) -> dict[str, list[str]]:
    """Which of the addresses each camera may have, as control judges it."""
    setup = control_setup(configured)
    general = EgressPolicy.of(setup.networks, OwnMachine())
    return {entry.id: [each for each in addresses if passes(general, entry, each)] for entry in setup.cameras}


def passes(general: EgressPolicy, entry: CameraEntry, address: str) -> bool:
    try:
        general.at(entry.site).check("http://cam.example/", schemes=HTTP, resolve=lambda _: [address])
    except EgressRefusedError:
        return False
    return True


def test_each_camera_is_kept_to_the_networks_of_its_site() -> None:
    cameras = (
        ("a", "PT A", "31.71.01"), ("b", "PT B", "31.71.01"), ("elsewhere", "PT A", "31.72"),
        ("near", "PT A", "31.710"), ("public", "PT C", "31.74.05"), ("nobodys", "", "31.71"),
    )  # fmt: skip
    shared, own_a, own_b, public = "10.20.0.9", "10.30.0.9", "10.40.0.9", "8.8.8.8"
    assert reaches(config(*cameras), shared, own_a, own_b, public) == {
        "a": [own_a, public], "b": [own_b, public], "elsewhere": [shared, public], "near": [shared, public],
        "public": [public], "nobodys": [shared, public],
    }  # fmt: skip


def test_no_site_opens_what_no_camera_has() -> None:
    own = OwnMachine(("10.30.0.1",), (8080,))
    policy = EgressPolicy.of([], own).at(Site(("0.0.0.0/0", "::/0"), "cameras.sites[0].networks"))
    for url in ("http://169.254.169.254/", "http://224.0.0.1/", "http://[fe80::1]/", "http://127.0.0.1:8080/",
                "http://10.30.0.1:8080/"):  # fmt: skip
        with pytest.raises(EgressRefusedError):
            policy.check(url, schemes=HTTP, resolve=lambda _: [])


def test_a_refusal_names_the_networks_of_the_site() -> None:
    policy = EgressPolicy.of(["10.20.0.0/16"], OwnMachine()).at(Site((A,), "cameras.sites[0].networks"))
    with pytest.raises(EgressRefusedError, match=r"add 10\.20\.0\.0/16 to cameras\.sites\[0\]\.networks"):
        policy.check("http://10.20.0.9/", schemes=HTTP, resolve=lambda _: [])


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        ([{"networks": [A]}], "area, owner or both"), ([{"owner": "", "networks": [A]}], "at least 1"),
        ([{"area": "x", "networks": [A]}], "pattern"), ([{"owner": "PT A"}], "required"),
        ([{"owner": "PT A", "networks": ["10.30.0.1/16"]}], "not a network"),
        ([{"owner": "PT A", "networks": [A], "net": 1}], "unknown key"),
        ([{"owner": "PT A", "networks": [A]}, {"owner": "PT B", "networks": ["10.30.5.0/24"]}], "sites[1]"),
        ([{"owner": "PT A", "networks": ["10.0.0.0/8"]}], "approved_networks"),
    ],
)  # fmt: skip
def test_a_fault_of_a_site_is_named(sites: list[dict[str, Any]], words: str) -> None:
    [fault] = faults({"cameras": {"approved_networks": ["10.20.0.0/16"], "sites": sites}})
    assert fault.startswith("cameras")
    assert words in fault


def test_the_area_of_a_site_has_to_be_there() -> None:
    found = outer_faults({"cameras": {"sites": [{"area": "99", "networks": []}, {"owner": "PT A", "networks": []}]}})
    assert found == ["cameras.sites[0].area: there is no area 99"]


def test_a_camera_that_changes_hands_keeps_its_networks_until_the_next_start_and_that_is_said() -> None:
    before, after = config(("a", "PT A", "31.71.01")), config(("a", "PT B", "31.71.01"))
    [camera] = before.cameras.items
    changes = config_changes(before, after, {"a": policy_of(camera)})
    assert (list(changes.policies), changes.later) == (["a"], ("camera a: the networks of its site",))
    assert config_changes(before, before, {"a": policy_of(camera)}).later == ()
