"""Nothing calls out but the modules named here, and those that call cameras or the city's directory take only
addresses past the egress guard.

A new outgoing call fails this test until it is looked at: either it takes a `PinnedTarget`, and its module is added
with its reason, or it does not belong into the product.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("camctl", "streams", "auth")

# Ways out: calls by their last name, and modules whose import alone is one.
CALLS = frozenset({
    "open_connection", "create_connection", "create_datagram_endpoint", "sock_connect", "sock_sendto", "sendto",
    "sendmsg", "connect_ex", "getaddrinfo", "gethostbyname", "gethostbyname_ex", "urlopen", "urlretrieve",
    "VideoCapture", "wrap_socket", "create_engine",
})  # fmt: skip
CLIENTS = frozenset({
    "aiohttp", "ftplib", "http.client", "httpx", "imaplib", "nntplib", "onvif", "paramiko", "poplib", "pycurl",
    "requests", "smtplib", "telnetlib", "urllib.request", "urllib3", "websockets.client", "websockets.asyncio.client",
    "websockets.sync.client", "xmlrpc.client",
})  # fmt: skip

GUARDED = {
    # Cameras by ONVIF: `target.address` of a PinnedTarget; SoapTransport and Lane know no others.
    "camctl/onvif/http.py": {"http.client", "create_connection", "wrap_socket"},
    "camctl/onvif/link.py": {"http.client", "create_connection"},  # http.client for the names of its errors
    # Cameras by RTSP: the address of a StreamSource, which camctl/sources.py pins; other workers' relays on loopback.
    "streams/rtsp/connection.py": {"create_connection"},
    "streams/rtsp/tls.py": {"create_connection"},
    "streams/rtsp/carriers.py": {"sendto"},  # RTCP to the host of that connection, from which alone it takes packets
    # The city's directory: `pinned_client` asks the guard for each connection; the other names types and errors.
    "auth/pinned_http.py": {"httpx"},
    "auth/oidc_client.py": {"httpx"},
    # The look-up itself.
    "camctl/egress.py": {"getaddrinfo"},
}
NO_CAMERAS = {
    # Back to who came to us: viewers (authenticated by ICE) and players of the re-stream.
    "streams/rtp/burst.py": {"sendmsg", "sendto"},
    "streams/rtsp/outputs.py": {"create_datagram_endpoint", "sendto"},
    # The people's database, at `store.url` alone: whoever writes that line names the machine in whose hands all is.
    "camctl/store/engine.py": {"create_engine"},
    # The demo asks whether its own processes answer, and approves the addresses of feeds that its user typed.
    "camctl/demo/runner.py": {"urllib.request", "urlopen", "getaddrinfo"},
}


@functools.cache
def sources() -> list[tuple[str, ast.Module]]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def imported(tree: ast.Module) -> set[str]:
    """Every module that is imported, `from a import b` as a and a.b."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def called(tree: ast.Module) -> set[str]:
    """The last names of all that is called or handed on as a function: `loop.create_connection`, `urlopen`."""
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def ways_out(tree: ast.Module) -> set[str]:
    modules = imported(tree)
    clients = {name for name in CLIENTS if any(f"{module}.".startswith(f"{name}.") for module in modules)}
    return clients | (called(tree) & CALLS)


def test_only_the_modules_named_here_call_out() -> None:
    found = {path: out for path, tree in sources() if (out := ways_out(tree))}
    assert found == GUARDED | NO_CAMERAS


@pytest.mark.parametrize(
    "code",
    [
        "import httpx\nhttpx.get('http://x/')",
        "from httpx import AsyncClient",
        "import requests as r",
        "import urllib.request",
        "from urllib import request",
        "from http import client",
        "import asyncio\nasync def f(): await asyncio.open_connection('x', 1)",
        "from asyncio import open_connection as o",
        "def f(loop): return loop.create_connection(object, 'x', 1)",
        "import socket\nsocket.create_connection(('x', 1))",
        "import cv2\ncv2.VideoCapture('rtsp://x/')",
        "from onvif import ONVIFCamera",
        "from websockets.asyncio.client import connect",
        "from sqlalchemy import create_engine as c\nc('postgresql://x/')",
    ],
)
def test_the_lint_sees(code: str) -> None:
    tree = ast.parse(code)
    assert ways_out(tree) or imported(tree) & {
        f"{package}.{name}" for package in ("asyncio", "sqlalchemy") for name in CALLS
    }


def calls_of(tree: ast.Module, owner: str, name: str) -> list[ast.Call]:
    """Calls written as `owner.name(...)`."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == owner
    ]


def test_what_could_call_out_by_itself_is_never_let() -> None:
    """zeep opens URLs unless it is given a transport; PyAV opens whatever it is given; sockets connect."""
    for path, tree in sources():
        assert not {f"asyncio.{name}" for name in CALLS} & imported(tree), path
        assert not calls_of(tree, "av", "open"), path
        for call in calls_of(tree, "zeep", "Client"):
            assert "transport" in {keyword.arg for keyword in call.keywords}, path
        for name in ("sock", "socket", "connection", "raw", "wire"):
            assert not calls_of(tree, name, "connect"), path


def test_those_who_call_cameras_connect_to_the_pinned_address() -> None:
    """What stands where the host of a connection stands, in the modules that call cameras."""
    hosts = set()
    for path in GUARDED:
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "create_connection":
                    at = 0 if isinstance(node.func.value, ast.Name) and node.func.value.id == "socket" else 1
                    hosts.add(ast.unparse(node.args[at]))
                if node.func.attr == "sendto":
                    hosts.add(ast.unparse(node.args[1]))
    assert hosts == {
        "(self._target.address, self._target.port)",
        "self._target.address",
        "address",
        "(self._camera, self.server_ports[index])",
    }


def test_httpx_calls_the_directory_past_the_guard_alone() -> None:
    """Its clients and transports are made in one place, each client with the transport that asks the guard."""
    makers, transports = set(), []
    ways = {"Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", "get", "post", "request", "stream"}
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "httpx" and node.attr in ways:
                makers.add(path)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "httpx.AsyncClient":
                transports += [ast.unparse(each.value) for each in node.keywords if each.arg == "transport"]
        assert not any(name.startswith("httpx.") for name in imported(tree)), path  # by its attributes only, as above
    assert makers == {"auth/pinned_http.py"}
    [transport] = transports
    assert transport.startswith("_Pinned(guard, ")


def makes_stream_source(tree: ast.Module) -> bool:
    """With values of its own; `StreamSource(**payload)` is one that came over the wire."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "StreamSource"
        and all(keyword.arg for keyword in node.keywords)
        for node in ast.walk(tree)
    )


def test_a_stream_source_is_made_where_its_address_was_judged_and_by_the_relay() -> None:
    makers = {path for path, tree in sources() if makes_stream_source(tree)}
    assert makers == {"camctl/sources.py", "streams/relay.py"}


def test_only_the_guard_makes_targets() -> None:
    makers = set()
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "PinnedTarget":
                makers.add(path)
    assert makers == {"camctl/egress.py"}
