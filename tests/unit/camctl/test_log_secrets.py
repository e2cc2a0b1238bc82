"""What must not reach the log, however much is asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from camctl.log import setup_logging

NAMES = ("", "uvicorn.error", "websockets", "zeep", "urllib3")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).handlers[:]) for name in NAMES}
    yield
    for name, (level, handlers) in before.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers[:] = handlers


@pytest.mark.parametrize("name", ["uvicorn.error", "websockets.server", "zeep.transports", "urllib3.connectionpool"])
def test_libraries_that_log_headers_and_envelopes_do_not_at_debug(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging("debug")
    logging.getLogger(name).debug("< Authorization: Bearer %s", "a-token")
    logging.getLogger("camctl.anything").debug("ours")
    said = capsys.readouterr().err
    assert "a-token" not in said
    assert "ours" in said


@pytest.mark.parametrize(
    "text",
    [
        '%s - "WebSocket %s" [accepted]',  # uvicorn's line for a socket, its query included
        "Invalid HTTP request received.",
    ],
)
def test_what_strangers_could_fill_the_log_with_is_not_in_it(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("debug")
    logger = logging.getLogger("uvicorn.error")
    (logger.info if "%s" in text else logger.warning)(text, *(("a", "/?token=a-token") if "%s" in text else ()))
    logger.warning("something else")
    said = capsys.readouterr().err
    assert "something else" in said
    assert "a-token" not in said
    assert "Invalid HTTP" not in said


def test_a_quieter_level_stays_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("error")
    logging.getLogger("uvicorn.error").info("started")
    assert not capsys.readouterr().err
