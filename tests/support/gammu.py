"""Gammu SMSD: its tables with a hand that plays the daemon, and the daemon itself with its dummy phone."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import until
from tests.support.servers import PLACES

DOCS = Path(__file__).parents[2] / "docs" / "gateways" / "gammu.md"
# Where Debian puts the daemon's own; an image without documentation has none.
SHIPPED = Path("/usr/share/doc/gammu-smsd/examples/sqlite.sql")
START_S, STOP_S = 60.0, 60.0
# By which the dummy says it has sent, and what it calls each message: a report is believed only from there, of that.
CENTRE, REFERENCE = "123456", 255

_TIME = "NUMERIC NOT NULL DEFAULT (datetime('now'))"
_SMS = "Text TEXT, Coding TEXT NOT NULL DEFAULT 'Default_No_Compression', UDH TEXT, Class INTEGER DEFAULT -1"
_WATCHED = """CREATE TRIGGER {0}_watch UPDATE ON {0} BEGIN
    UPDATE {0} SET UpdatedInDB = datetime('now') WHERE {1} = old.{1}; END;"""
# What the daemon of schema 17 reads and writes, and no more. test_gammu_real.py runs it on them.
TABLES = "\n".join(
    (
        "CREATE TABLE gammu (Version INTEGER PRIMARY KEY); INSERT INTO gammu VALUES (17);",
        f"""CREATE TABLE inbox (ID INTEGER PRIMARY KEY AUTOINCREMENT, UpdatedInDB {_TIME}, ReceivingDateTime {_TIME},
            {_SMS}, SenderNumber TEXT NOT NULL, SMSCNumber TEXT NOT NULL DEFAULT '',
            TextDecoded TEXT NOT NULL DEFAULT '', RecipientID TEXT NOT NULL,
            Processed TEXT NOT NULL DEFAULT 'false', Status INTEGER NOT NULL DEFAULT -1);""",
        f"""CREATE TABLE outbox (ID INTEGER PRIMARY KEY AUTOINCREMENT, UpdatedInDB {_TIME}, InsertIntoDB {_TIME},
            SendingDateTime {_TIME}, SendingTimeOut {_TIME}, SendBefore TIME NOT NULL DEFAULT '23:59:59',
            SendAfter TIME NOT NULL DEFAULT '00:00:00', {_SMS}, DestinationNumber TEXT NOT NULL DEFAULT '',
            TextDecoded TEXT NOT NULL DEFAULT '', MultiPart TEXT NOT NULL DEFAULT 'false',
            RelativeValidity INTEGER DEFAULT -1, SenderID TEXT, DeliveryReport TEXT DEFAULT 'default',
            CreatorID TEXT NOT NULL, Retries INTEGER DEFAULT 0, Priority INTEGER DEFAULT 0,
            Status TEXT NOT NULL DEFAULT 'Reserved', StatusCode INTEGER NOT NULL DEFAULT -1);""",
        f"""CREATE TABLE outbox_multipart (ID INTEGER, SequencePosition INTEGER NOT NULL DEFAULT 1, {_SMS},
            TextDecoded TEXT, Status TEXT NOT NULL DEFAULT 'Reserved', StatusCode INTEGER NOT NULL DEFAULT -1,
            PRIMARY KEY (ID, SequencePosition));""",
        f"""CREATE TABLE sentitems (ID INTEGER, SequencePosition INTEGER NOT NULL DEFAULT 1, UpdatedInDB {_TIME},
            InsertIntoDB {_TIME}, SendingDateTime {_TIME}, DeliveryDateTime NUMERIC, {_SMS},
            DestinationNumber TEXT NOT NULL DEFAULT '', SMSCNumber TEXT NOT NULL DEFAULT '',
            TextDecoded TEXT NOT NULL DEFAULT '', SenderID TEXT NOT NULL, Status TEXT NOT NULL DEFAULT 'SendingOK',
            StatusError INTEGER NOT NULL DEFAULT -1, StatusCode INTEGER NOT NULL DEFAULT -1,
            TPMR INTEGER NOT NULL DEFAULT -1, RelativeValidity INTEGER NOT NULL DEFAULT -1, CreatorID TEXT NOT NULL,
            PRIMARY KEY (ID, SequencePosition));""",
        f"""CREATE TABLE phones (IMEI TEXT PRIMARY KEY NOT NULL, ID TEXT NOT NULL, UpdatedInDB {_TIME},
            InsertIntoDB {_TIME}, TimeOut {_TIME}, Send TEXT NOT NULL DEFAULT 'no',
            Receive TEXT NOT NULL DEFAULT 'no', IMSI TEXT NOT NULL,
            NetCode TEXT, NetName TEXT, Client TEXT NOT NULL, Battery INTEGER NOT NULL DEFAULT -1,
            Signal INTEGER NOT NULL DEFAULT -1, Sent INTEGER NOT NULL DEFAULT 0,
            Received INTEGER NOT NULL DEFAULT 0);""",
        *(_WATCHED.format(*pair) for pair in (("inbox", "ID"), ("sentitems", "ID"), ("phones", "IMEI"))),
    )
)


def coded(text: str) -> str:
    """UTF-16 as the daemon writes it; half of a surrogate pair is half of it."""
    return text.encode("utf-16-be", "surrogatepass").hex().upper()


def uncoded(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-16-be", "surrogatepass")


class Database:
    """The daemon's database in `folder`, and a hand that does in it what the daemon does."""

    def __init__(self, folder: Path, tables: str = TABLES) -> None:
        self.path = folder / "smsd.db"
        with closing(sqlite3.connect(self.path)) as database:
            database.executescript(tables)

    def run(self, statement: str, *values: object) -> list[Any]:
        """One statement, committed; its rows."""
        with closing(sqlite3.connect(self.path)) as database, database:
            return database.execute(statement, values).fetchall()

    def live(self) -> None:
        """The daemon has a modem and said so just now."""
        self.run("INSERT INTO phones (IMEI, ID, IMSI, Client, Send) VALUES ('9', 'village', '9', 'Gammu', 'yes')")

    def age(self, table: str, minutes: int) -> None:
        """So much time passes over the rows of a table."""
        trigger = self.run("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", table)[0]
        self.run(f"DROP TRIGGER {trigger[0]}")
        self.run(f"UPDATE {table} SET UpdatedInDB = datetime(UpdatedInDB, '{-minutes} minutes')")
        self.run(trigger[1])

    def receive(self, sender: str, text: str, header: str = "", coding: str = "Unicode_No_Compression") -> int:
        """Keep a message as it comes from the modem; its row."""
        (row,) = self.run(
            "INSERT INTO inbox (SenderNumber, Text, TextDecoded, UDH, Coding, RecipientID, ReceivingDateTime)"
            " VALUES (?, ?, '', ?, ?, 'village', '2026-11-23 11:04:45') RETURNING ID",
            sender,
            coded(text),
            header,
            coding,
        )
        return int(row[0])

    def send(self, status: str = "SendingOK", *, is_last: bool = True) -> None:
        """Send the next message of the outbox; unless `is_last`, it still has parts to go."""
        row, creator = self.run("SELECT ID, CreatorID FROM outbox ORDER BY ID LIMIT 1")[0]
        position = self.run("SELECT COUNT(*) + 1 FROM sentitems WHERE ID = ?", row)[0][0]
        self.run(
            "INSERT INTO sentitems (ID, SequencePosition, Status, CreatorID, SenderID) VALUES (?, ?, ?, ?, 'village')",
            row,
            position,
            status,
            creator,
        )
        if is_last:
            self.run("DELETE FROM outbox WHERE ID = ?", row)

    def network_says(self, position: int, status: str) -> None:
        """A report for a part of the last message came."""
        last = "(SELECT MAX(ID) FROM sentitems)"
        self.run(f"UPDATE sentitems SET Status = ? WHERE ID = {last} AND SequencePosition = ?", status, position)


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Another program holds the database."""
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


class Smsd(Database):
    """The daemon itself on the configuration of docs/gateways/gammu.md, and the network as its dummy phone shows it."""

    def __init__(self, folder: Path, tables: str = "") -> None:
        super().__init__(folder, tables or (SHIPPED.read_text("utf-8") if SHIPPED.exists() else TABLES))
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        for place in (
            "pbk/ME",
            "pbk/SM",
            "note",
            "todo",
            "cal",
            "alarm",
            "fs",
            *(f"sms/{number}" for number in range(1, 6)),
        ):
            (folder / "phone" / place).mkdir(parents=True)
        with (folder / "smsdrc").open("w") as file:
            self._config().write(file)

    def start(self) -> None:
        """Run the daemon, and wait until it has its phone."""
        program = shutil.which("gammu-smsd", path=PLACES)
        assert program is not None
        self.run("DELETE FROM phones")
        self._process = subprocess.Popen(
            [program, "--config", str(self._folder / "smsdrc")],
            env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "Asia/Dushanbe"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert until(lambda: bool(self.run("SELECT 1 FROM phones")), START_S, 0.05), self.said()

    def kill(self) -> None:
        """The power goes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)
            self._process = None

    def said(self) -> str:
        return (self._folder / "smsd.log").read_text("utf-8", "replace")

    def deliver(self, sender: str, text: str, header: str = "") -> None:
        """The network brings a message."""
        self._bring("Deliver", sender, text, [f"UDH = {header}"] if header else [])

    def report(self, receiver: str, word: str) -> None:
        """The network reports on the oldest message to a number: Delivered, Failed, Pending or Unknown."""
        self._bring("Status_Report", receiver, word, [f"MessageReference = {REFERENCE}"])

    def waiting_in_the_phone(self) -> int:
        return len(list((self._folder / "phone" / "sms" / "1").iterdir()))

    def _bring(self, kind: str, number: str, text: str, more: Sequence[str]) -> None:
        digits = coded(text)
        rows = [digits[at : at + 200] for at in range(0, len(digits), 200)]
        lines = [
            "[SMSBackup000]",
            f'SMSC = "{CENTRE}"',
            f"PDU = {kind}",
            # The daemon takes it for UTC and writes it as local time.
            f"DateTime = {time.strftime('%Y%m%dT%H%M%S', time.gmtime())}",
            "State = UnRead",
            f'Number = "{number}"',
            "Coding = Unicode_No_Compression",
            "Folder = 1",
            f"Length = {len(digits) // 4}",
            "Class = -1",
            *(f"Text{number:02} = {row}" for number, row in enumerate(rows)),
            *more,
        ]
        written = self._folder / "message"
        written.write_text("\n".join([*lines, ""]), "utf-8")
        inbox = self._folder / "phone" / "sms" / "1"
        free = next(place for place in range(1, 100) if not (inbox / str(place)).exists())
        written.rename(inbox / str(free))

    def _config(self) -> ConfigParser:
        """That of the documentation, with the dummy for a modem, in this folder, and in more of a hurry."""
        (block,) = re.findall(r"^```ini\n(.*?)^```", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        config = ConfigParser(interpolation=None)
        config.read_string(block)
        config["gammu"].update(
            {
                "model": "dummy",
                "connection": "none",
                "device": str(self._folder / "phone"),
                "gammuloc": "/dev/null",
            }
        )
        for name, value in {
            "dbdir": f"{self._folder}/",
            "logfile": str(self._folder / "smsd.log"),
            "commtimeout": "1",
            "receivefrequency": "1",
            "multiparttimeout": "2",
        }.items():
            assert name in config["smsd"], f"{name} is not in {DOCS.name} any more"
            config["smsd"][name] = value
        return config
