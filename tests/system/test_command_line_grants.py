"""`camctl user grant|approve|revoke|grants|explain|roles|role` beside no service: what is written is what it says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from auth.grant_service import Grants
from auth.granting import Granter
from auth.grants import Grant, GrantWish
from auth.service import utc_now
from camctl.config import load
from camctl.groundwork import auth_service, city_of, load_areas
from camctl.store import open_store
from tests.support.commands import camctl_here, said
from tests.support.service import write_config

pytestmark = pytest.mark.system

CAMERA = {"id": "gang", "name": "Gang", "area": "31.71.07.1002", "rtsp": {"main": "rtsp://127.0.0.1:1/main"}}


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = str(write_config(tmp_path, [CAMERA]))
    sari = ("add", "sari", "--role", "official", "--area", "31.74")
    said(camctl_here("user", *sari, "--config", path, stdin="kuda lumping 7\n"))
    return path


def user(config: str, *arguments: str) -> str:
    return said(camctl_here("user", *arguments, "--config", config))


def explained(config: str) -> dict[str, tuple[str, str]]:
    lines = [line.split(maxsplit=2) for line in user(config, "explain", "sari", "gang").splitlines()]
    return {capability: (answer, why) for capability, answer, why in lines}


def test_a_grant_is_given_explained_and_taken(config: str) -> None:
    assert explained(config)["live"] == ("no", explained(config)["live"][1])
    assert "outside your areas" in explained(config)["live"][1]
    given = user(config, "grant", "sari", "--role", "operator", "--camera", "gang", "--reason", "piket banjir")
    grant_id = given.split()[0]
    live = explained(config)["live"]
    assert live == ("yes", f"Allowed by your grant for this place.  [{grant_id}]")
    listed = user(config, "grants", "sari")
    assert f"{grant_id}  active" in listed
    assert "(piket banjir)" in listed
    user(config, "revoke", "sari", grant_id)
    assert explained(config)["live"][0] == "no"


def test_what_waits_for_a_second_person_says_why(config: str) -> None:
    rina = ("add", "rina", "--role", "admin", "--area", "31")
    said(camctl_here("user", *rina, "--config", config, stdin="jaran kepang 8\n"))
    wish = GrantWish(role="official", areas=("31",), reason="piket")
    waiting = asyncio.run(given_by_an_administrator(config, "rina", wish))
    (line,) = [line for line in user(config, "grants", "sari").splitlines() if line.startswith(waiting.id)]
    assert line.endswith("It waits for a second person: It is over a whole city and lasts more than 92 days.")
    user(config, "approve", "sari", waiting.id)
    assert "waits" not in user(config, "grants", "sari")


async def given_by_an_administrator(config: str, username: str, wish: GrantWish) -> Grant:
    settings = load(Path(config))
    store = open_store(settings.store.url)
    auth = auth_service(settings, store)
    try:
        city = city_of(load_areas(settings), lambda _id: None, tuple)
        return await Grants(auth).give("sari", wish, Granter(await auth.person(username), utc_now(), city))
    finally:
        await auth.close()
        store.close()


def test_hours_ends_and_denials(config: str) -> None:
    piket = ("--role", "official", "--area", "31.71", "--reason", "piket")
    user(
        config, "grant", "sari", *piket, "--window", "mon-sun 00:00-00:00 Asia/Jakarta", "--until", "2030-01-01T00:00Z"
    )
    assert explained(config)["control"][0] == "yes"
    assert "until 2030-01-01 00:00 UTC" in user(config, "grants", "sari")
    user(config, "grant", "sari", "--deny", "--only", "control", "--area", "31", "--reason", "dilaporkan")
    answer, why = explained(config)["control"]
    assert (answer, why.startswith("It was taken from you here.")) == ("no", True)
    assert explained(config)["live"][0] == "yes"


def test_a_name_and_an_organisation_are_changed(config: str) -> None:
    assert user(config, "change", "sari", "--name", "Ibu Sari") == "sari is Ibu Sari\n"
    assert user(config, "change", "sari", "--organisation", "PT Contoh") == "sari is Ibu Sari of PT Contoh\n"
    assert "Ibu Sari" in user(config, "list")
    for wrong in (("change", "sari"), ("change", "sari", "--name", ""), ("change", "nobody", "--name", "x")):
        assert camctl_here("user", *wrong, "--config", config).returncode != 0


def test_roles_are_data(config: str) -> None:
    assert "official     priority by level" in user(config, "roles")
    user(config, "role", "pos-jaga", "--capability", "see", "--capability", "live", "--priority", "10")
    user(config, "grant", "sari", "--role", "pos-jaga", "--area", "31.71", "--reason", "jaga")
    assert (explained(config)["live"][0], explained(config)["control"][0]) == ("yes", "no")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("grant", "sari", "--role", "mayor", "--area", "31", "--reason", "x"), "There is no role 'mayor'"),
     (("grant", "sari", "--role", "official", "--area", "31.99", "--reason", "x"), "there is no area 31.99"),
     (("grant", "sari", "--role", "official", "--camera", "no", "--reason", "x"), "there is no camera no"),
     (("grant", "sari", "--role", "official", "--area", "31", "--reason", "x", "--window", "now"), "no time window"),
     (("grant", "sari", "--role", "official", "--reason", "x"), "names areas or cameras"),
     (("grant", "sari", "--area", "31", "--reason", "x"), "needs a role"),
     (("grant", "budi", "--role", "official", "--area", "31", "--reason", "x"), "nobody called 'budi'"),
     (("revoke", "sari", "none"), "no grant 'none'"), (("approve", "sari", "none"), "no grant 'none'"),
     (("explain", "sari", "no"), "there is no camera no"),
     (("role", "x", "--capability", "fly"), "'fly' is none of")],
)  # fmt: skip
def test_what_cannot_be_is_said(config: str, arguments: tuple[str, ...], words: str) -> None:
    done = camctl_here("user", *arguments, "--config", config)
    assert done.returncode != 0
    assert words in done.stderr
