"""What a resident was shown outlives any kill: appeals are filed while the station is killed again and again, and
every one whose reference was shown is at the hub once."""

import random
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sado.store import Keyring, Store, Transaction
from sado.store.tables import cases as rows
from tests.support.processes import POLL_S, SADO, HungUpError, Phone, Station, new_session, pair, shown_reference, until

KILLS, SEED = 50, 1339
CALLERS, PHONES = 6, 30
# A kill comes when so many more references were shown, and a moment later.
MOST_SHOWN, MOMENT_S, START_UP_S = 8, 0.05, 0.5
# Nothing that is waited for takes so long.
LONG_S = 60
EAGER = (sys.executable, "-P", str(Path(__file__).parent / "support" / "eager_station.py"))


@dataclass(frozen=True)
class Appeal:
    """One try to file: what was written, and the reference that the phone showed, if it showed one."""

    text: str
    shown: str | None


@dataclass
class Caller:
    """Somebody who files one appeal after another from the next of many `phones`, since each has its limit. When the
    station does not answer, the gateway repeats the hop, or the resident gives up; which of them, `chance` says."""

    phones: list[Phone]
    chance: random.Random
    appeals: list[Appeal] = field(default_factory=list)
    cuts: int = 0

    def run(self, stopped: threading.Event) -> None:
        while not stopped.is_set():
            self.file(stopped)

    def file(self, stopped: threading.Event) -> None:
        """Most dial all of it in one go; the others type step by step."""
        text = f"Об нест {secrets.token_hex(8)}"
        inputs = ("2", "1", str(self.chance.randint(1, 9)), "Ёвон", "1", text, "Раҳимова Гулнора", "1")
        first = len(inputs) if self.chance.random() < 0.7 else 0
        session_id, phone = new_session(), self.phones[len(self.appeals) % len(self.phones)]
        screen = ""
        for count in range(first, len(inputs) + 1):
            answer = self.hop(phone, session_id, "*".join(inputs[:count]), stopped)
            if answer is None:
                break
            screen = answer
        self.appeals.append(Appeal(text, shown_reference(screen)))

    def hop(self, phone: Phone, session_id: str, text: str, stopped: threading.Event) -> str | None:
        """The answer, or None when the resident gives up."""
        while not stopped.is_set():
            try:
                return phone.hop(session_id, text)
            except HungUpError:
                self.cuts += 1
                if self.chance.random() < 0.3:
                    return None
                time.sleep(0.05)
        return None


@dataclass(frozen=True)
class Verdict:
    """What the hub has of what the phones were shown."""

    shown: int
    lost: list[Appeal]
    doubled: list[str]


def compare(appeals: list[Appeal], at_hub: list[tuple[str, str]]) -> Verdict:
    """Match (reference, text) at the hub against the phones."""
    kept = set(at_hub)
    times = Counter(text for _, text in at_hub)
    promised = [appeal for appeal in appeals if appeal.shown]
    return Verdict(
        len(promised),
        [appeal for appeal in promised if (appeal.shown, appeal.text) not in kept],
        [text for text, count in times.items() if count > 1],
    )


def cases_in(folder: Path) -> list[tuple[str, str]]:
    """Reference and text of every case in a database that nobody serves."""

    def job(tx: Transaction) -> list[tuple[str, str]]:
        found = (rows.find(tx, row[0]) for row in tx.all("SELECT reference FROM cases"))
        return [(case.reference, case.text) for case in found if case is not None]

    store = Store(folder / "sado.db", Keyring.load(folder / "keys.json"))
    try:
        return store.read(job)
    finally:
        store.close()


def callers_of(village: Station) -> list[Caller]:
    """Phones whose language the station knows."""
    callers = [
        Caller(
            [Phone(village.webhook, f"+99290{number:02}{phone:05}") for phone in range(PHONES)],
            random.Random(f"{SEED} {number}"),
        )
        for number in range(CALLERS)
    ]
    for caller in callers:
        for phone in caller.phones:
            phone.walk("1")
    return callers


@contextmanager
def load(callers: list[Caller]) -> Iterator[None]:
    """All callers at once, until the end of the block."""
    stopped = threading.Event()
    threads = [threading.Thread(target=caller.run, args=[stopped]) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def shown(callers: list[Caller]) -> int:
    """How many references were shown so far."""
    return sum(appeal.shown is not None for caller in callers for appeal in caller.appeals)


def cuts(callers: list[Caller]) -> int:
    """How many hops the station has not answered so far."""
    return sum(caller.cuts for caller in callers)


def kill_and_restart(village: Station, callers: list[Caller], chance: random.Random) -> None:
    """Kill at random moments of a short life; one life in five ends before the station is up."""
    if chance.random() < 0.2:
        time.sleep(chance.uniform(0, START_UP_S))
    else:
        wanted = shown(callers) + chance.randint(2, MOST_SHOWN)
        assert until(lambda: shown(callers) >= wanted, LONG_S, POLL_S)
        time.sleep(chance.uniform(0, MOMENT_S))
    before = cuts(callers)
    village.kill()
    assert until(lambda: cuts(callers) > before, LONG_S, POLL_S)
    village.spawn()


def all_sent(village: Station) -> bool:
    if village.health()["outbox"]["waiting"]:
        village.sync_now()
    return not village.health()["outbox"]["waiting"]


def at_hub(hub: Station, village: Station, appeals: list[Appeal]) -> Verdict:
    """What the hub has when the village has sent all that waits, and both have stopped."""
    village.wait_until_up()
    assert until(lambda: all_sent(village), LONG_S, 0.5), village.health()
    assert village.stop() == 0
    assert hub.stop() == 0
    return compare(appeals, cases_in(hub.folder))


@pytest.mark.long
def test_every_appeal_whose_reference_was_shown_is_at_the_hub_once(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with pair(tmp_path) as (hub, village):
        hub.start()
        village.start()
        callers = callers_of(village)
        with load(callers):
            for _ in range(KILLS):
                kill_and_restart(village, callers, chance)
        verdict = at_hub(hub, village, [appeal for caller in callers for appeal in caller.appeals])

    assert (verdict.lost, verdict.doubled) == ([], [])
    assert verdict.shown > KILLS


@pytest.mark.long
@pytest.mark.parametrize(("command", "lost"), [(SADO, 0), (EAGER, 1)], ids=["as it is", "eager"])
def test_only_a_station_that_answers_before_it_commits_loses_what_it_showed(
    tmp_path: Path, command: tuple[str, ...], lost: int
) -> None:
    with pair(tmp_path, command) as (hub, village):
        village.start()
        (caller, *_) = callers_of(village)
        caller.file(threading.Event())
        village.kill()
        village.command = SADO
        hub.start()
        village.start()
        verdict = at_hub(hub, village, caller.appeals)

    assert (verdict.shown, len(verdict.lost), verdict.doubled) == (1, lost, [])


def test_the_comparison_sees_what_is_lost_changed_or_doubled() -> None:
    first, second = "0070000017", "0070000025"
    one, two = Appeal("one", first), Appeal("two", second)
    appeals = [one, two, Appeal("three", None)]

    assert compare(appeals, [(first, "one"), (second, "two")]) == Verdict(2, [], [])
    assert compare(appeals, [(first, "one")]).lost == [two]
    assert compare(appeals, [(first, "one"), (second, "another")]).lost == [two]
    assert compare(appeals, [(first, "one"), (second, "two"), ("0070000033", "two")]).doubled == ["two"]
