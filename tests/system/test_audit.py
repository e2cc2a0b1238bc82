"""The audit log of a running service: complete after kill -9, and no control without it."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.support.commands import camctl_here, process, said, street, wait_started, wait_until
from tests.support.control import Phone
from tests.support.problems import problem
from tests.support.service import PASSWORD, Service, _is_ready, running, write_config

pytestmark = pytest.mark.system

PEOPLE = {
    "admin": ["--role", "admin", "--area", "31", "--name", "Pak Admin"],
    "sari": ["--role", "operator", "--area", "31", "--name", "Ibu Sari", "--organisation", "Dishub"],
    "camat": ["--role", "admin", "--area", "31.74", "--name", "Pak Camat"],
}
ACCOUNT = {"username": "camctl", "password": "rahasia-kamera-1"}
CAMERA = {"id": "bundaran", "name": "Bundaran HI", "area": "31.71.07"}


@contextmanager
def city(folder: Path, *, ends_with: int = 0) -> Iterator[Service]:
    """A service with one camera that can be steered."""
    with street(folder, [{"name": "Bundaran", **ACCOUNT}]) as [simulated]:
        items = [{**CAMERA, "onvif": simulated["onvif_url"], **ACCOUNT}]
        with running(folder, write_config(folder, items), PEOPLE, ends_with=ends_with) as service:
            with service.client("sari") as sari:
                wait_until(lambda: sari.get("/cameras/bundaran").json()["steerable"], 20, service.log.read_text)
            yield service


def control_of(service: Service) -> psutil.Process:
    below = psutil.Process(service.pid).children(recursive=True)
    return next(child for child in below if "camctl.control" in " ".join(child.cmdline()))


def audit(service: Service, *arguments: str, code: int = 0) -> str:
    done = camctl_here("audit", *arguments, "--config", str(service.config))
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def rows(service: Service) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in audit(service, "export").splitlines()]
    return [line for line in lines if "seq" in line]


def actions(service: Service) -> list[tuple[str, str]]:
    return [(row["action"], row["actor_name"]) for row in rows(service)]


def wait_for(service: Service, *wanted: tuple[str, str]) -> None:
    wait_until(lambda: set(wanted) <= set(actions(service)), 10, lambda: str(actions(service)))


def test_what_people_do_is_on_record_and_whoever_bends_it_is_found(tmp_path: Path) -> None:
    with city(tmp_path) as service:
        login = {"username": "sari", "password": PASSWORD.format(username="sari")}
        httpx.post(f"{service.api}/auth/login", json=login).raise_for_status()
        assert httpx.post(f"{service.api}/auth/login", json={**login, "password": "wrong"}).status_code == 401
        with service.client("camat") as camat:
            problem(camat.get("/cameras/bundaran"), 404, "not-found")
        with Phone(service.api, "bundaran", service.tokens["sari"]) as phone:
            phone.drag(0.8, pan=0.4, gesture=1)
            assert phone.ask("stop", gesture=1)["type"] == "ack"
            assert phone.ask("reserve", reason="kecelakaan", limit_s=600)["type"] == "ack"
            assert phone.ask("release")["type"] == "ack"
        with service.client("sari") as sari:
            with sari.stream("GET", "/cameras/bundaran/jpegs") as pictures:
                assert pictures.status_code == 200
            assert sari.get("/cameras/bundaran/snapshot.jpg").status_code == 200
        wait_for(
            service, ("sign-in", "Ibu Sari"), ("sign-in", ""), ("refusal", "Pak Camat"), ("control-take", "Ibu Sari"),
            ("gesture", "Ibu Sari"), ("control-reserve", "Ibu Sari"), ("control-release", "Ibu Sari"),
            ("view-start", "Ibu Sari"), ("view-end", "Ibu Sari"), ("snapshot", "Ibu Sari"),
        )  # fmt: skip
        found = rows(service)
        gestures = [json.loads(row["details"]) for row in found if row["action"] == "gesture"]
        assert len(gestures) == 1, "one row for one gesture"
        assert gestures[0]["moves"] >= 5
        (reserved,) = [row for row in found if row["action"] == "control-reserve"]
        assert (reserved["reason_text"], reserved["actor_organisation"]) == ("kecelakaan", "Dishub")
        service.user("grant", "camat", "--role", "official", "--area", "31.71", "--reason", "Plt. Walikota")
        wait_until(
            lambda: "Plt. Walikota" in audit(service, "show", "--action", "grant"), 10, lambda: str(rows(service))
        )
        by_command = [
            (row["action"], row["target"], row["area"])
            for row in rows(service)
            if row["chain"] == "command-line" and row["action"] != "export"  # what this test looks with
        ]
        assert by_command[-1] == ("grant", "camat", "31.71")
        assert ("person-change", "sari", "31") in by_command, "people who were added before the service ran"
        everything = json.dumps(found)
        for secret in (*service.tokens.values(), login["password"]):
            assert secret not in everything
        with service.client("admin") as admin:
            page = admin.get("/audit", params={"action": "gesture", "area": "31.71"}).json()
            assert [item["camera"] for item in page["items"]] == ["bundaran"]
        assert "nothing is wrong" in audit(service, "verify")
    with running(tmp_path, service.config, {}) as again:
        assert "nothing is wrong" in audit(again, "verify")


def test_every_row_that_was_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    acknowledged: dict[tuple[str, int], str] = {}
    with city(tmp_path, ends_with=-signal.SIGKILL) as service:
        with service.client("admin") as admin:
            login = {"username": "sari", "password": PASSWORD.format(username="sari")}
            httpx.post(f"{service.api}/auth/login", json=login).raise_for_status()
            wait_until(lambda: admin.get("/audit").json()["items"], 10, service.log.read_text)
            first = admin.get("/audit").json()["items"][0]
            service_end = time.monotonic() + 1.5

            def write_notes(writer: int) -> None:
                with service.client("admin") as own:
                    for number in range(10_000):
                        text = f"catatan {writer}/{number}"
                        try:
                            answer = own.post(f"/audit/{first['chain']}/{first['seq']}/notes", json={"text": text})
                        except httpx.TransportError:
                            return
                        if answer.status_code == 429:  # faster than one person may
                            time.sleep(0.05)
                            continue
                        assert answer.status_code == 201, answer.text
                        body = answer.json()
                        acknowledged[body["chain"], body["seq"]] = text

            with ThreadPoolExecutor(4) as writers, Phone(service.api, "bundaran", service.tokens["sari"]) as phone:
                running_notes = [writers.submit(write_notes, writer) for writer in range(4)]
                phone.drag(0.5, pan=0.4, gesture=1)
                time.sleep(max(0.0, service_end - time.monotonic()))
                os.kill(service.pid, signal.SIGKILL)
                for one in running_notes:
                    one.result()
        log = tmp_path / "second.log"
        with process(log, sys.executable, "-m", "camctl", "serve", "--config", str(service.config)) as second:
            wait_started(second, lambda: _is_ready(service), log)
            wait_until(lambda: "nothing is wrong" in _verified(service), 10, lambda: _verified(service))
            stored = {(row["chain"], row["seq"]): row["reason_text"] for row in rows(service)}
            takes = [row for row in rows(service) if row["action"] == "control-take"]
    assert len(acknowledged) >= 20
    assert {place: stored.get(place) for place in acknowledged} == acknowledged
    assert [row["actor_name"] for row in takes] == ["Ibu Sari"]


def _verified(service: Service) -> str:
    return said(camctl_here("audit", "verify", "--config", str(service.config)))


def test_without_the_spool_nobody_steers_stop_works_and_the_page_says_so(tmp_path: Path) -> None:
    with city(tmp_path) as service, Phone(service.api, "bundaran", service.tokens["sari"]) as phone:
        assert phone.ask("move", pan=0.4, gesture=1)["type"] == "ack"
        assert phone.ask("stop", gesture=1)["type"] == "ack"
        lock = os.open(tmp_path / "audit" / "control.lock", os.O_RDWR)
        control = control_of(service)
        control.kill()
        wait_until(lambda: _locked(lock), 5, lambda: "the dead control process holds its lock")
        wait_until(lambda: "audit log of control" in httpx.get(f"{service.url}/readyz").text, 20, service.log.read_text)
        with service.client("sari") as sari:
            wait_until(lambda: sari.get("/cameras/bundaran").json()["state"] == "live", 20, service.log.read_text)
        wait_until(lambda: phone.ask("take").get("code") == "not-on-record", 10, service.log.read_text)
        refused = phone.ask("move", pan=0.4, gesture=2)
        assert (refused["type"], refused["code"]) == ("error", "not-on-record")
        assert "record" in refused["detail"]
        with service.client("sari") as sari:
            problem(sari.post("/cameras/bundaran/control/take"), 503, "not-on-record")
            assert sari.post("/cameras/bundaran/ptz/stop").is_success
        stopped = phone.ask("stop", gesture=2)
        assert stopped["type"] == "ack", stopped
        os.close(lock)
        wait_until(lambda: _is_ready(service), 10, lambda: httpx.get(f"{service.url}/readyz").text)
        wait_until(lambda: phone.ask("move", pan=0.4, gesture=3)["type"] == "ack", 10, service.log.read_text)
        assert phone.ask("stop", gesture=3)["type"] == "ack"
        wait_for(service, ("spool-failed", "camctl"))


def test_a_spool_that_fails_in_mid_lease_stops_the_camera_and_ends_the_steering(tmp_path: Path) -> None:
    with city(tmp_path) as service, Phone(service.api, "bundaran", service.tokens["sari"]) as phone:
        assert phone.ask("move", pan=0.4, gesture=1)["type"] == "ack"
        control = control_of(service)
        [segment] = (tmp_path / "audit").glob("control-*.jsonl")
        full = segment.stat().st_size
        resource.prlimit(control.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        # A press right behind another: the end of the first is a row, which the disk does not take.
        wait_until(
            lambda: phone.ask("move", pan=0.4, gesture=2).get("code") == "not-on-record", 5, service.log.read_text
        )
        phone.state(lambda state: not state["moving"] and state["stop_confirmed"])
        assert "cannot be written" in httpx.get(f"{service.url}/readyz").text
        resource.prlimit(control.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: phone.ask("move", pan=0.4, gesture=3)["type"] == "ack", 10, service.log.read_text)
        assert phone.ask("stop", gesture=3)["type"] == "ack"
        wait_for(service, ("spool-failed", "camctl"), ("gesture", "Ibu Sari"))


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
