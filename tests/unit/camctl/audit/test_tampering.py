"""Whoever bends the record is found: in the database with the triggers off, and in an exported file."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from camctl.audit.chain import COLUMNS, AuditRow, FaultKind, Head, digest_of, line_of, seal
from camctl.audit.checkpoint import Checkpoint, SignedCheckpoint, key_id, read_checkpoint, sign
from camctl.audit.export import json_lines
from camctl.audit.verify import Report, verify_lines
from camctl.store.engine import StoreError
from tests.support.audit import KEYS, Record, chain_of, entry, record

ROWS = 90
SIGNED_AT = (30, 60, 80)
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))

Tamper = Callable[[sqlite3.Connection, random.Random], tuple[str, int] | None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """Two chains, signed three times; the last rows are not signed yet."""
    with record(tmp_path_factory.mktemp("audit")) as made:
        control, service = chain_of(ROWS), chain_of(ROWS, "service")
        done = 0
        for until in (*SIGNED_AT, ROWS):
            made.log.add(control[done:until])
            made.log.add(service[done:until])
            if until in SIGNED_AT:
                made.sealer.checkpoint()
            done = until
        assert made.verify().faults == []
        assert made.verify().unsigned == {"control": 10, "service": 10}
        yield made


def bent(whole: Record, folder: Path, how: Callable[[sqlite3.Connection], object]) -> Report:
    """The report on a copy that somebody bent who has the file and takes the triggers away first."""
    folder.mkdir(exist_ok=True)
    with sqlite3.connect(whole.folder / "audit.db") as source, sqlite3.connect(folder / "audit.db") as copy:
        source.backup(copy)
        for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            copy.execute(f"DROP TRIGGER {name}")
        how(copy)
        copy.commit()
    source.close()
    copy.close()
    with record(folder, is_copy=True) as made:
        return made.verify()


def read(database: sqlite3.Connection, chain: str, seq: int) -> AuditRow:
    found = database.execute(f"SELECT {', '.join(COLUMNS)} FROM audit_entry WHERE chain = ? AND seq = ?", (chain, seq))
    return AuditRow(*found.fetchone())


def put(database: sqlite3.Connection, row: AuditRow) -> None:
    database.execute(f"INSERT OR REPLACE INTO audit_entry VALUES ({', '.join('?' * len(COLUMNS))})", row)


def forged(row: AuditRow, **fields: object) -> AuditRow:
    changed = row._replace(**fields)  # type: ignore[arg-type]
    return changed._replace(digest=digest_of(changed))


def spot(rng: random.Random, most: int = ROWS) -> tuple[str, int]:
    return rng.choice(("control", "service")), rng.randint(1, most)


def altered(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    chain, seq = spot(rng)
    column = rng.choice([name for name in COLUMNS if name not in {"chain", "seq"}])
    was = getattr(read(database, chain, seq), column)
    place = rng.randrange(len(was) + 1)
    now = was[:place] + rng.choice("abcdef") * 2 + was[place + 2 :]
    now = now if now != was else was + "0"
    database.execute(f"UPDATE audit_entry SET {column} = ? WHERE chain = ? AND seq = ?", (now, chain, seq))
    return chain, seq


def removed(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    chain, seq = spot(rng, ROWS - 1)
    database.execute("DELETE FROM audit_entry WHERE chain = ? AND seq = ?", (chain, seq))
    return chain, seq


def beheaded(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    chain, seq = spot(rng, SIGNED_AT[-1])
    database.execute("DELETE FROM audit_entry WHERE chain = ? AND seq < ?", (chain, seq + 1))
    return chain, 1


def cut_short(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    chain, seq = spot(rng, SIGNED_AT[-1])
    database.execute("DELETE FROM audit_entry WHERE chain = ? AND seq >= ?", (chain, seq))
    return chain, seq


def exchanged(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    """The row's own digest is made right again."""
    chain, seq = spot(rng, ROWS - 1)
    put(database, forged(read(database, chain, seq), camera="another"))
    return chain, seq + (0 if seq in SIGNED_AT else 1)


def swapped(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    chain, first = spot(rng, ROWS - 1)
    second = rng.randint(first + 1, ROWS)
    one, other = read(database, chain, first), read(database, chain, second)
    put(database, one._replace(seq=second))
    put(database, other._replace(seq=first))
    return chain, first


def inserted(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    """A row of the attacker's between two: all after it are moved up, with digests that are left as they were."""
    chain, seq = spot(rng)
    for later in range(ROWS, seq - 1, -1):
        put(database, read(database, chain, later)._replace(seq=later + 1))
    put(database, seal(entry(7), chain, Head(seq - 1, read(database, chain, seq).previous)))
    return chain, seq + 1


def rewritten(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    """The perfect forger: every digest from the changed row to the end is made right again."""
    chain, seq = spot(rng, SIGNED_AT[-1])
    row = forged(read(database, chain, seq), actor_name="somebody else")
    put(database, row)
    for later in range(seq + 1, ROWS + 1):
        row = forged(read(database, chain, later), previous=row.digest)
        put(database, row)
    return chain, next(at for at in SIGNED_AT if at >= seq)


def moved_to_the_other_chain(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    chain, seq = spot(rng)
    other = "service" if chain == "control" else "control"
    put(database, read(database, chain, seq)._replace(chain=other))
    return other, seq


def checkpoint_of(database: sqlite3.Connection, number: int) -> SignedCheckpoint:
    return read_checkpoint(
        database.execute("SELECT line FROM audit_checkpoint WHERE number = ?", (number,)).fetchone()[0]
    )


def store_checkpoint(database: sqlite3.Connection, signed: SignedCheckpoint) -> None:
    number = signed.checkpoint.number
    database.execute("INSERT OR REPLACE INTO audit_checkpoint VALUES (?, ?)", (number, signed.line()))


def checkpoint_altered(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    number = rng.randint(1, 3)
    was = checkpoint_of(database, number)
    body = was.checkpoint
    changed = Checkpoint(number, body.at, {**body.heads, "control": Head(3, "00")}, {}, body.previous, body.key)
    store_checkpoint(database, SignedCheckpoint(changed, was.signature))
    return "checkpoint", number


def checkpoint_signed_by_a_stranger(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    number = rng.randint(1, 3)
    body = checkpoint_of(database, number).checkpoint
    key = key_id(STRANGER.public_key())
    store_checkpoint(database, sign(Checkpoint(number, body.at, {}, {}, body.previous, key), STRANGER))
    return "checkpoint", number


def checkpoint_removed(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    number = rng.randint(1, 2)
    database.execute("DELETE FROM audit_checkpoint WHERE number = ?", (number,))
    return "checkpoint", number + 1


def dropped_without_a_word(database: sqlite3.Connection, rng: random.Random) -> tuple[str, int]:
    """What retention does, but no checkpoint says so."""
    chain, seq = spot(rng, ROWS - 1)
    database.execute("INSERT INTO audit_drop VALUES (?, ?, 2)", (chain, seq))
    database.execute("DELETE FROM audit_entry WHERE chain = ? AND seq <= ?", (chain, seq))
    return chain, seq


TAMPERINGS: tuple[Tamper, ...] = (
    altered, removed, beheaded, cut_short, exchanged, swapped, inserted, rewritten, moved_to_the_other_chain,
    checkpoint_altered, checkpoint_signed_by_a_stranger, checkpoint_removed, dropped_without_a_word,
)  # fmt: skip


def test_each_of_200_random_tamperings_is_found_and_its_place_is_said(whole: Record, tmp_path: Path) -> None:
    for number in range(200):
        rng = random.Random(number)
        tamper = rng.choice(TAMPERINGS)
        place: list[tuple[str, int]] = []
        folder = tmp_path / str(number)
        report = bent(whole, folder, lambda database: place.append(tamper(database, rng)))  # noqa: B023
        shutil.rmtree(folder)
        assert not report.is_right, f"{number}: {tamper.__name__} was not found"
        places = {(fault.chain, fault.seq) for fault in report.faults}
        assert place[0] in places, f"{number}: {tamper.__name__} at {place[0]}: {sorted(map(str, report.faults))[:5]}"


def test_the_untouched_copy_is_right(whole: Record, tmp_path: Path) -> None:
    assert bent(whole, tmp_path, lambda database: None).faults == []


@pytest.mark.parametrize("value", [b"\x00\xff", None, 7, "2026", "x" * 10_000])
def test_columns_of_other_types_are_faults_and_no_crash(whole: Record, tmp_path: Path, value: object) -> None:
    def how(database: sqlite3.Connection) -> None:
        database.execute("PRAGMA writable_schema = 1")
        database.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE name = 'audit_entry'")
        database.execute("PRAGMA writable_schema = RESET")
        database.execute("UPDATE audit_entry SET details = ? WHERE chain = 'control' AND seq = 5", (value,))

    report = bent(whole, tmp_path, how)
    assert ("control", 5) in {(fault.chain, fault.seq) for fault in report.faults}


def test_the_triggers_forbid_what_the_forger_does(whole: Record) -> None:
    database = sqlite3.connect(whole.folder / "audit.db")
    row = read(database, "control", 5)
    for statement in (
        "UPDATE audit_entry SET camera = 'x' WHERE seq = 5",
        "DELETE FROM audit_entry WHERE seq = 5",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_checkpoint SET line = ''",
        "INSERT OR REPLACE INTO audit_checkpoint VALUES (1, '')",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="never changed or deleted"):
            database.execute(statement)
    with pytest.raises(sqlite3.IntegrityError, match="never changed or deleted"):
        put(database, row._replace(camera="x"))
    database.close()
    assert whole.verify().is_right


def test_a_checkpoint_kept_elsewhere_finds_who_has_the_key_too(whole: Record, tmp_path: Path) -> None:
    """The forger rewrites everything and signs it anew with the stolen key: only the copy elsewhere says otherwise."""
    from camctl.audit.verify import verify_database

    with record(tmp_path) as made:
        made.log.add(chain_of(1))
        made.sealer.checkpoint()
        assert made.verify().is_right
        kept = [read_checkpoint(line) for _number, line in whole.log.checkpoint_lines()]
        report = verify_database(made.log, KEYS, kept)
    kinds = {fault.kind for fault in report.faults}
    assert FaultKind.CHECKPOINT in kinds
    assert FaultKind.MISSING in kinds


# Exported files -------------------------------------------------------------------------------------------------------


def exported(whole: Record) -> list[bytes]:
    rows = [*whole.log.rows("control"), *whole.log.rows("service")]
    checkpoints = [read_checkpoint(line) for _number, line in whole.log.checkpoint_lines()]
    return list(json_lines(rows, checkpoints, is_all=True))


def test_an_exported_file_is_judged_like_the_database(whole: Record) -> None:
    lines = exported(whole)
    report = verify_lines(lines, KEYS)
    assert (report.is_right, report.rows, report.checkpoints) == (True, {"control": ROWS, "service": ROWS}, 3)
    assert len(lines) == 1 + 3 + 2 * ROWS


def test_lines_of_a_file_altered_removed_repeated_or_reordered_are_found(whole: Record) -> None:
    lines = exported(whole)
    for number in range(200):
        rng = random.Random(number)
        file = lines.copy()
        place = rng.randrange(1, len(file))
        match rng.randrange(4):
            case 0:
                at = rng.randrange(2, len(file[place]) - 3)
                sign = b"x" if file[place][at : at + 1] != b"x" else b"y"
                file[place] = file[place][:at] + sign + file[place][at + 1 :]
            case 1:
                del file[place]
                if place == len(lines) - 1 or (place > len(lines) - 10) or place == ROWS + 3:
                    continue  # nothing can tell that unsigned rows at the end were there
            case 2:
                file.insert(rng.randrange(1, len(file)), file[place])
            case 3:
                other = rng.randrange(1, len(file))
                if other == place or (file[place] == file[other]):
                    continue
                file[place], file[other] = file[other], file[place]
        assert not verify_lines(file, KEYS).is_right, number


def test_a_selection_says_that_it_is_one_and_still_finds_altered_rows(whole: Record) -> None:
    rows = [row for row in whole.log.rows("control") if row.camera == "cam-1"]
    lines = list(json_lines(rows, [], is_all=False))
    report = verify_lines(lines, {})
    assert (report.is_right, report.is_part) == (True, True)
    lines[3] = line_of(rows[2]._replace(actor_name="nobody"))
    assert [fault.kind for fault in verify_lines(lines, {}).faults] == [FaultKind.ALTERED]


def test_rubbish_is_named_by_its_line() -> None:
    report = verify_lines([b'{"export": "all"}\n', b"not json\n", b"[]\n", b"{}\n"], {})
    assert [(fault.kind, fault.seq) for fault in report.faults] == [(FaultKind.UNREADABLE, n) for n in (2, 3, 4)]


def test_the_database_that_is_away_says_so(whole: Record, tmp_path: Path) -> None:
    with record(tmp_path) as made:
        made.log.add(chain_of(3))
        database = sqlite3.connect(tmp_path / "audit.db")
        database.execute("ALTER TABLE audit_entry RENAME TO gone")
        database.close()
        with pytest.raises(StoreError, match="does not answer"):
            made.verify()
