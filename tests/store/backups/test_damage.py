"""A backup that is damaged anywhere is refused, and a damaged database makes none."""

import contextlib
import random
from pathlib import Path

import pytest

from sado.store import Keyring, StoreError, Transaction, migrations
from sado.store.backups import backup, file_format, verify
from sado.store.backups.file_format import CHUNK, HEADER
from sado.store.engines.sqlite import Connection, SQLite
from sado.store.errors import BackupError, KeyFileError, NewerSchemaError
from sado.store.sealed_stream import TAG_BYTES
from sado.store.tables import (
    accounts,
    blobs,
    drafts,
    quarantine,
    received_events,
    registers,
    requests,
    sessions,
    stations,
    subscribers,
    wanted_blobs,
)
from sado.store.tables import cases as rows
from sado.store.tables.events import Event
from tests.support import sealed
from tests.support.backups import MADE_AT, PEER, VILLAGE, file_case, flip, make
from tests.support.stations import APPEAL, keys_in, open_station, open_store


def refusal(content: bytes, keys: Keyring, path: Path) -> StoreError | None:
    """Why a file with this content is refused, or None."""
    path.write_bytes(content)
    try:
        backup.unpack(path, keys, lambda piece: None)
    except StoreError as error:
        return error
    return None


def test_a_file_with_any_byte_changed_is_refused(file: Path, folder: Path, tmp_path: Path) -> None:
    whole, keys, chance = file.read_bytes(), keys_in(folder), random.Random(1)
    assert refusal(whole, keys, tmp_path / "same") is None
    for offset in [*range(HEADER.size + 4), *chance.sample(range(len(whole)), 150), len(whole) - 1]:
        changed = bytearray(whole)
        changed[offset] ^= 1 << chance.randrange(8)
        assert refusal(bytes(changed), keys, tmp_path / "changed") is not None, offset


def test_a_file_that_was_cut_anywhere_is_refused(file: Path, folder: Path, tmp_path: Path) -> None:
    whole, keys = file.read_bytes(), keys_in(folder)
    between = range(HEADER.size, len(whole), CHUNK + TAG_BYTES)
    near = {end + step for end in between for step in (-1, 0, 1)}
    for size in {0, 1, len(whole) - 1, *near, *random.Random(2).sample(range(len(whole)), 50)}:
        assert refusal(whole[:size], keys, tmp_path / "cut") is not None, size


def test_every_chunk_before_a_cut_opens_and_only_the_end_mark_tells_of_it(file: Path, folder: Path) -> None:
    cut = file.parent / "cut"
    cut.write_bytes(file.read_bytes()[: HEADER.size + 2 * (CHUNK + TAG_BYTES)])
    got: list[bytes] = []
    with cut.open("rb") as opened, pytest.raises(BackupError, match="cut or damaged, at byte 65"):
        got.extend(file_format.read(opened, keys_in(folder)))
    assert len(got) == 1
    with file.open("rb") as opened:
        assert next(iter(file_format.read(opened, keys_in(folder)))) == got[0]


def test_chunks_in_another_order_or_twice_or_with_more_behind_are_refused(
    file: Path, folder: Path, tmp_path: Path
) -> None:
    whole, size = file.read_bytes(), CHUNK + TAG_BYTES
    first, second = (whole[HEADER.size + at * size :][:size] for at in range(2))
    rest = whole[HEADER.size + 2 * size :]
    for content in (second + first + rest, first + first + rest, first + rest, first + second + rest + b"\0"):
        assert refusal(whole[: HEADER.size] + content, keys_in(folder), tmp_path / "other") is not None


def test_a_chunk_of_another_backup_is_refused(file: Path, folder: Path, tmp_path: Path) -> None:
    with open_store(folder) as store:
        make(store, tmp_path / "later")
    mine, other = file.read_bytes(), (tmp_path / "later").read_bytes()
    mixed = mine[: HEADER.size] + other[HEADER.size :]
    assert isinstance(refusal(mixed, keys_in(folder), tmp_path / "mixed"), BackupError)


def test_another_station_s_key_is_told_from_damage(file: Path, tmp_path: Path) -> None:
    other = Keyring.create(tmp_path / "other.json")
    assert isinstance(refusal(file.read_bytes(), other, tmp_path / "same"), KeyFileError)
    assert isinstance(refusal(b"something else", other, tmp_path / "else"), BackupError)


def test_a_bit_that_flipped_in_a_sealed_value_stops_the_backup(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        flip(folder, "cases", "text", file_case(station))
        station.store.backup(tmp_path / "copy.db")  # What SQLite checks by itself does not see it.
        with pytest.raises(BackupError, match=r"do not open \(1 of cases.text\)"):
            make(station.store, tmp_path / "backup")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "village"]


def test_every_value_that_is_sealed_has_a_column_of_that_type_and_opens_or_is_counted(
    folder: Path, tmp_path: Path
) -> None:
    with open_station(folder, VILLAGE) as station:
        number = file_case(station)
        asked = requests.RequestRow("1", number, VILLAGE, "closed", "words", "", False, "resident", 0, 0)
        station.store.write(lambda tx: requests.add(tx, asked))
        station.store.write(lambda tx: rows.add_event(tx, "1", number, "answered", "agency:water", "words", 1))
        station.store.write(lambda tx: blobs.save_piece(tx, b"blob", 1, b"piece"))
        station.store.write(lambda tx: wanted_blobs.want(tx, "pack", b"blob", 5, 1, "ab"))
        station.store.write(lambda tx: wanted_blobs.add_range(tx, wanted_blobs.all_wanted(tx)[0], b"range"))
        station.store.write(lambda tx: stations.add(tx, 8))
        station.store.write(lambda tx: drafts.save(tx, 0, APPEAL.msisdn, "{}"))
        station.store.write(lambda tx: quarantine.keep(tx, PEER, Event("case.opened", "", "{}"), "why"))
        station.store.write(lambda tx: received_events.keep(tx, PEER, 1, Event("case.opened", "", "{}"), b""))
        station.store.write(lambda tx: sessions.save(tx, b"session", "{}", True))
        station.store.write(lambda tx: add_rows(tx, is_private=True))
        station.store.write(lambda tx: add_rows(tx, is_private=False))
        station.store.write(lambda tx: subscribers.remember_language(tx, APPEAL.msisdn, "tg"))
        station.store.write(lambda tx: accounts.save(tx, "zarina", "", "operator", ""))
        station.store.write(lambda tx: accounts.set_totp(tx, "zarina", "key", 0, []))
        holding = {column for column, _, text in sealed.values(station.store) if text is not None}
    with contextlib.closing(SQLite(folder / "station.db").read_only()) as connection:
        assert holding == {f"{table.name}.{column}" for table in connection.tables() for column in table.sealed}
        assert verify.unreadable(connection, keys_in(folder)) == {}
        wrong = verify.unreadable(connection, Keyring.create(tmp_path / "other.json"))
    assert wrong == dict.fromkeys(holding, 1)


def add_rows(tx: Transaction, is_private: bool) -> None:
    """A row of a register; the body of one that is not private is not sealed."""
    table = registers.RegisterTable(f"private {is_private}", is_private)
    table.save(tx, registers.RegisterRow(table.row_id(tx, "row"), '{"word":"value"}', "2026-11-30"), 1)


def test_a_database_of_a_newer_release_is_refused_for_what_it_is(folder: Path) -> None:
    def m002_later(connection: Connection) -> None:
        connection.execute("ALTER TABLE identity RENAME TO who")

    with open_station(folder, VILLAGE):
        pass
    with contextlib.closing(SQLite(folder / "station.db").writer()) as connection:
        connection.migrate([*migrations.MIGRATIONS, m002_later])
    with pytest.raises(NewerSchemaError, match="m002_later"):
        backup.make(folder / "station.db", folder / "backup", keys_in(folder), MADE_AT)
    assert not (folder / "backup").exists()
