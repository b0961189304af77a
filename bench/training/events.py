"""Events as stations make them, with invented people in them: what the dictionary of the exchange learns from."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.training import texts
from sado.cases import reference
from sado.cases.payloads import MOVED, NOTIFIED, OPENED, Moved, Notified, Opened
from sado.cases.residents.additions import ADDED, Added
from sado.cases.residents.consultation import COUNTED, Counted
from sado.sync.wire.records import Wired

PACK = Path(__file__).parents[2] / "menus" / "packs" / "tajikistan"
# From 2026 on; no event was made at any of these times.
BEGIN_MS = 1_767_225_600_000
DAY_MS = 86_400_000
KINDS = ("complaint", "complaint", "application", "request", "proposal", "question")
TOPICS = (
    *("water", "power", "gas", "roads", "transport", "school", "health", "pension", "aid", "passport"),
    *("civil", "land", "tax", "work", "police"),
)
MOVES = ("registered", "registered", "in_review", "documents_needed", "answered", "answered", "closed", "forwarded")
MOBILE = ("90", "91", "92", "93", "98", "00", "88", "55", "50", "11", "77", "71")


class Maker:
    """Makes events, the same for the same seed."""

    def __init__(self, seed: int, count: int) -> None:
        self._chance = random.Random(seed)
        self._texts = iter(texts.texts(seed, 2 * count))
        self._places = _codes("districts.csv")
        self._agencies = _codes("agencies.csv")
        self._number = 0

    def batch(self, count: int) -> list[Wired]:
        """Events of one station that wait together, mostly new cases."""
        station, life = self._chance.randrange(1000), f"{self._chance.getrandbits(32):08x}"
        now = BEGIN_MS + self._chance.randrange(300 * DAY_MS)
        return [self._event(station, life, now - self._chance.randrange(DAY_MS)) for _ in range(count)]

    def _event(self, station: int, life: str, at: int) -> Wired:
        self._number += 1
        name, number = f"{station:03}.{life}.{self._number}", self._reference(station)
        kind, body = self._said(name, number, station, at)
        about = "" if kind == COUNTED else number
        return Wired(kind, about, msgspec.json.encode(body).decode(), self._chance.randrange(DAY_MS))

    def _said(self, name: str, number: str, station: int, at: int) -> tuple[str, msgspec.Struct]:
        draw = self._chance.random()
        if draw < 0.7:
            return OPENED, self._opened(name, number, station, at)
        if draw < 0.85:
            return MOVED, self._moved(name, number, at)
        if draw < 0.9:
            return ADDED, Added(name, number, next(self._texts), at)
        if draw < 0.97:
            return NOTIFIED, Notified(name, number, at)
        return COUNTED, Counted("water", self._chance.choice(("yes", "no")))

    def _opened(self, name: str, number: str, station: int, at: int) -> Opened:
        pick = self._chance.choice
        return Opened(
            kind=pick(KINDS),
            topic=pick(TOPICS),
            place=pick(self._places),
            agency=pick(self._agencies),
            language=pick(("tg", "tg", "tg-Latn", "ru", "ru", "en")),
            msisdn=f"+992{pick(MOBILE)}{self._chance.randrange(10**7):07}",
            name=texts.name(self._chance),
            text=next(self._texts),
            event=name,
            reference=number,
            station=station,
            received_at=at,
        )

    def _moved(self, name: str, number: str, at: int) -> Moved:
        kind = self._chance.choice(MOVES)
        said = next(self._texts) if kind in ("answered", "documents_needed") else ""
        due = at + 15 * DAY_MS if kind == "registered" else None
        return Moved(name, number, kind, f"agency:{self._chance.choice(self._agencies)}", said, at, due)

    def _reference(self, station: int) -> str:
        digits = f"{station:03}{self._chance.randrange(10**6):06}"
        return digits + reference.check_digit(digits)


def batches(seed: int, count: int) -> Iterator[list[Wired]]:
    """Batches of one to forty events, `count` events in all or a few more."""
    maker, chance = Maker(seed, count), random.Random(seed)
    made = 0
    while made < count:
        size = chance.choice((1, 1, 2, 3, 5, 8, 20, 40))
        made += size
        yield maker.batch(size)


def _codes(file: str) -> list[str]:
    with (PACK / file).open(encoding="utf-8", newline="") as lines:
        return [row["code"] for row in csv.DictReader(lines)]
