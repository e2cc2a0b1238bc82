from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from camctl.config import Config, faults, turn_servers
from camctl.errors import ConfigError
from camctl.turn import TurnServers, check_turn_url


def test_credentials_are_what_coturn_makes_of_its_secret() -> None:
    servers = TurnServers(("turn:t.example",), "secret", 60.0)
    username, password = servers.credentials(1_700_000_000.9, "word")
    assert username == "1700000060:word"
    assert password == base64.b64encode(hmac.new(b"secret", username.encode(), hashlib.sha1).digest()).decode()
    assert "secret" not in repr(servers)


@pytest.mark.parametrize(
    "url",
    ["turn:t.example", "turns:t.example:443?transport=tcp", "turn:192.0.2.1:3478?transport=udp", "turn:[2001:db8::1]"],
)
def test_urls_that_browsers_take(url: str) -> None:
    assert check_turn_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "t.example", "stun:t.example", "turn://t.example", "turn:user@t.example", "turn:2001:db8::1", "turn:t?x=1",
     "turn:t>; rel=next", "turn:t.example:65536", "turn:t.example:0", "turn:t.example\n"],
)  # fmt: skip
def test_urls_that_they_do_not(url: str) -> None:
    assert any(fault.startswith("media.turn.urls[0]: ") for fault in faults({"media": {"turn": {"urls": [url]}}}))


@pytest.mark.parametrize(
    ("turn", "fault"),
    [
        ({"urls": ["turn:t.example"]}, "media.turn: urls need secret or secret_file"),
        ({"secret": "a", "secret_file": "b"}, "media.turn: give secret or secret_file"),
        ({"urls": ["turn:t.example"], "secret": "a", "ttl_s": 1}, "media.turn.ttl_s: "),
    ],
)
def test_a_half_configured_server_is_a_fault(turn: dict[str, object], fault: str) -> None:
    [found] = faults({"media": {"turn": turn}})
    assert found.startswith(fault)


def test_the_secret_may_be_in_a_file(tmp_path: object) -> None:
    path = f"{tmp_path}/secret"
    config = Config.model_validate({"media": {"turn": {"urls": ["turn:t.example"], "secret_file": path}}})
    with pytest.raises(ConfigError, match=r"media\.turn\.secret_file"):
        turn_servers(config.media.turn)
    for text in ("", "rahasia\n"):
        with open(path, "w") as file:  # noqa: PTH123  a path as the configuration has it
            file.write(text)
        if text:
            assert turn_servers(config.media.turn) == TurnServers(("turn:t.example",), "rahasia", 21_600.0)
        else:
            with pytest.raises(ConfigError, match="empty"):
                turn_servers(config.media.turn)
    assert turn_servers(Config().media.turn) is None


@pytest.mark.parametrize("origin", ["*", "wall.example", "https://wall.example/", "https://a@b", "null", "ftp://x"])
def test_an_origin_is_a_site_and_nothing_else(origin: str) -> None:
    [found] = faults({"media": {"whep_origins": [origin]}})
    assert found.startswith("media.whep_origins[0]: ")


def test_video_leaves_from_an_address_not_from_a_name() -> None:
    [found] = faults({"media": {"udp_host": "localhost"}})
    assert found.startswith("media.udp_host: ")
