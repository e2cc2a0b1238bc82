"""The command line as a newcomer meets it: wrong files, taken ports, people, and cameras alone."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from simulators.__main__ import main as simulate
from simulators.quirks import QUIRKS
from tests.support.commands import camctl, camctl_here, process, said, wait_started, wait_until
from tests.support.ports import free_tcp_port, free_udp_ports
from tests.support.service import PASSWORD, Service, running, write_config

pytestmark = pytest.mark.system

SECRET = "rahasia-di-berkas"


def refused(done: subprocess.CompletedProcess[str], *words: str, code: int = 2) -> str:
    """What a command said that must have been refused: words for a person, never a traceback or a password."""
    assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr + done.stdout
    for word in words:
        assert word in done.stderr, done.stderr
    return done.stderr


def changed(folder: Path, section: str, **values: Any) -> str:
    """The path of a configuration with some values of one section changed."""
    return str(write_config(folder, **{section: values}))


# Configuration -------------------------------------------------------------------------------------------------------

FAULTY = f"""
server: {{port: "8080", prot: 8081}}
media: {{udp_port: 70000, workers: -1}}
control: {{stop_on_start: 1}}
log: {{level: loud}}
cameras:
  approved_networks: ["10.0.0.300/8"]
  items:
    - {{id: Upper, name: x, area: "31", onvif: "http://10.0.0.1/", password: 12}}
    - {{id: both, name: x, area: "31", onvif: "http://10.0.0.1/", rtsp: {{main: "rtsp://10.0.0.1/"}}}}
    - {{id: none, name: x, area: "31"}}
    - {{id: two, name: x, area: "31", onvif: "http://10.0.0.1/", password: "{SECRET}", password_file: "/dev/null"}}
extra: 1
"""
FAULTY_KEYS = (
    "server.port:", "server.prot: unknown key", "media.udp_port:", "media.workers:", "control.stop_on_start:",
    "log.level:", "cameras.items[0].id:", "cameras.items[0].password:", "cameras.items[1]:", "cameras.items[2]:",
    "cameras.items[3]:", "extra: unknown key", "cameras.approved_networks[0]:",
)  # fmt: skip


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(FAULTY)
    told = refused(camctl("check-config", "--config", str(path)), str(path), *FAULTY_KEYS)
    assert len(told.splitlines()) == len(FAULTY_KEYS) + 1, told


def test_a_start_names_the_same_faults(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(FAULTY)
    refused(camctl("serve", "--config", str(path)), *FAULTY_KEYS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server: {prt: 80}", ["server.prt", "unknown key"]),
        ("server: [", ["not YAML", "line"]),
        ("server: 8080", ["server:"]),
        ("- server", ["the file:"]),
        ("cameras: {approved_networks: ['10.0.0.1/8']}", ["cameras", "10.0.0.1/8"]),
        ("cameras: {items: [{id: a, name: A, area: '99.99', rtsp: {main: 'rtsp://10.0.0.1/'}}]}", ["area", "99.99"]),
        (
            "cameras: {items: [{id: a, name: A, area: '31', onvif: 'http://10.0.0.1/', password_file: /no/such}]}",
            ["password_file", "/no/such"],
        ),
        ("media: {advertise: [cctv.example]}", ["media.advertise[0]", "cctv.example"]),
        ("media: {advertise: []}", ["media.advertise"]),
        ("cameras: {areas: /no/such.csv}", ["cameras.areas", "/no/such.csv"]),
    ],
)
def test_one_fault_is_one_clear_message(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    refused(camctl_here("check-config", "--config", str(path)), *words)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "nothing.yaml")
    for command in ("check-config", "serve"):
        refused(camctl_here(command, "--config", missing), missing)
    refused(camctl_here("check-config", "--config", str(tmp_path)), str(tmp_path))


def test_a_right_file_is_called_right(tmp_path: Path) -> None:
    assert "right" in said(camctl("check-config", "--config", str(write_config(tmp_path))))
    shipped = Path(__file__).parents[2] / "config.yaml"
    assert "right" in said(camctl_here("check-config", "--config", str(shipped)))


@contextlib.contextmanager
def taken(kind: socket.SocketKind) -> Iterator[int]:
    """A port that another program has; of UDP ones the one before it is free, for TCP too."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", free_tcp_port() if kind is socket.SOCK_STREAM else free_udp_ports(2) + 1))
        if kind is socket.SOCK_STREAM:
            other.listen()
        yield int(other.getsockname()[1])


def test_a_taken_tcp_port_is_named_by_its_key(tmp_path: Path) -> None:
    with taken(socket.SOCK_STREAM) as port:
        path = changed(tmp_path, "server", host="0.0.0.0", port=port)
        told = refused(camctl("serve", "--config", path), "server.port", str(port), "TCP", "in use")
    assert len([line for line in told.splitlines() if line.startswith("camctl serve:")]) == 1


def test_a_taken_port_of_the_re_stream_is_named_by_its_key(tmp_path: Path) -> None:
    with taken(socket.SOCK_STREAM) as port:
        path = changed(tmp_path, "restream", enabled=True, host="0.0.0.0", port=port)
        refused(camctl("serve", "--config", path), "restream.port", str(port), "TCP", "in use")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_taken_udp_port_is_named_by_its_key(tmp_path: Path, workers: int) -> None:
    with taken(socket.SOCK_DGRAM) as port:
        path = changed(tmp_path, "media", udp_host="0.0.0.0", udp_port=port - workers + 1, workers=workers)
        refused(camctl("serve", "--config", path), "media.udp_port", str(port), "UDP", "in use")


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("server", {"host": "192.0.2.1"}, ["server.host", "192.0.2.1"]),
        ("server", {"host": "no.such.host.invalid"}, ["server.host", "no.such.host.invalid"]),
        ("media", {"udp_host": "192.0.2.1"}, ["media.udp_host", "192.0.2.1"]),
        ("restream", {"enabled": True, "host": "192.0.2.1"}, ["restream.host", "192.0.2.1"]),
        ("store", {"url": "sqlite:////dev/null/people.db"}, ["store.url"]),
        ("store", {"url": "nonsense"}, ["store.url"]),
    ],
)
def test_what_cannot_be_had_is_named_by_its_key(
    tmp_path: Path, section: str, values: dict[str, Any], words: list[str]
) -> None:
    refused(camctl("serve", "--config", changed(tmp_path, section, **values)), *words)


def test_an_unknown_command_and_no_command() -> None:
    refused(camctl("fly"), "fly")
    refused(camctl(), "COMMAND")
    assert all(word in said(camctl("--help")) for word in ("serve", "check-config", "demo", "simulate", "user"))


# People --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("people")
    people = {"dewi": ["--role", "admin", "--area", "31", "--name", "Dewi (Diskominfo)"]}
    with running(folder, write_config(folder), people) as service:
        yield service


def sign_in(service: Service, username: str, password: str) -> httpx.Response:
    return httpx.post(f"{service.api}/auth/login", json={"username": username, "password": password})


def status(service: Service, token: str) -> int:
    return httpx.get(f"{service.api}/me", headers={"Authorization": f"Bearer {token}"}).status_code


def ends_within_a_second(service: Service, token: str) -> None:
    wait_until(lambda: status(service, token) == 401, 1.0, lambda: "the token still opens")


def test_somebody_comes_changes_and_goes_while_the_service_runs(service: Service) -> None:
    sari = ["sari", "--role", "official", "--area", "31.71", "--area", "31.74.01", "--name", "Sari", "--priority", "77"]
    assert "sari can sign in as official" in service.user("add", *sari, stdin="kata sandi pertama\n")
    answer = sign_in(service, "sari", "kata sandi pertama")
    person = answer.json()["person"]
    assert (person["role"], person["areas"], person["priority"]) == ("official", ["31.71", "31.74.01"], 77)
    token = service.user("token", "sari", "--days", "1")
    assert status(service, token) == 200
    listed = service.user("list")
    assert re.search(r"^sari +official +31\.71,31\.74\.01 +Sari$", listed, re.MULTILINE), listed
    assert re.search(r"^dewi +admin ", listed, re.MULTILINE)

    assert "ended" in service.user("password", "sari", stdin="kata sandi kedua\n")
    ends_within_a_second(service, token)
    assert sign_in(service, "sari", "kata sandi pertama").status_code == 401
    assert sign_in(service, "sari", "kata sandi kedua").status_code == 200

    token = service.user("token", "sari")
    assert "closed" in service.user("disable", "sari")
    ends_within_a_second(service, token)
    assert sign_in(service, "sari", "kata sandi kedua").status_code == 401
    assert "(closed)" in service.user("list")
    assert "open" in service.user("enable", "sari")
    assert sign_in(service, "sari", "kata sandi kedua").status_code == 200
    assert status(service, token) == 401, "a token that was ended stays ended"


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["add", "rina", "--role", "official"], SECRET, ["--area"]),
        (["add", "rina", "--role", "official", "--area", "31.99"], SECRET, ["--area", "31.99"]),
        (["add", "rina", "--role", "official", "--area", "Gambir"], SECRET, ["--area", "Gambir"]),
        (["add", "rina", "--role", "official", "--area", "31", "--priority", "high"], SECRET, ["--priority"]),
        (["promote", "rina"], "", ["promote"]),
    ],
)
def test_people_that_cannot_be_are_refused_as_wrong_input(
    service: Service, arguments: list[str], stdin: str, words: list[str]
) -> None:
    refused(camctl_here("user", *arguments, "--config", str(service.config), stdin=stdin + "\n"), *words)
    assert "rina" not in service.user("list")


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["add", "rina", "--role", "lurah", "--area", "31"], SECRET, ["lurah", "official"]),
        (["add", "rina", "--role", "official", "--area", "31"], "short", ["8 to 256"]),
        (["add", "rina", "--role", "official", "--area", "31"], "", ["8 to 256"]),
        (["add", "ri na", "--role", "official", "--area", "31"], SECRET, ["username"]),
        (["add", "rina", "--role", "official", "--area", "31", "--priority", "101"], SECRET, ["priority"]),
        (["add", "rina", "--role", "partner", "--area", "31"], SECRET, ["organisation"]),
        (["add", "dewi", "--role", "official", "--area", "31"], SECRET, ["dewi"]),
        (["disable", "nobody"], "", ["nobody"]),
        (["password", "nobody"], SECRET, ["nobody"]),
        (["token", "nobody"], "", ["nobody"]),
        (["token", "dewi", "--days", "0"], "", ["end"]),
        (["token", "dewi", "--days", "9999999999"], "", ["--days"]),
    ],
)
def test_people_that_break_a_rule_are_refused(
    service: Service, arguments: list[str], stdin: str, words: list[str]
) -> None:
    refused(camctl_here("user", *arguments, "--config", str(service.config), stdin=stdin + "\n"), *words, code=1)


def test_the_password_from_standard_input_opens(service: Service) -> None:
    assert sign_in(service, "dewi", PASSWORD.format(username="dewi")).status_code == 200


# Cameras alone -------------------------------------------------------------------------------------------------------


def street_file(folder: Path, **camera: Any) -> Path:
    path = folder / "street.yaml"
    account = {"name": "Sudirman", "username": "camctl", "password": SECRET}
    ports = {"first_onvif_port": free_tcp_port(), "first_rtsp_port": free_tcp_port()}
    path.write_text(yaml.safe_dump({**ports, "cameras": [account | camera]}))
    return path


def test_cameras_run_alone_until_ctrl_c(tmp_path: Path) -> None:
    log = tmp_path / "street.log"
    with process(log, sys.executable, "-m", "camctl", "simulate", str(street_file(tmp_path))) as running_street:
        wait_started(running_street, lambda: "Sudirman: http://127.0.0.1:" in log.read_text(), log)
        [address] = re.findall(r"Sudirman: (http://127\.0\.0\.1:\d+/onvif/device_service) rtsp://", log.read_text())
        assert ask_time(address).status_code == 200
        started = time.monotonic()
        running_street.send_signal(signal.SIGINT)
        assert running_street.wait(10) == 0
        assert time.monotonic() - started < 5
    assert SECRET not in log.read_text()
    assert "Traceback" not in log.read_text()


def simulate_here(path: Path) -> subprocess.CompletedProcess[str]:
    """What `camctl simulate` becomes, in this process; only for files that it refuses."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        code = simulate([str(path)])
    return subprocess.CompletedProcess([str(path)], code, "", err.getvalue())


def ask_time(address: str) -> httpx.Response:
    body = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
        '<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
    )
    return httpx.post(address, content=body, headers={"Content-Type": "application/soap+xml; charset=utf-8"})


def test_an_unknown_quirk_is_answered_with_those_there_are(tmp_path: Path) -> None:
    path = str(street_file(tmp_path, quirks=["ignores-timeout", "flies"]))
    told = refused(camctl("simulate", path), "flies", "cameras[0].quirks")
    assert all(name in told for name in QUIRKS)


def test_the_demo_knows_its_quirks_too() -> None:
    ports = ["--port", str(free_tcp_port()), "--udp-port", str(free_udp_ports(4))]
    told = refused(camctl("demo", "--cameras", "1", *ports, "--quirk", "flies"), "flies")
    assert all(name in told for name in QUIRKS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cameras: []", ["cameras"]),
        ("cameras: [{name: A, password: x, colour: red}]", ["cameras[0].colour"]),
        ("cameras: [{name: A}]", ["cameras[0].password"]),
        ("first_onvif_port: many\ncameras: [{name: A, password: x}]", ["first_onvif_port"]),
        ("cameras: [", ["not YAML"]),
    ],
)
def test_a_street_that_is_wrong(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "street.yaml"
    path.write_text(text)
    refused(simulate_here(path), *words)


def test_a_street_that_is_not_there_and_one_whose_port_is_taken(tmp_path: Path) -> None:
    refused(simulate_here(tmp_path / "nothing.yaml"), "nothing.yaml")
    with taken(socket.SOCK_STREAM) as port:
        path = street_file(tmp_path)
        path.write_text(re.sub(r"first_onvif_port: \d+", f"first_onvif_port: {port}", path.read_text()))
        refused(simulate_here(path), "first_onvif_port", str(port), "in use")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cameras", "-1"], ["--cameras"]),
        (["--cameras", "many"], ["--cameras"]),
        (["--port", "70000"], ["--port"]),
        (["--udp-port", "0"], ["--udp-port"]),
        (["--udp-port", "65536"], ["--udp-port"]),
        (["--rtsp", "http://127.0.0.1/"], ["--rtsp", "rtsp://"]),
        (["--rtsp", "nonsense"], ["--rtsp", "rtsp://"]),
    ],
)
def test_a_demo_that_cannot_be(arguments: list[str], words: list[str]) -> None:
    refused(camctl_here("demo", *arguments), *words)


@pytest.mark.parametrize(("key", "kind"), [("--port", socket.SOCK_STREAM), ("--udp-port", socket.SOCK_DGRAM)])
def test_a_demo_on_a_taken_port_says_so_at_once(key: str, kind: socket.SocketKind) -> None:
    with taken(kind) as port:
        free = {"--port": free_tcp_port(), "--udp-port": free_udp_ports(4)} | {key: port}
        ports = [str(word) for pair in free.items() for word in pair]
        told = refused(camctl("demo", "--cameras", "1", *ports), key, str(port), "in use")
    assert len(told.splitlines()) == 1
