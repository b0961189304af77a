"""The store keeps what it says it keeps, sealed, in a file of this release's schema."""

import contextlib
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sado.store import DiskError, Keyring, Store, StoreError, Transaction, migrations
from sado.store.engines.sqlite import Connection, SQLite
from sado.store.errors import KeyFileError, NewerSchemaError, OtherSchemaError, SealError, StoreClosedError
from sado.store.tables import cases, subscribers
from sado.store.writer import Job, Writer
from tests.support.processes import until
from tests.support.stations import APPEAL, Clock, keys_in, open_station, open_store

ADDING = Path(__file__).parents[2] / "docs" / "adding.md"
CALLERS = 16
EACH = 25
MOMENT_S = 0.15


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as store:
        yield store


def remember(msisdn: str) -> Callable[[Transaction], str]:
    """A job that keeps a subscriber and returns the number that it kept."""

    def job(tx: Transaction) -> str:
        subscribers.remember_language(tx, msisdn, "tg")
        return msisdn

    return job


def known(tx: Transaction) -> int:
    return int(tx.value("SELECT COUNT(*) FROM subscribers"))


def test_what_is_written_is_read(store: Store) -> None:
    store.write(remember(APPEAL.msisdn))
    assert store.read(lambda tx: subscribers.language_of(tx, APPEAL.msisdn)) == "tg"


def test_what_is_written_outlives_the_process(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.write(remember(APPEAL.msisdn))
    with open_store(tmp_path) as store:
        assert store.read(known) == 1


def test_a_job_carries_the_moment_of_the_clock(tmp_path: Path) -> None:
    clock = Clock(1_700_000_000.5)
    with open_store(tmp_path, clock) as store:
        assert store.write(lambda tx: tx.now) == 1_700_000_000_500
        clock.move(1)
        assert store.read(lambda tx: tx.now) == 1_700_000_001_500


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(DiskError, match="readonly"):
        store.read(remember(APPEAL.msisdn))


@pytest.mark.parametrize("how", [Store.read, Store.write])
def test_a_damaged_page_is_the_disk_s_fault(tmp_path: Path, how: Callable[[Store, Callable[..., Any]], Any]) -> None:
    with open_store(tmp_path) as store:
        store.write(remember(APPEAL.msisdn))
        page = store.read(lambda tx: tx.value("SELECT rootpage FROM sqlite_master WHERE name = 'subscribers'"))
        size, path = store.read(lambda tx: tx.value("PRAGMA page_size")), store.path
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))
    with open_store(tmp_path) as store, pytest.raises(DiskError, match="damaged .*restore the last backup"):
        how(store, lambda tx: tx.all("SELECT * FROM subscribers"))


def test_a_part_that_raises_is_undone_alone(store: Store) -> None:
    def fail(tx: Transaction) -> None:
        remember("+992900000003")(tx)
        raise ValueError

    def job(tx: Transaction) -> tuple[bool, int]:
        remember("+992900000002")(tx)
        return isinstance(tx.part(lambda: fail(tx)), ValueError), known(tx)

    assert store.write(job) == (True, 1)


@pytest.mark.parametrize("error", [sqlite3.OperationalError, sqlite3.DatabaseError])
def test_a_part_on_a_disk_that_fails_undoes_all(store: Store, error: type[Exception]) -> None:
    def fail() -> None:
        raise error("what the disk says")

    def job(tx: Transaction) -> None:
        remember("+992900000002")(tx)
        tx.part(fail)

    with pytest.raises(DiskError):
        store.write(job)
    assert store.read(known) == 0


def test_a_reader_sees_one_moment(store: Store) -> None:
    def job(tx: Transaction) -> tuple[int, int]:
        before = known(tx)
        store.write(remember(APPEAL.msisdn))
        return before, known(tx)

    assert store.read(job) == (0, 0)
    assert store.read(known) == 1


@pytest.mark.parametrize(
    ("pragma", "expected"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("trusted_schema", 0)]
)
def test_the_writer_is_safe_before_it_is_fast(store: Store, pragma: str, expected: object) -> None:
    assert store.write(lambda tx: tx.value(f"PRAGMA {pragma}")) == expected


def readers_open(store: Store) -> int:
    """How many files of this process are the database's, beside the writer's."""
    return sum(file.resolve() == store.path for file in Path("/proc/self/fd").iterdir()) - 1


def test_threads_that_read_one_after_another_share_a_reader(store: Store) -> None:
    for _ in range(3):
        with ThreadPoolExecutor(1) as thread:
            thread.submit(store.read, known).result()
    assert readers_open(store) == 1


def test_those_that_read_at_once_have_a_reader_each(store: Store) -> None:
    assert store.read(lambda _: store.read(lambda _: readers_open(store))) == 2


@pytest.mark.parametrize(("pragma", "expected"), [("query_only", 1), ("wal_autocheckpoint", 0)])
def test_a_reader_neither_writes_nor_checkpoints(store: Store, pragma: str, expected: int) -> None:
    assert store.read(lambda tx: tx.value(f"PRAGMA {pragma}")) == expected


# Sealed values


@pytest.mark.parametrize("secret", [APPEAL.msisdn, APPEAL.msisdn[1:], APPEAL.name, APPEAL.text])
def test_no_number_name_or_text_lies_open_in_the_files(tmp_path: Path, secret: str) -> None:
    with open_station(tmp_path, 7) as station:
        filed = station.store.write(lambda tx: station.cases.open(tx, APPEAL))
        files = [path.read_bytes() for path in tmp_path.glob("station.db*")]
        assert any(filed.reference.encode() in content for content in files)
        assert not any(secret.encode() in content for content in files)


@pytest.mark.parametrize("column", ["msisdn", "name", "text"])
def test_a_value_moved_to_another_case_does_not_open(tmp_path: Path, column: str) -> None:
    with open_station(tmp_path, 7) as station:
        first, second = (station.store.write(lambda tx: station.cases.open(tx, APPEAL)) for _ in range(2))
        move = f"UPDATE cases SET {column} = (SELECT {column} FROM cases WHERE reference = :a) WHERE reference = :b"
        station.store.write(lambda tx: tx.run(move, a=first.reference, b=second.reference))
        assert station.store.read(lambda tx: cases.find(tx, first.reference))
        with pytest.raises(SealError, match="another row's value"):
            station.store.read(lambda tx: cases.find(tx, second.reference))


def test_a_value_moved_to_another_column_does_not_open(tmp_path: Path) -> None:
    with open_station(tmp_path, 7) as station:
        filed = station.store.write(lambda tx: station.cases.open(tx, APPEAL))
        station.store.write(lambda tx: tx.run("UPDATE cases SET name = text"))
        with pytest.raises(SealError):
            station.store.read(lambda tx: cases.find(tx, filed.reference))


def test_equal_texts_are_sealed_differently(store: Store) -> None:
    one, other = store.read(lambda tx: [tx.seal("the same", "cases.text", 1) for _ in range(2)])
    assert one != other


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"current": 1, "keys": {"1": "short"}, "root": ""}', "\0"])
def test_a_damaged_key_file_is_refused_with_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"The key file .*keys\.json cannot be read"):
        Keyring.load(path)


def test_a_missing_key_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"No key file at .* that the station had"):
        Keyring.load(tmp_path / "keys.json")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_file_that_others_can_read_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    Keyring.create(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"Others can read .*`chmod 600 {path}`"):
        Keyring.load(path)
    path.chmod(0o600)
    assert Keyring.load(path).current == 1


def test_a_key_file_is_private_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    Keyring.create(path)
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(KeyFileError, match="never replaced"):
        Keyring.create(path)
    assert path.read_bytes() == before


# The writer


class HeldConnection(Connection):
    """A connection that counts its commits, and holds them until it is let go."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.driver, "BEGIN IMMEDIATE")
        self.commits = 0
        self.holds, self.go = threading.Event(), threading.Event()

    def commit(self) -> None:
        self.holds.set()
        self.go.wait(60)
        self.commits += 1
        super().commit()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[HeldConnection]:
    with open_store(tmp_path):
        pass
    connection = HeldConnection(SQLite(tmp_path / "station.db").writer())
    yield connection
    connection.close()


@pytest.fixture
def writer(tmp_path: Path, held: HeldConnection) -> Iterator[Writer]:
    keys = keys_in(tmp_path)
    writer = Writer(held, lambda connection: Transaction(connection, keys, 0), 256)
    yield writer
    writer.close()


def submit(pool: ThreadPoolExecutor, writer: Writer, held: HeldConnection, jobs: Sequence[Job]) -> list[Future[Any]]:
    """Give each job to the writer from a thread of its own, and wait until all wait behind a commit that is held."""
    pool.submit(writer.run, lambda tx: None)
    assert held.holds.wait(60)
    running = [pool.submit(writer.run, job) for job in jobs]
    assert until(lambda: len(writer._waiting) == len(jobs), 60, 0.001)
    return running


def numbers() -> list[str]:
    return [f"+9929{number:08}" for number in range(CALLERS * EACH)]


def test_many_callers_each_get_their_own_result(store: Store) -> None:
    with ThreadPoolExecutor(CALLERS) as pool:
        results = list(pool.map(lambda msisdn: store.write(remember(msisdn)), numbers()))
    assert results == numbers()
    assert store.read(known) == CALLERS * EACH


def test_every_job_runs_in_the_writer_s_thread(store: Store) -> None:
    with ThreadPoolExecutor(CALLERS) as pool:
        threads = set(pool.map(lambda _: store.write(lambda _: threading.get_ident()), range(CALLERS * EACH)))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_callers_that_wait_together_share_a_commit(writer: Writer, held: HeldConnection) -> None:
    with ThreadPoolExecutor(CALLERS + 1) as pool:
        jobs = submit(pool, writer, held, [remember(msisdn) for msisdn in numbers()[:CALLERS]])
        held.go.set()
        assert [job.result() for job in jobs] == numbers()[:CALLERS]
    assert held.commits <= CALLERS // 2


def test_nobody_is_answered_before_the_commit(writer: Writer, held: HeldConnection) -> None:
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(writer.run, remember(APPEAL.msisdn))
        with pytest.raises(TimeoutError):
            job.result(timeout=MOMENT_S)
        held.go.set()
        assert job.result() == APPEAL.msisdn


def fail(tx: Transaction) -> None:
    """A job that raises after it has written."""
    subscribers.remember_language(tx, "+992900000999", "tg")
    raise ValueError("no")


def break_the_commit(tx: Transaction) -> None:
    """A job whose foreign key is looked at only by the commit, and found to point nowhere."""
    tx.run("PRAGMA defer_foreign_keys = ON")
    tx.run(
        "INSERT INTO events (id, reference, number, kind, actor, at, agency, version)"
        " VALUES ('1', 'no such case', 1, '', '', 0, '', 0)"
    )


@pytest.mark.parametrize(("job", "error"), [(fail, ValueError), (break_the_commit, sqlite3.IntegrityError)])
def test_a_job_that_fails_leaves_nothing_and_its_neighbours_commit(
    writer: Writer, held: HeldConnection, job: Callable[[Transaction], None], error: type[Exception]
) -> None:
    jobs = [remember("+992900000001"), job, remember("+992900000002"), job, remember("+992900000003")]
    with ThreadPoolExecutor(len(jobs) + 1) as pool:
        running = submit(pool, writer, held, jobs)
        held.go.set()
        errors = [each.exception() for each in running]
    assert [type(each) for each in errors] == [type(None), error, type(None), error, type(None)]
    assert writer.run(known) == 3


def test_closing_finishes_what_is_queued_and_refuses_what_comes_after(writer: Writer, held: HeldConnection) -> None:
    with ThreadPoolExecutor(CALLERS + 2) as pool:
        jobs = submit(pool, writer, held, [remember(msisdn) for msisdn in numbers()[:CALLERS]])
        closing = pool.submit(writer.close)
        held.go.set()
        closing.result()
    kept = [job for job in jobs if job.exception() is None]
    assert held.execute("SELECT COUNT(*) FROM subscribers").fetchone()[0] == len(kept) > 1
    with pytest.raises(StoreClosedError):
        writer.run(known)


def test_a_closed_store_refuses_jobs(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.write(remember(APPEAL.msisdn))
    with pytest.raises(StoreClosedError, match="stopping"):
        store.write(remember(APPEAL.msisdn))


# Releases


@pytest.fixture
def m002_toys() -> migrations.Migration:
    """The migration that docs/adding.md shows."""
    shown = re.search(r"## A migration.*?```python\n(.*?)```", ADDING.read_text("utf-8"), re.DOTALL)
    assert shown
    names: dict[str, Any] = {"Connection": Connection}
    exec(shown[1], names)
    migration: migrations.Migration = names["m002_toys"]
    return migration


def m003_broken(connection: migrations.Connection) -> None:
    """A migration that fails half way."""
    connection.execute("DROP TABLE pins")
    connection.execute("DROP TABLE no_such_table")


def migrate(path: Path, *later: migrations.Migration) -> None:
    with contextlib.closing(SQLite(path).writer()) as connection, connection.disk_errors:
        migrations.apply(connection, (*migrations.MIGRATIONS, *later))


def test_a_database_of_the_first_schema_goes_through_the_next_migration(
    tmp_path: Path, m002_toys: migrations.Migration
) -> None:
    with open_station(tmp_path, 7) as station:
        filed = station.store.write(lambda tx: station.cases.open(tx, APPEAL))
    migrate(tmp_path / "station.db", m002_toys)
    migrate(tmp_path / "station.db", m002_toys)
    with contextlib.closing(SQLite(tmp_path / "station.db").reader()) as connection:
        assert connection.applied() == [*(one.__name__ for one in migrations.MIGRATIONS), "m002_toys"]
        assert list(connection.execute("SELECT reference, toy FROM cases")) == [(filed.reference, "")]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, m002_toys: migrations.Migration) -> None:
    with pytest.raises(DiskError, match="no_such_table"):
        migrate(tmp_path / "station.db", m002_toys, m003_broken)
    with contextlib.closing(SQLite(tmp_path / "station.db").reader()) as connection:
        assert connection.applied() == [*(one.__name__ for one in migrations.MIGRATIONS), "m002_toys"]
        assert "pins" in [table.name for table in connection.tables()]


def test_a_newer_database_is_refused_untouched(tmp_path: Path, m002_toys: migrations.Migration) -> None:
    migrate(tmp_path / "station.db", m002_toys)
    before = (tmp_path / "station.db").read_bytes()
    with pytest.raises(NewerSchemaError, match=r"m002_toys.*Install that release"):
        Store(tmp_path / "station.db", keys_in(tmp_path))
    assert (tmp_path / "station.db").read_bytes() == before


def test_a_database_from_before_the_first_release_is_refused_untouched(tmp_path: Path) -> None:
    def m001_station(connection: migrations.Connection) -> None:
        connection.execute("CREATE TABLE identity (name TEXT PRIMARY KEY, value TEXT NOT NULL)")

    with contextlib.closing(SQLite(tmp_path / "station.db").writer()) as connection:
        connection.migrate([m001_station])
    before = (tmp_path / "station.db").read_bytes()
    with pytest.raises(OtherSchemaError, match=r"before the first release .*sado init"):
        Store(tmp_path / "station.db", keys_in(tmp_path))
    assert (tmp_path / "station.db").read_bytes() == before


# Backups


def test_a_backup_made_while_writing_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "copy" / "station.db"
    target.parent.mkdir()
    with open_store(tmp_path) as store:
        store.write(remember(APPEAL.msisdn))
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(store.write, remember(msisdn)) for msisdn in numbers()]
            store.backup(target)
            assert {job.result() for job in jobs} == set(numbers())
    copy = Store(target, keys_in(tmp_path))
    assert copy.read(lambda tx: tx.value("PRAGMA integrity_check")) == "ok"
    assert 1 <= copy.read(known) <= 1 + len(numbers())
    assert copy.read(lambda tx: subscribers.language_of(tx, APPEAL.msisdn)) == "tg"
    copy.close()


def test_a_damaged_backup_is_reported_and_removed(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for msisdn in numbers()[:50]:
            store.write(remember(msisdn))
    damage_an_index(tmp_path / "station.db")
    with open_store(tmp_path) as store, pytest.raises(StoreError, match=r"The copy is damaged .*check the disk"):
        store.backup(tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def damage_an_index(path: Path) -> None:
    """Change one key inside an index page, which only `integrity_check` notices."""
    connection = sqlite3.connect(path, isolation_level=None)
    root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_subscribers_1'")
    (page,) = root.fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek(page * 4096 - 8)
        file.write(b"\xff" * 4)
