"""What is sealed opens for what it was sealed for, with the key that sealed it, and for nothing else."""

from __future__ import annotations

import base64
import traceback
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from camctl.sealing import Key, KeyRing, NotSealedError, Sealer, SealError, UnknownKeyError, WrongSealError, key_id_of

MADE = datetime(2026, 5, 1, 12, tzinfo=UTC)
OLD, NEW = Key(MADE, b"o" * 32), Key(MADE, b"n" * 32)
SEALER = Sealer(KeyRing([OLD]), "camera-password")
SECRET = "rahasia sekali"


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=300), st.text(st.characters(codec="utf-8"), max_size=64)
)
def test_it_opens_for_its_owner(secret: str, owner: str) -> None:
    assert SEALER.open(SEALER.seal(secret, owner), owner) == secret


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.text(st.characters(codec="utf-8"), max_size=20))
def test_it_opens_for_no_other(owner: str, other: str) -> None:
    text = SEALER.seal(SECRET, owner)
    if owner != other:
        with pytest.raises(WrongSealError):
            SEALER.open(text, other)


def test_the_same_secret_never_looks_the_same() -> None:
    assert len({SEALER.seal(SECRET, "a") for _ in range(50)}) == 50


def test_it_opens_for_no_other_purpose() -> None:
    text = SEALER.seal(SECRET, "a")
    with pytest.raises(WrongSealError, match="something else than a"):
        Sealer(KeyRing([OLD]), "totp").open(text, "a")


SEALED = SEALER.seal(SECRET, "a")  # once: each time it looks different


@given(st.data())
def test_a_changed_character_is_found(data: st.DataObject) -> None:
    text = SEALED
    at = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from("0aAz+/=:v").filter(lambda c: c != text[at]))
    with pytest.raises(SealError):
        SEALER.open(text[:at] + character + text[at + 1 :], "a")


@given(st.text(max_size=200) | st.from_regex(r"v1:[0-9a-f]{8}:[A-Za-z0-9+/=]*", fullmatch=True))
def test_anything_is_refused_in_words(text: str) -> None:
    with pytest.raises(SealError) as caught:
        SEALER.open(text, "a")
    assert len(text) < 12 or text not in str(caught.value)


def test_a_newer_key_seals_and_the_older_still_opens() -> None:
    both = Sealer(KeyRing([OLD]).with_newer(NEW), "camera-password")
    before = SEALER.seal(SECRET, "a")
    after = both.seal(both.open(before, "a"), "a")
    assert (key_id_of(before), key_id_of(after)) == (OLD.id, NEW.id)
    assert (both.is_old(before), both.is_old(after)) == (True, False)
    with pytest.raises(UnknownKeyError, match=NEW.id):
        SEALER.open(after, "a")


def test_another_key_does_not_open_what_claims_to_be_its() -> None:
    text = Sealer(KeyRing([NEW]), "camera-password").seal(SECRET, "a").replace(NEW.id, OLD.id)
    with pytest.raises(WrongSealError):
        SEALER.open(text, "a")


@pytest.mark.parametrize("secret", ["", "x" * 4097, "é" * 2049])
def test_what_is_no_secret_is_not_sealed(secret: str) -> None:
    with pytest.raises(ValueError, match="1 to 4096 bytes"):
        SEALER.seal(secret, "a")


def test_nothing_shows_the_key_or_the_secret() -> None:
    text = SEALER.seal(SECRET, "a")
    try:
        SEALER.open(text, "b")
    except WrongSealError:
        said = traceback.format_exc()
    for shown in (said, repr(OLD), repr(SEALER), repr(KeyRing([OLD, NEW])), str(vars(SEALER))):
        assert "oooo" not in shown
        assert SECRET not in shown
        assert text not in shown


def test_it_is_aes_256_gcm_with_everything_in_the_associated_data() -> None:
    """Opened by the documented recipe, with the library's streaming interface instead of the one that we use."""
    sealer = Sealer(KeyRing([OLD]), "camera-password", random=lambda n: b"\x07" * n)
    version, key_id, encoded = sealer.seal(SECRET, "cam-1").split(":")
    box = base64.b64decode(encoded)
    assert (version, key_id, box[:12]) == ("v1", OLD.id, b"\x07" * 12)
    cipher = Cipher(algorithms.AES256(OLD.secret), modes.GCM(box[:12], box[-16:])).decryptor()
    cipher.authenticate_additional_data(f"camctl sealed v1\0{OLD.id}\0camera-password\0cam-1".encode())
    assert cipher.update(box[12:-16]) + cipher.finalize() == SECRET.encode()


@pytest.mark.parametrize("purpose", ["", "Camera", "a\0b", "x" * 41])
def test_a_purpose_is_a_plain_word(purpose: str) -> None:
    with pytest.raises(ValueError, match="purpose"):
        Sealer(KeyRing([OLD]), purpose)


def test_a_form_that_is_none_is_told_apart() -> None:
    with pytest.raises(NotSealedError, match="v1:KEY:BASE64"):
        SEALER.open("hunter2", "a")
