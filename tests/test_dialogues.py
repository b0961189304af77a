"""Whole conversations, as text files in tests/dialogues. One line is one thing:

    # a note to the reader
    registers passports     the station has the samples of these registers, as of this day
    phone +992900000002     the next lines happen on this phone (the first one is +992900000001)
    dial *1339#             begin a session
    > 1                     type an answer (`>` alone: an empty one)
    | 1 Шикоят              a line of the screen that follows
    END                     that screen was the last one
    agency answered Words   the agency moves the latest case of the first phone
    filed 10                so many cases are filed from this phone, beside what is shown
    busy                    as many are filed from other phones in this hour as are usual
    wait 24h                hours pass

`pytest --update` rewrites the screens from what the program shows. Read the difference before it is kept.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from sado.menus import engine
from sado.menus.engine import Turn
from sado.menus.gsm import Budget
from sado.menus.session import Session
from sado.store.tables import subscribers
from tests.support.phone import Phone
from tests.support.station import Station, open_station, shipped_pack

FOLDER = Path(__file__).parent / "dialogues"
FILES = sorted(FOLDER.glob("*.txt"))
FIRST_PHONE = "+992900000001"


class EnginePhone:
    """The same phone without a webhook: only the engine, whose session is JSON between any two calls."""

    def __init__(self, station: Station, msisdn: str) -> None:
        self.msisdn = msisdn
        self.screen = ""
        self.is_open = False
        self._station = station
        self._kept = b""

    def dial(self, code: str) -> None:
        language = self._station.store.read(lambda tx: subscribers.language_of(tx, self.msisdn))
        self._show(engine.start(shipped_pack().tree, language, code.strip("*#").split("*")[1:]))

    def reply(self, text: str) -> None:
        self._show(engine.resume(shipped_pack().tree, self._session(), text))

    def _show(self, turn: Turn) -> None:
        self._kept = msgspec.json.encode(turn.session)
        while (effect := turn.effect) is not None:
            outcome = self._station.store.write(
                lambda tx, do=effect: self._station.effects.perform(tx, self.msisdn, do)
            )
            turn = engine.proceed(shipped_pack().tree, self._session(), outcome)
            self._kept = msgspec.json.encode(turn.session)
        self.screen, self.is_open = turn.text, not turn.is_last

    def _session(self) -> Session:
        return msgspec.json.decode(self._kept, type=Session)


PHONES = {
    "webhook": lambda station, msisdn: Phone(station.client, msisdn),
    "engine": EnginePhone,
}


def played(lines: list[str], station: Station, make_phone: Callable[[Station, str], Phone | EnginePhone]) -> list[str]:
    """The dialogue with the screens that are shown now."""
    phones = {FIRST_PHONE: make_phone(station, FIRST_PHONE)}
    phone = phones[FIRST_PHONE]
    result = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "|" or word == "END":
            continue
        result.append(line)
        if word == "phone":
            phone = phones.setdefault(rest, make_phone(station, rest))
        elif word == "agency":
            station.agency(station.filed(FIRST_PHONE)[0].reference, *rest.split(" ", 1))
        elif word == "registers":
            station.load_samples(*rest.split())
        elif word == "filed":
            station.files(phone.msisdn, int(rest))
        elif word == "busy":
            station.is_busy()
        elif word == "wait":
            station.clock.move(int(rest.removesuffix("h")) * 3600)
        elif word in ("dial", ">"):
            phone.dial(rest) if word == "dial" else phone.reply(rest)
            result += [
                *(f"| {shown}".rstrip() for shown in phone.screen.split("\n")),
                *([] if phone.is_open else ["END"]),
            ]
        else:
            assert word in ("#", ""), f"{line!r} is no line of a dialogue"
    return result


@pytest.mark.parametrize("way", PHONES)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dialogue_reads_as_written(file: Path, way: str, tmp_path: Path, update: bool) -> None:
    written = file.read_text("utf-8").splitlines()
    with open_station(tmp_path) as station:
        shown = played(written, station, PHONES[way])
    if not update:
        assert shown == written
    elif way == "webhook":
        file.write_text("\n".join(shown) + "\n", "utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_screen_of_a_dialogue_is_larger_than_a_phone_shows(file: Path) -> None:
    screens: list[list[str]] = [[]]
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("|"):
            screens[-1].append(line[2:])
        else:
            screens.append([])
    assert [lines for lines in screens if not Budget().fits("\n".join(lines))] == []
    assert any(screens)


def test_each_kind_of_dialogue_is_there_in_every_language() -> None:
    kinds = {file.name.split(".")[0] for file in FILES}
    missing = [f"{kind}.{language}" for kind in kinds for language in shipped_pack().languages.codes]
    assert [name for name in missing if not (FOLDER / f"{name}.txt").exists()] == []
