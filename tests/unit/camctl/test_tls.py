"""Certificates: what is said of them, and which are refused."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from camctl.tls import Certificate, Shown, TlsError, describe, make_self_signed, server_context

NOW = datetime.now(UTC)


def written(folder: Path, *names: str, now: datetime = NOW) -> tuple[Path, Path]:
    certificate, key = folder / "a.pem", folder / "a.key"
    pem, secret = make_self_signed(names or ("camctl.test",), now)
    certificate.write_bytes(pem)
    key.write_bytes(secret)
    return certificate, key


def shown(not_before: datetime, not_after: datetime, *, is_self_signed: bool = False) -> Shown:
    return Shown(("a.test",), not_before, not_after, "AA", is_self_signed)


def test_a_self_signed_certificate_is_for_its_names_and_addresses(tmp_path: Path) -> None:
    certificate, _ = written(tmp_path, "camctl.test", "192.0.2.1", "::1")
    found = describe(certificate)
    assert found.names == ("camctl.test", "192.0.2.1", "::1")
    assert found.is_self_signed
    assert found.not_before < NOW < found.not_after <= NOW + timedelta(days=366)
    assert found.warning(NOW) is None
    assert len(found.sha256) == 95


def test_nothing_older_than_tls_1_2_is_spoken_and_nothing_renegotiated(tmp_path: Path) -> None:
    context = server_context(*written(tmp_path))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION


@pytest.mark.parametrize(
    ("begins_in", "ends_in", "is_self_signed", "says"),
    [
        (-1, 100, False, None),
        (1, 100, False, "clock"),
        (-100, 0, False, "has expired"),
        (-100, 13, False, "should have been renewed"),
        (-100, 13, True, None),  # nobody renews a trial
        (-100, -1, True, "has expired"),
    ],
)
def test_dates_are_warned_of(begins_in: int, ends_in: int, is_self_signed: bool, says: str | None) -> None:
    found = shown(NOW + timedelta(days=begins_in), NOW + timedelta(days=ends_in), is_self_signed=is_self_signed)
    warning = found.warning(NOW)
    assert warning is None if says is None else warning is not None and says in warning


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(tmp_path: Path) -> None:
    certificate, key = written(tmp_path)
    plain = serialization.load_pem_private_key(key.read_bytes(), None)
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(plain.private_bytes(pem, form, serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(TlsError, match="is encrypted") as refused:
        server_context(certificate, key)
    assert refused.value.key == "key"


def test_what_cannot_be_used_is_told_once_and_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificate, key = written(tmp_path)
    at_work = Certificate(certificate, key)
    before = at_work.shown
    with caplog.at_level(logging.WARNING):
        certificate.unlink()
        for _ in range(5):
            at_work.refresh()
    assert len(caplog.records) == 1
    assert "the certificate from before stays in use" in caplog.text
    assert at_work.shown == before
    written(tmp_path, "renewed.test")
    at_work.refresh()
    assert at_work.shown.names == ("renewed.test",)


def test_one_that_has_expired_is_shown_all_the_same_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Certificate(*written(tmp_path, now=NOW - timedelta(days=400)))
    assert "has expired" in caplog.text
