"""Appeals to measure with: those of a corpus, or invented ones.

A corpus has one appeal a line, in JSON, by time: id, ref, service, district, phone, created, lang, channel, text. None
is shipped. What is made up here has its texts from the grammar that the dictionary was trained on, with another seed.
"""

from __future__ import annotations

import csv
import itertools
import json
import random
import sys
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.training import events, texts  # noqa: E402
from sado.cases.payloads import Appeal  # noqa: E402

Record = Mapping[str, str]
SEED = 20261212
PAUSE_S = 460
MADE_UP = 2_000
DISTRICTS = ROOT / "menus" / "packs" / "tajikistan" / "districts.csv"
AGENCIES = {
    "water": "HCU",
    "power": "ELC",
    "gas": "HCU",
    "road": "TRA",
    "bridge": "TRA",
    "school": "EDU",
    "passport": "PAS",
    "health": "MHS",
    "land": "LND",
    "pension": "PEN",
    "internet": "COM",
    "waste": "HCU",
    "seed": "JAM",
    "vet": "JAM",
    "bribe": "COR",
    "irrig": "WAT",
    "job": "LAB",
    "flood": "KHF",
}


def made_up(count: int) -> list[Record]:
    """A corpus with invented people in it: few places and matters come often and many seldom, one number in eight
    writes again."""
    chance = random.Random(SEED)
    services, districts = list(AGENCIES), list(_codes())
    now = events.BEGIN_MS / 1000
    phones: list[str] = []
    found: list[Record] = []
    for number, text in enumerate(texts.texts(SEED, count)):
        now += chance.expovariate(1 / PAUSE_S)
        is_known = phones and chance.random() < 0.125
        phones.append(chance.choice(phones) if is_known else _phone(chance))
        created = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        found.append(
            {
                "id": str(uuid.UUID(int=int(now * 1000) << 80 | 7 << 76 | 2 << 62 | chance.getrandbits(62))),
                "ref": f"TJ-2607-{324919 + number}-{chance.randrange(10)}",
                "service": _often_few(chance, services),
                "district": _often_few(chance, districts),
                "phone": phones[-1],
                "created": created.replace("+00:00", "Z"),
                "lang": chance.choices(("tg", "ru", "en"), (68, 30, 2))[0],
                "channel": chance.choices(("ussd", "sms"), (7, 3))[0],
                "text": text,
            }
        )
    return found


def _phone(chance: random.Random) -> str:
    return f"+992{chance.choice(events.MOBILE)}{chance.randrange(10**7):07}"


def _often_few(chance: random.Random, values: Sequence[str]) -> str:
    return chance.choices(values, [1 / (place + 2) for place in range(len(values))])[0]


@cache
def _codes() -> dict[str, str]:
    """The code of each district by its Tajik name."""
    with DISTRICTS.open(encoding="utf-8", newline="") as lines:
        return {row["short_tg"]: row["code"] for row in csv.DictReader(lines)}


def appeal_of(record: Record) -> Appeal:
    """The appeal as a station keeps it. A question needs no name; a district that the pack does not know keeps its
    own."""
    return Appeal(
        kind="question",
        topic=record["service"],
        place=_codes().get(record["district"], record["district"]),
        agency=AGENCIES.get(record["service"], "LOC"),
        language=record["lang"],
        msisdn=record["phone"],
        name="",
        text=record["text"],
    )


def records(corpus: Path | None, count: int | None = None) -> list[Record]:
    """The first `count` appeals of a corpus, or all; without a corpus, `count` made-up ones. A corpus that has fewer
    begins again."""
    if corpus is None:
        return made_up(count or MADE_UP)
    read = [json.loads(line) for line in corpus.read_text("utf-8").splitlines() if line.strip()]
    return read if count is None else list(itertools.islice(itertools.cycle(read), count))


def appeals(corpus: Path | None, count: int) -> list[Appeal]:
    """The same as a station keeps them."""
    return [appeal_of(record) for record in records(corpus, count)]
