"""Other sites' pages, stolen addresses and planted cookies, against every route that there is.

The routes come from the application: a new one is attacked without anybody adding it here. Over real sockets the same
is done in tests/system/test_who_asks.py, for cameras' routes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi.routing import APIWebSocketRoute

from camctl.api.application import OPEN_PATHS, describe
from tests.support.problems import problem
from tests.unit.camctl.api.api_kit import FIRST, House
from tests.unit.camctl.api.asgi_socket import open_socket
from tests.unit.camctl.api.conftest import PASSWORD
from tests.unit.camctl.api.test_permissions_declared import routes as declared_routes

EVIL = "https://evil.example"
COOKIE = "camctl_session"
FOREIGN: dict[str, Mapping[str, str]] = {
    "origin": {"Origin": EVIL},
    "null": {"Origin": "null"},
    "none, cross-site": {"Sec-Fetch-Site": "cross-site"},
    "none, same-site": {"Sec-Fetch-Site": "same-site"},
    "a prefix of ours": {"Origin": "http://camctl.evil.example"},
    "another port": {"Origin": "http://camctl:81"},
    "ours, in the path": {"Origin": "https://evil.example/http://camctl"},
    "ours, as a user": {"Origin": "http://camctl@evil.example"},
    "claims to be ours by a header": {"Origin": EVIL, "X-Forwarded-Host": "evil.example"},
}
# Where the example below is not what a route takes: the body must be right, or the refusal would be of that.
BODIES: dict[str, Any] = {}


@functools.cache
def document() -> dict[str, Any]:
    return describe().openapi()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


# No address at all while there is an administrator; test_setup_routes.py attacks it while there is none.
CLOSED = {"/api/v1/setup"}
UNSAFE = [
    (method, path)
    for method, path, _ in operations()
    if method not in {"GET", "HEAD", "OPTIONS"} and path not in CLOSED
]
SAFE_PATHS = [path for method, path, _ in operations() if method == "GET"]
PAGES = ("", "/assets", "/manifest.webmanifest")
SOCKETS = [route.path or "" for route in declared_routes() if isinstance(route.original_route, APIWebSocketRoute)]


def filled(path: str) -> str:
    return re.sub(r"\{[^}]+\}", lambda name: FIRST if name[0] == "{camera_id}" else "x1", path)


def example(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Any:
    """The smallest value of a JSON schema, as far as ours go."""
    if "$ref" in schema:
        return example(parts[schema["$ref"].rpartition("/")[2]], parts)
    if "enum" in schema or "const" in schema:
        return schema.get("const") or schema["enum"][0]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], parts)
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: example(fields[name], parts) for name in schema.get("required", ())}
        case "array":
            return [example(schema["items"], parts)] * int(schema.get("minItems", 0))
        case "string":
            return "a" * max(1, int(schema.get("minLength", 1)))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    return None


def body_of(method: str, path: str) -> dict[str, Any]:
    whole = document()
    content = whole["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
    if "application/json" in content:
        return {
            "json": BODIES.get(path, example(content["application/json"]["schema"], whole["components"]["schemas"]))
        }
    if content:
        return {"content": b"v=0", "headers": {"Content-Type": next(iter(content))}}
    return {}


async def send(client: httpx.AsyncClient, method: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
    options = body_of(method, path)
    more = options.pop("headers", {})
    return await client.request(method, f"http://camctl{filled(path)}", headers={**more, **headers}, **options)


def test_there_are_routes_to_attack() -> None:
    assert len(UNSAFE) >= 20
    assert len(SAFE_PATHS) >= 10
    assert len(SOCKETS) >= 2
    assert ("POST", "/api/v1/auth/login") in UNSAFE


@pytest.mark.parametrize("how", FOREIGN)
async def test_no_unsafe_route_obeys_another_sites_page(house: House, how: str) -> None:
    async with house.client() as client:
        client.cookies.set(COOKIE, house.tokens["admin"])
        for method, path in UNSAFE:
            answer = await send(client, method, path, FOREIGN[how])
            assert answer.status_code == 403, f"{method} {path}: {answer.status_code} {answer.text}"
            problem(answer, 403, "cross-site")
            assert "set-cookie" not in answer.headers
        assert (await client.get("/me")).status_code == 200
    assert house.recorder.entries == []


async def test_the_same_from_our_own_page_is_not_refused_for_that(house: House) -> None:
    async with house.client() as client:
        client.cookies.set(COOKIE, house.tokens["admin"])
        for method, path in UNSAFE:
            if path != "/api/v1/auth/logout":
                answer = await send(client, method, path, {"Origin": "http://camctl", "Sec-Fetch-Site": "same-origin"})
                assert "cross-site" not in answer.text, f"{method} {path}"
                client.cookies.set(COOKIE, house.tokens["admin"])


@pytest.mark.parametrize("path", SOCKETS)
async def test_no_socket_opens_for_another_sites_page(house: House, path: str) -> None:
    cookie = {"Cookie": f"{COOKIE}={house.tokens['admin']}"}
    for headers in FOREIGN.values():
        refused = await open_socket(house.app, filled(path), {**cookie, **headers})
        assert refused.status == 403, headers
        assert b"cross-site" in refused.body
    assert (await open_socket(house.app, filled(path), {**cookie, "Origin": "http://camctl"})).status == 101


# Tokens in addresses --------------------------------------------------------------------------------------------------

NAMES = ("token", "access_token", "bearer", "authorization", "api_key", "key", "auth", "session", COOKIE)


async def test_no_route_takes_a_token_from_its_address(house: House) -> None:
    query = "&".join(f"{name}={house.tokens['admin']}" for name in NAMES)
    async with house.client() as client:
        for method, path, _ in operations():
            if path in OPEN_PATHS or method == "OPTIONS":
                continue
            answer = await client.request(method, f"http://camctl{filled(path)}?{query}", **body_of(method, path))
            problem(answer, 401, "not-signed-in")
        for path in SOCKETS:
            assert (await open_socket(house.app, filled(path), {}, query)).status == 401


def test_no_route_documents_a_secret_in_its_address() -> None:
    secret = re.compile(r"token|secret|password|passphrase|api.?key|session(?!_id)|bearer|credential", re.IGNORECASE)
    for method, path, operation in operations():
        for given in operation.get("parameters", ()):
            assert not (given["in"] == "query" and secret.search(given["name"])), f"{method} {path}: {given['name']}"


# Host and sessions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"restream": {"enabled": True}}])
async def test_nothing_in_an_answer_is_built_from_the_host_header(house: House) -> None:
    claims = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Original-URL": "/evil.example",
              "X-Host": "evil.example", "Forwarded": "host=evil.example"}  # fmt: skip
    async with house.client("operator") as client:
        made = await client.post("/restream/accounts", json={"name": "nvr-9"}, headers=claims)
        assert made.status_code == 201
        assert "rtsp://camctl:" in made.text
    async with house.client("admin") as client:
        answers = [await send(client, method, path, claims) for method, path, _ in operations()]
        answers += [await client.get(f"http://camctl{filled(path)}/", headers=claims) for path in (*PAGES, *SAFE_PATHS)]
    for answer in answers:
        assert "evil.example" not in answer.text + repr(answer.headers.multi_items()), answer.request.url
        assert not 300 <= answer.status_code < 400, answer.request.url


async def test_a_planted_cookie_is_never_the_one_afterwards(house: House) -> None:
    """Session fixation: whoever planted it must not be in the victim's sign-in, nor the victim in theirs."""
    signed = {"username": "camat", "password": PASSWORD}
    for planted in (house.tokens["partner"], "A" * 43, "fixed"):
        async with house.client() as client:
            answer = await client.post("/auth/login", json=signed, headers={"Cookie": f"{COOKIE}={planted}"})
            assert answer.status_code == 200
            given = answer.cookies[COOKIE]
            assert given not in (planted, house.tokens["partner"])
            assert (await client.get("/me", headers={"Cookie": f"{COOKIE}={given}"})).json()["username"] == "camat"
            client.cookies.clear()
            still = await client.get("/me", headers={"Cookie": f"{COOKIE}={planted}"})
            assert still.status_code == 401 or still.json()["username"] == "partner"


async def test_each_sign_in_is_a_session_of_its_own_and_ends_alone(house: House) -> None:
    signed = {"username": "camat", "password": PASSWORD}
    async with house.client() as client:
        tokens = [(await client.post("/auth/login", json=signed)).json()["token"] for _ in range(2)]
        client.cookies.clear()
        assert len(set(tokens)) == 2
        first, second = ({"Authorization": f"Bearer {token}"} for token in tokens)
        assert (await client.post("/auth/logout", headers=first)).status_code == 204
        assert (await client.get("/me", headers=first)).status_code == 401
        assert (await client.get("/me", headers=second)).status_code == 200
