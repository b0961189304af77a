"""The station's key is exchanged while it serves, and whatever happens meanwhile is found again."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sado.store import Keyring, Store, Transaction
from sado.store.backups import backup
from sado.store.errors import BackupError, KeyFileError, StoreError
from sado.store.rotation import STEP, Progress, Rotation
from sado.store.sealed_values import is_plain
from sado.store.tables import (
    attempts,
    cases,
    consultation,
    drafts,
    identity,
    messages,
    registers,
    sessions,
    subscribers,
)
from sado.store.tables import keys as rows
from sado.store.tables import subscriptions as wishes
from tests.support import sealed
from tests.support.stations import APPEAL, Clock, keys_in, open_station, open_store

PEOPLE = [f"+9929000{number:05}" for number in range(2 * STEP + 5)]
DIED = 9


def live(tx: Transaction, msisdn: str) -> None:
    """What a phone leaves behind."""
    subscribers.remember_language(tx, msisdn, "ru")
    wishes.add(tx, msisdn, "jobs", "")
    drafts.save(tx, 0, msisdn, f"draft of {msisdn}")
    sessions.save(tx, tx.lookup(f"session {msisdn}"), f"state of {msisdn}", True)
    attempts.add(tx, f"tried {msisdn}", 0)
    messages.is_new(tx, "kannel", msisdn)
    consultation.mark(tx, "poll", msisdn)
    registers.remember_question(tx, msisdn, "0070000000")


def has_lived(tx: Transaction, msisdn: str) -> bool:
    """Whether all of it is found and opens."""
    state = sessions.load(tx, tx.lookup(f"session {msisdn}"))
    ballot = tx.one("SELECT 1 FROM ballots WHERE hash = :hash", hash=tx.lookup(f"ballot {msisdn} poll"))
    taken = tx.one("SELECT 1 FROM received_messages WHERE hash = :hash", hash=tx.lookup(f"kannel {msisdn}"))
    return (
        subscribers.language_of(tx, msisdn) == "ru"
        and subscribers.msisdn_of(tx, tx.keys.lookup(msisdn, 1)) == msisdn
        and len(wishes.of(tx, msisdn)) == 1
        and [draft.state for draft in drafts.of(tx, msisdn)] == [f"draft of {msisdn}"]
        and state is not None
        and state[0] == f"state of {msisdn}"
        and attempts.count(tx, f"tried {msisdn}", 0) == 1
        and registers.question_about(tx, msisdn) == "0070000000"
        and ballot is not None
        and taken is not None
    )


def lost(store: Store, people: list[str] = PEOPLE) -> list[str]:
    return store.read(lambda tx: [msisdn for msisdn in people if not has_lived(tx, msisdn)])


def older(store: Store, newest: int) -> list[str]:
    """The columns that still have a value of an older key."""
    tables = store.tables()
    hashed = {f"{table.name}.{column}" for table in tables for column in table.hashed}
    closed = {f"{table.name}.{column}" for table in tables for column in table.sealed}
    return sorted(
        {
            column
            for column, value, _ in sealed.values(store)
            if isinstance(value, bytes) and column in hashed | closed
            if value and value[0] != newest and not is_plain(column, value)
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A station with people, one of them with a case, and a register's row that is sealed and one that is not."""
    with open_station(tmp_path / "village", 7) as station:
        store = station.store
        store.write(lambda tx: [live(tx, msisdn) for msisdn in PEOPLE])
        store.write(lambda tx: station.cases.open(tx, APPEAL))
        for is_private in (True, False):
            table = registers.RegisterTable(f"register {is_private}", is_private)
            row = partial(registers.RegisterRow, body='{"a":1}', as_of="2026-11-30")
            store.write(lambda tx, table=table, row=row: table.save(tx, row(table.row_id(tx, "a row")), 1))
    return tmp_path / "village"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with open_store(folder) as opened:
        yield opened


def ended(rotation: Rotation) -> Progress:
    while not rotation.progress().is_whole:
        rotation.step()
    return rotation.progress()


def test_nobody_is_lost_at_any_step_and_nothing_keeps_the_old_key(store: Store, folder: Path) -> None:
    rotation = Rotation(store)
    rotation.begin(folder / "keys.json")
    newcomers = []
    for number in count():
        assert lost(store, PEOPLE + newcomers) == []
        if rotation.progress().is_whole:
            break
        newcomers.append(f"+9929900{number:05}")
        store.write(lambda tx: live(tx, newcomers[-1]))
        rotation.step()
    assert number > 10
    assert older(store, 2) == []
    assert {row.msisdn for row in store.read(lambda tx: cases.of_subscriber(tx, tx.lookup(APPEAL.msisdn), 9))} == {
        APPEAL.msisdn
    }


def test_progress_only_grows(store: Store, folder: Path) -> None:
    rotation = Rotation(store)
    rotation.begin(folder / "keys.json")
    seen = []
    while not rotation.progress().is_whole:
        seen.append((rotation.progress().hashes_percent, rotation.progress().columns_done))
        rotation.step()
    assert seen == sorted(seen) and seen[0] == (0, 0)
    assert len({percent for percent, _ in seen}) > 2 and len({done for _, done in seen}) > 5


def test_a_second_exchange_waits_for_the_first_and_then_does_the_same(store: Store, folder: Path) -> None:
    rotation = Rotation(store)
    rotation.begin(folder / "keys.json")
    with pytest.raises(StoreError, match="being exchanged already"):
        rotation.begin(folder / "keys.json")
    ended(rotation)
    rotation.begin(folder / "keys.json")
    assert ended(rotation).key == 3
    assert (lost(store), older(store, 3)) == ([], [])


def test_what_was_kept_before_is_found_in_a_new_process(folder: Path) -> None:
    with open_store(folder) as store:
        rotation = Rotation(store)
        rotation.begin(folder / "keys.json")
        ended(rotation)
    with open_store(folder) as store:
        assert not store.keys.is_exchanged
        assert (lost(store), older(store, 2)) == ([], [])


def test_the_hashes_stay_while_somebody_goes_by_their_order(store: Store, folder: Path) -> None:
    is_telling = [True]
    rotation = Rotation(store, lambda tx: is_telling[0])
    rotation.begin(folder / "keys.json")
    rotation.step(60)
    progress = rotation.progress()
    assert (progress.waits, progress.hashes_percent, progress.columns_done) == (True, 0, progress.columns)
    assert lost(store) == []
    is_telling[0] = False
    ended(rotation)
    assert (lost(store), older(store, 2)) == ([], [])


def test_a_key_file_that_cannot_be_written_changes_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(KeyFileError, match="cannot be written"):
        Rotation(store).begin(tmp_path / "a file" / "keys.json")
    assert (store.keys.current, Rotation(store).progress().is_whole) == (1, True)


# Killed


class DyingStore(Store):
    """A store whose process dies before the n-th transaction that writes, or right after it."""

    left = 0

    def write(self, job: Callable[[Transaction], Any]) -> Any:
        self.left -= 1
        if self.left == 0:
            os._exit(DIED)
        result = super().write(job)
        if self.left == -1:
            os._exit(DIED)
        return result


def rotate_and_die(folder: Path, step: int) -> None:
    """Begin to exchange, or go on; this process dies at a step: even ones lie before a commit, odd ones after."""
    store = DyingStore(folder / "station.db", Keyring.load(folder / "keys.json"), Clock())
    rotation = Rotation(store)
    store.left = step // 2 + 1 if step % 2 == 0 else step // 2
    if rotation.progress().is_whole:
        rotation.begin(folder / "keys.json")
    rotation.step(600)
    os._exit(0)


def test_killed_at_each_step_it_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    """Each run is killed at another transaction, and then brought to its end by the next process."""
    for step in count(1):
        again = tmp_path / f"run-{step}"
        shutil.copytree(folder, again)
        if not (child := os.fork()):
            rotate_and_die(again, step)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with open_store(again) as store:
            assert lost(store) == []
            if code == DIED and step > 1:
                assert store.keys.current == 2
            ended(Rotation(store))
            assert lost(store) == []
            assert older(store, store.keys.current) == []
        shutil.rmtree(again)
        if code == 0:
            break
        assert code == DIED
    assert step > 20


def test_killed_again_and_again_it_comes_to_its_end(folder: Path) -> None:
    kills, is_whole = 0, False
    while not is_whole:
        if not (child := os.fork()):
            rotate_and_die(folder, 4)
        kills += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DIED
        with open_store(folder) as store:
            assert lost(store) == []
            is_whole = Rotation(store).progress().is_whole
    with open_store(folder) as store:
        assert (store.keys.current, older(store, 2)) == (2, [])
    assert kills > 4


def test_a_kill_between_the_key_file_and_the_database_leaves_an_exchange_that_begins(folder: Path) -> None:
    Keyring.load(folder / "keys.json").with_another().save(folder / "keys.json")
    with open_store(folder) as store:
        rotation = Rotation(store)
        assert (rotation.progress().key, rotation.progress().is_whole, lost(store)) == (2, False, [])
        ended(rotation)
        assert (lost(store), older(store, 2)) == ([], [])


# The wrong key file


def test_another_key_file_is_refused_at_the_start_and_changes_nothing(folder: Path, tmp_path: Path) -> None:
    before = (folder / "station.db").read_bytes()
    shutil.copy(folder / "keys.json", tmp_path / "right.json")
    (folder / "keys.json").unlink()
    Keyring.create(folder / "keys.json")
    with pytest.raises(KeyFileError, match="not the one of this database"), open_store(folder):
        pass
    assert (folder / "station.db").read_bytes() == before
    shutil.copy(tmp_path / "right.json", folder / "keys.json")
    with open_store(folder) as store:
        assert lost(store) == []


@pytest.mark.parametrize("steps", [0, 3])
def test_the_key_file_from_before_an_exchange_is_refused(folder: Path, tmp_path: Path, steps: int) -> None:
    shutil.copy(folder / "keys.json", tmp_path / "before.json")
    with open_store(folder) as store:
        rotation = Rotation(store)
        rotation.begin(folder / "keys.json")
        for _ in range(steps):
            rotation.step()
    shutil.copy(tmp_path / "before.json", folder / "keys.json")
    with pytest.raises(KeyFileError, match=r"lacks key 2 .* `sado keys rotate`"), open_store(folder):
        pass


@pytest.mark.parametrize("part", ["root", "keys"])
def test_a_key_file_with_one_secret_of_another_is_refused(folder: Path, part: str) -> None:
    keys, other = Keyring.load(folder / "keys.json"), Keyring({1: b"k" * 32}, 1, b"r" * 32)
    mixed = Keyring(keys._keys, 1, other._root) if part == "root" else Keyring(other._keys, 1, keys._root)
    mixed.save(folder / "keys.json")
    with pytest.raises(KeyFileError, match="not the one of this database"), open_store(folder):
        pass


# Backups


def make(store: Store, target: Path) -> Path:
    copy = target.with_name(f"{target.name}.copy")
    store.backup(copy)
    backup.make(copy, target, store.keys, 0)
    return target


def restored(file: Path, folder: Path, keys: Keyring) -> Store:
    folder.mkdir()
    backup.restore(file, folder / "station.db", keys, lambda tx: None, Clock())
    return Store(folder / "station.db", keys, Clock())


def test_a_backup_from_before_is_restored_with_either_key_file(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "keys.json", tmp_path / "before.json")
    with open_store(folder) as store:
        file = make(store, tmp_path / "backup")
        rotation = Rotation(store)
        rotation.begin(folder / "keys.json")
        ended(rotation)
    for name, keys in (("old", Keyring.load(tmp_path / "before.json")), ("new", keys_in(folder))):
        again = restored(file, tmp_path / name, keys)
        assert lost(again) == []
        ended(Rotation(again))
        assert (lost(again), older(again, keys.current)) == ([], [])
        again.close()


def test_a_backup_of_the_middle_is_brought_to_a_later_key(folder: Path, tmp_path: Path) -> None:
    with open_store(folder) as store:
        rotation = Rotation(store)
        rotation.begin(folder / "keys.json")
        while store.read(rows.use).moved is None:
            assert not rotation.progress().is_whole
            rotation.step()
        file = make(store, tmp_path / "backup")
        ended(rotation)
        rotation.begin(folder / "keys.json")
        ended(rotation)
    again = restored(file, tmp_path / "again", keys_in(folder))
    assert lost(again) == []
    assert ended(Rotation(again)).key == 3
    assert (lost(again), older(again, 3)) == ([], [])
    again.close()


def test_a_backup_from_after_says_which_key_it_needs(folder: Path, tmp_path: Path) -> None:
    before = keys_in(folder)
    with open_store(folder) as store:
        rotation = Rotation(store)
        rotation.begin(folder / "keys.json")
        file = make(store, tmp_path / "backup")
        assert store.read(identity.find) is not None
    with pytest.raises(KeyFileError, match="of station 007 needs key 2"):
        restored(file, tmp_path / "again", before)


def test_a_value_that_is_damaged_does_not_stop_the_exchange_and_a_backup_tells(folder: Path, tmp_path: Path) -> None:
    with open_store(folder) as store:
        damage = "UPDATE subscribers SET msisdn = :junk WHERE hash = :hash"
        store.write(lambda tx: tx.run(damage, junk=b"\x01" + b"j" * 40, hash=tx.lookup(PEOPLE[0])))
        rotation = Rotation(store)
        rotation.begin(folder / "keys.json")
        ended(rotation)
        assert lost(store, PEOPLE[1:]) == []
        with pytest.raises(BackupError, match=r"1 of subscribers.msisdn"):
            make(store, tmp_path / "backup")
