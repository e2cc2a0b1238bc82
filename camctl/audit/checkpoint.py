"""Checkpoints: the heads of all chains at one moment, signed, each hanging on the one before. Pure.

They join the chains of several processes, and a copy of them kept elsewhere shows that rows were rewritten even to
somebody who does not trust this machine. Rows are dropped (retention) only behind one that says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import TypeAdapter, ValidationError

from camctl.audit.chain import GENESIS, Fault, FaultKind, Head

DOMAIN = b"camctl-audit-checkpoint-1\n"
CHAIN = "checkpoint"  # what faults of checkpoints call their chain


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows up to `through` were dropped for their age; `digest` is that row's, on which the next one hangs."""

    through: int
    digest: str
    before: str  # the stamp before which rows were too old


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed. `previous`: the digest of checkpoint `number` - 1; `dropped`: of each chain all that ever was."""

    number: int
    at: str
    heads: Mapping[str, Head]
    dropped: Mapping[str, Dropped] = field(default_factory=dict)
    previous: str = GENESIS
    key: str = ""

    def body(self) -> bytes:
        """The bytes that are signed."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """What the next checkpoint hangs on."""
        return hashlib.sha256(DOMAIN + self.body()).hexdigest()


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with its signature (Ed25519, hex)."""

    checkpoint: Checkpoint
    signature: str

    def line(self) -> str:
        """One line of JSON, to be kept anywhere."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


_SIGNED = TypeAdapter(SignedCheckpoint)


def read_checkpoint(line: str | bytes) -> SignedCheckpoint:
    """The checkpoint of a line; ValueError when it is none."""
    try:
        return _SIGNED.validate_json(line)
    except ValidationError:
        raise ValueError("not a signed checkpoint") from None


def key_id(key: Ed25519PublicKey) -> str:
    """The short name of a key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> SignedCheckpoint:
    """The checkpoint, signed; it must name this key."""
    if checkpoint.key != key_id(key.public_key()):
        raise ValueError("the checkpoint names another key")
    return SignedCheckpoint(checkpoint, key.sign(DOMAIN + checkpoint.body()).hex())


def check_signature(signed: SignedCheckpoint, keys: Mapping[str, Ed25519PublicKey]) -> str:
    """What is wrong with a signature, in words; empty when it is right."""
    key = keys.get(signed.checkpoint.key)
    if key is None:
        return f"it is signed with the key {signed.checkpoint.key}, which is not one of those to be trusted"
    try:
        key.verify(bytes.fromhex(signed.signature), DOMAIN + signed.checkpoint.body())
    except (InvalidSignature, ValueError):
        return "its signature is wrong"
    return ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What checkpoints whose signatures are right say of the chains."""

    signed: Mapping[str, Mapping[int, str]]  # by chain and row: its digest
    dropped: Mapping[str, Dropped]
    faults: Sequence[Fault] = ()


def check_checkpoints(
    own: Iterable[SignedCheckpoint],
    keys: Mapping[str, Ed25519PublicKey],
    copies: Mapping[str, Iterable[SignedCheckpoint]] | None = None,
) -> Sealed:
    """Judge checkpoints: `own` must be all of them from the first, `copies` are by where they were kept."""
    faults: list[Fault] = []
    right: list[Checkpoint] = []
    here: dict[int, SignedCheckpoint] = {}
    number, previous = 0, GENESIS
    for one in own:
        checkpoint = one.checkpoint
        faults += _order(checkpoint, number, previous)
        number, previous = max(number, checkpoint.number), checkpoint.digest
        here[checkpoint.number] = one
        faults += _judged(one, keys, right)
    for where, kept in (copies or {}).items():
        for one in kept:
            known = here.get(one.checkpoint.number)
            if known == one:
                continue
            if known is None:
                faults.append(_fault(one.checkpoint, f"it was kept {where}, and is not here"))
            elif known.checkpoint != one.checkpoint:
                faults.append(_fault(one.checkpoint, f"the copy that was kept {where} says something else"))
            faults += _judged(one, keys, right)
    return Sealed(_signed(right), _dropped(right), faults)


def _order(checkpoint: Checkpoint, number: int, previous: str) -> Iterator[Fault]:
    if checkpoint.number != number + 1:
        yield _fault(checkpoint, f"it stands after number {number}: one is missing, inserted or moved")
    elif checkpoint.previous != previous:
        yield _fault(checkpoint, f"it does not follow number {number}: one of them was exchanged")


def _judged(one: SignedCheckpoint, keys: Mapping[str, Ed25519PublicKey], right: list[Checkpoint]) -> Iterator[Fault]:
    wrong = check_signature(one, keys)
    if wrong:
        yield _fault(one.checkpoint, wrong)
    else:
        right.append(one.checkpoint)


def _signed(checkpoints: Sequence[Checkpoint]) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for checkpoint in checkpoints:
        for chain, head in checkpoint.heads.items():
            if head.seq > 0:
                found.setdefault(chain, {})[head.seq] = head.digest
    return found


def _dropped(checkpoints: Sequence[Checkpoint]) -> dict[str, Dropped]:
    found: dict[str, Dropped] = {}
    for checkpoint in checkpoints:
        for chain, dropped in checkpoint.dropped.items():
            if chain not in found or found[chain].through < dropped.through:
                found[chain] = dropped
    return found


def _fault(checkpoint: Checkpoint, what: str) -> Fault:
    return Fault(FaultKind.CHECKPOINT, CHAIN, checkpoint.number, what)
