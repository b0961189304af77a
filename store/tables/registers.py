"""Registers as rows: the station's copies of what agencies publish, found by keys; and the questions about them.

Days are ISO texts such as 2026-11-30: an agency dates its copy by a day, not by a moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sado.store.transaction import Row, Transaction

BODY = "register_rows.body"
FOREVER = "9999-12-31"


@dataclass(frozen=True)
class Snapshot:
    """A register whose load has ended at least once."""

    name: str
    as_of: str
    is_sample: bool


@dataclass(frozen=True)
class RegisterRow:
    """One row: its JSON body, and the day of the last copy that held it."""

    id: str
    body: str
    as_of: str


@dataclass(frozen=True)
class Key:
    """What a row is found by; after the day `until` it is no longer shown."""

    text: str
    until: str = FOREVER


@dataclass(frozen=True)
class RegisterTable:
    """The rows of one register. Those of a private one show nothing to a reader of the database: ids and keys are
    keyed hashes, which the methods make of the plain words, and bodies are sealed."""

    register: str
    is_private: bool

    def row_id(self, tx: Transaction, words: str) -> str:
        """The id under which the row with this name is kept."""
        return self._hidden(tx, words)

    def find(self, tx: Transaction, key: str, today: str, limit: int) -> list[RegisterRow]:
        """The rows with this key that are still shown on the day `today`, those that end soonest first."""
        rows = tx.all(
            "SELECT r.id, r.body, r.as_of FROM register_keys k"
            " JOIN register_rows r ON r.register = k.register AND r.id = k.id"
            " WHERE k.register = :register AND k.key = :key AND k.until >= :today"
            " ORDER BY k.until, k.id LIMIT :limit",
            register=self.register,
            key=self._hidden(tx, key),
            today=today,
            limit=limit,
        )
        return [self._opened(tx, row) for row in rows]

    def beginning(self, tx: Transaction, start: str, today: str, limit: int) -> list[tuple[str, str]]:
        """(key, id) of the rows of a public register with a key that begins so, still shown on this day."""
        return [
            (key, row_id)
            for key, row_id in tx.all(
                "SELECT key, id FROM register_keys WHERE register = :register AND key >= :start AND key < :end"
                " AND until >= :today ORDER BY key, id LIMIT :limit",
                register=self.register,
                start=start,
                end=f"{start}\U0010ffff",
                today=today,
                limit=limit,
            )
        ]

    def get(self, tx: Transaction, row_id: str) -> RegisterRow | None:
        """The row, or None."""
        row = tx.one(
            "SELECT id, body, as_of FROM register_rows WHERE register = :register AND id = :id",
            register=self.register,
            id=row_id,
        )
        return None if row is None else self._opened(tx, row)

    def rows(self, tx: Transaction) -> list[RegisterRow]:
        """Every row, by id."""
        rows = tx.all(
            "SELECT id, body, as_of FROM register_rows WHERE register = :register ORDER BY id", register=self.register
        )
        return [self._opened(tx, row) for row in rows]

    def save(self, tx: Transaction, row: RegisterRow, load: int, part: str = "") -> None:
        """Keep the row, in place of an earlier one; `load` is the number of the load that named it, `part` the part of
        the register that it came with."""
        tx.run(
            "INSERT INTO register_rows (register, id, body, as_of, load, part)"
            " VALUES (:register, :id, :body, :as_of, :load, :part)"
            " ON CONFLICT (register, id) DO UPDATE SET body = excluded.body, as_of = excluded.as_of,"
            " load = excluded.load, part = excluded.part",
            register=self.register,
            id=row.id,
            body=tx.seal(row.body, BODY, self._place(row.id)) if self.is_private else row.body.encode(),
            as_of=row.as_of,
            load=load,
            part=self._part(tx, part),
        )

    def renew(self, tx: Transaction, row_id: str, as_of: str, load: int, part: str = "") -> None:
        """The row is in a newer copy too, with the same body."""
        tx.run(
            "UPDATE register_rows SET as_of = :as_of, load = :load, part = :part"
            " WHERE register = :register AND id = :id",
            register=self.register,
            id=row_id,
            as_of=as_of,
            load=load,
            part=self._part(tx, part),
        )

    def spare(self, tx: Transaction, row_id: str, load: int) -> None:
        """The load named the row without a usable body: the old one stays as it is, with its older day."""
        tx.run(
            "UPDATE register_rows SET load = :load WHERE register = :register AND id = :id",
            register=self.register,
            id=row_id,
            load=load,
        )

    def unnamed(self, tx: Transaction, load: int, after: str, limit: int, part: str = "") -> list[str]:
        """Ids above `after`, in order, of rows that neither this load nor a later one has named; of one part only, if
        one is given."""
        rows = tx.all(
            "SELECT id FROM register_rows WHERE register = :register AND id > :after AND load < :load"
            " AND (part = :part OR :part = '') ORDER BY id LIMIT :limit",
            register=self.register,
            after=after,
            load=load,
            limit=limit,
            part=self._part(tx, part),
        )
        return [row[0] for row in rows]

    def remove(self, tx: Transaction, row_id: str, load: int) -> RegisterRow | None:
        """Delete the row unless this load or a later one has named it; what was deleted. Its keys are the caller's."""
        row = tx.one(
            "DELETE FROM register_rows WHERE register = :register AND id = :id AND load < :load"
            " RETURNING id, body, as_of",
            register=self.register,
            id=row_id,
            load=load,
        )
        return None if row is None else self._opened(tx, row)

    def add_keys(self, tx: Transaction, row_id: str, keys: Iterable[Key]) -> None:
        """Let the row be found by these; one that is there already stays."""
        for key in keys:
            tx.run(
                "INSERT INTO register_keys (register, key, until, id) VALUES (:register, :key, :until, :id)"
                " ON CONFLICT (register, key, until, id) DO NOTHING",
                register=self.register,
                key=self._hidden(tx, key.text),
                until=key.until,
                id=row_id,
            )

    def drop_keys(self, tx: Transaction, row_id: str, keys: Iterable[Key]) -> None:
        """Let the row be found by these no longer."""
        for key in keys:
            tx.run(
                "DELETE FROM register_keys WHERE register = :register AND key = :key AND until = :until AND id = :id",
                register=self.register,
                key=self._hidden(tx, key.text),
                until=key.until,
                id=row_id,
            )

    def _hidden(self, tx: Transaction, words: str) -> str:
        return tx.keys.digest("lookup", f"{self.register} {words}").hex() if self.is_private else words

    def _part(self, tx: Transaction, part: str) -> str:
        return self._hidden(tx, f"part {part}") if part else ""

    def _place(self, row_id: str) -> str:
        return f"{self.register} {row_id}"

    def _opened(self, tx: Transaction, row: Row) -> RegisterRow:
        row_id, body, as_of = row
        return RegisterRow(
            row_id, tx.unseal(body, BODY, self._place(row_id)) if self.is_private else body.decode(), as_of
        )


def snapshot_of(tx: Transaction, name: str) -> Snapshot | None:
    """The copy of this register, or None while none was loaded to its end."""
    row = tx.one("SELECT name, as_of, is_sample FROM registers WHERE name = :name", name=name)
    return None if row is None else Snapshot(row[0], row[1], bool(row[2]))


def save_snapshot(tx: Transaction, name: str, as_of: str, is_sample: bool) -> None:
    """A load has ended: the copy is of this day."""
    tx.run(
        "INSERT INTO registers (name, as_of, is_sample, loaded_at) VALUES (:name, :as_of, :is_sample, :at)"
        " ON CONFLICT (name) DO UPDATE SET as_of = excluded.as_of, is_sample = excluded.is_sample,"
        " loaded_at = excluded.loaded_at",
        name=name,
        as_of=as_of,
        is_sample=is_sample,
        at=tx.now,
    )


def parts_of(tx: Transaction, name: str) -> dict[str, str]:
    """The parts of a register that this station has, each with the day of its copy. None of them: the copy here is of
    the whole register."""
    return dict(tx.all("SELECT part, as_of FROM register_parts WHERE register = :name", name=name))


def save_part(tx: Transaction, name: str, part: str, as_of: str) -> None:
    """The copy of this part is of this day."""
    tx.run(
        "INSERT INTO register_parts (register, part, as_of) VALUES (:name, :part, :as_of)"
        " ON CONFLICT (register, part) DO UPDATE SET as_of = excluded.as_of",
        name=name,
        part=part,
        as_of=as_of,
    )


def forget_parts(tx: Transaction, name: str) -> None:
    """The copy here is of the whole register now."""
    tx.run("DELETE FROM register_parts WHERE register = :name", name=name)


def counts(tx: Transaction) -> dict[str, int]:
    """How many rows each register has."""
    return dict(tx.all("SELECT register, COUNT(*) FROM register_rows GROUP BY register"))


def question_about(tx: Transaction, what: str) -> str | None:
    """The reference of the last case opened about this, or None."""
    reference: str | None = tx.value(
        "SELECT reference FROM questions WHERE hash = :hash", hash=tx.lookup(f"question {what}")
    )
    return reference


def remember_question(tx: Transaction, what: str, reference: str) -> None:
    """This case asks about it now. Only a keyed hash of `what` is kept: it names a phone and what it looked for."""
    tx.run(
        "INSERT INTO questions (hash, reference) VALUES (:hash, :reference)"
        " ON CONFLICT (hash) DO UPDATE SET reference = excluded.reference",
        hash=tx.lookup(f"question {what}"),
        reference=reference,
    )
