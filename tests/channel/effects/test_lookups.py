"""What a phone is told of a register, and when the agency is asked instead."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sado.cases import statuses
from sado.cases.registers import csv_file
from sado.cases.registers.csv_file import RegisterFile
from sado.cases.registers.loading import Loading
from sado.cases.registers.lookup import RegisterError
from sado.cases.registers.rate_limit import MISSES_ALLOWED, MISSES_ALLOWED_PER_TARGET
from sado.cases.service import Cases
from sado.channel.effects.lookups import Lookups
from sado.channel.effects.register_words import RegisterWords, registers_of
from sado.menus import gsm
from sado.menus.engine import Effect, Outcome
from sado.menus.reading.pack import PACKS
from sado.store import Store, Transaction
from sado.store.tables import identity, subscribers
from sado.store.tables.cases import CaseRow
from tests.support.station import shipped_pack
from tests.support.stations import Clock, open_store, shipped_law

SAMPLES = sorted((PACKS / "tajikistan" / "samples").glob("*.csv"))
MINE, HERS = "+992900000001", "+992900000002"
AS_OF = "2027-01-10"
DAY_S = 24 * 3600
LICENCE = {"register": "licences", "number": "AM 0001234"}
TAX = {"register": "taxes", "tin": "020025789", "born": "1978"}


class Village:
    """A station with lookups; `told` are the announcements."""

    def __init__(self, store: Store, clock: Clock) -> None:
        pack = shipped_pack()
        self.store, self.clock = store, clock
        self.cases = Cases(store.write(lambda tx: identity.create(tx, 7)), has_upstream=False, law=shipped_law)
        self.registers = registers_of(pack)
        self.told: list[tuple[str, str, Mapping[str, str]]] = []
        self.loading = Loading(store, self.registers, RegisterWords(pack).announcer(self._tell))
        self._handlers = Lookups(self.cases, pack, self.registers).handlers()

    def _tell(self, tx: Transaction, topic: str, place: str, texts: Mapping[str, str]) -> None:
        self.told.append((topic, place, texts))

    def load(self, path: Path, as_of: str = AS_OF) -> None:
        with RegisterFile(path, self.registers.get(path.stem), self.registers.languages) as file:
            report = csv_file.load(file, self.loading, path.stem, as_of, False, lambda position: None)
        assert report.rejected == [] and report.kept == report.read > 0

    def load_all(self) -> None:
        for path in SAMPLES:
            self.load(path)

    def do(self, name: str, answers: Mapping[str, str], language: str = "ru", msisdn: str = MINE) -> Outcome:
        return self.store.write(lambda tx: self._handlers[name](tx, msisdn, Effect(name, answers, language)))

    def look(self, answers: Mapping[str, str], language: str = "ru", msisdn: str = MINE) -> Outcome:
        return self.do("lookup", answers, language, msisdn)

    def look_by_sms(self, answers: Mapping[str, str], msisdn: str = MINE) -> Outcome:
        effect = Effect("lookup", answers, "ru", is_proven=False)
        return self.store.write(lambda tx: self._handlers["lookup"](tx, msisdn, effect))

    def guess(self, msisdn: str, count: int = MISSES_ALLOWED) -> None:
        """Wrong years of birth for the taxpayer of TAX."""
        for year in range(count):
            assert self.look(TAX | {"born": str(1950 + year)}, msisdn=msisdn).name == "none"

    def guess_by_many(self) -> None:
        """As many strangers as lock a target."""
        for number in range(MISSES_ALLOWED_PER_TARGET):
            self.guess(f"+99293{number:07}", 1)

    def case(self, outcome: Outcome) -> CaseRow:
        return self.store.read(lambda tx: self.cases.get(tx, outcome.values["ref"]))


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    clock = Clock()
    with open_store(tmp_path, clock) as store:
        yield Village(store, clock)


def sample(register: str) -> Path:
    return PACKS / "tajikistan" / "samples" / f"{register}.csv"


def test_there_is_a_sample_for_every_register() -> None:
    assert {path.stem for path in SAMPLES} == set(shipped_pack().registers)


def test_every_row_of_the_samples_says_that_it_is_one(village: Village) -> None:
    village.load_all()
    standing = village.store.read(village.registers.standing)

    assert {one.name for one in standing if one.is_sample and one.count} == set(shipped_pack().registers)


@pytest.mark.parametrize(
    ("language", "values"),
    [
        (
            "tg",
            {"number": "АМ № 0001234", "activity": "Дорухона", "status": "амал мекунад", "valid_until": "31.12.2029"},
        ),
        ("ru", {"activity": "Аптека", "status": "действует", "as_of": "10.01.2027"}),
        ("en", {"activity": "Pharmacy", "status": "valid"}),
        ("tg-Latn", {"number": "AM No 0001234", "activity": "Dorukhona", "status": "amal mekunad"}),
    ],
)
def test_a_row_is_told_in_the_words_of_the_language(village: Village, language: str, values: dict[str, str]) -> None:
    village.load(sample("licences"))

    outcome = village.look(LICENCE, language)

    assert outcome.name == "found"
    assert {name: outcome.values[name] for name in values} == values


@pytest.mark.parametrize(
    ("register", "values"),
    [
        ("services", {}),
        ("licences", {"tin": "020025789"}),
        ("vacancies", {"place": "KT-YOV"}),
        ("offices", {"place": "GB-MUR"}),
        ("announcements", {"topic": "lessons"}),
        ("tax_deadlines", {}),
    ],
)
def test_samples_in_latin_letters_fit_gsm(village: Village, register: str, values: dict[str, str]) -> None:
    village.load(sample(register))
    words = RegisterWords(shipped_pack())
    found = village.store.read(lambda tx: village.registers.find(tx, register, values))

    shown = [word for row in found.rows for word in words.row(found.register, row.values, "tg-Latn").values()]

    assert len(found.rows) > 1
    assert [word for word in shown if gsm.encoding(word) != "GSM-7"] == []


@pytest.mark.parametrize("field", ["tin", "status.valid", "activity.pharmacy"])
def test_a_found_row_goes_on_by_the_case_that_the_screen_names(village: Village, field: str) -> None:
    village.load(sample("licences"))

    assert village.look(LICENCE | {"when": f"status.cancelled {field}"}).name == f"found.{field}"
    assert village.look(LICENCE | {"when": "status.cancelled"}).name == "found"


@pytest.mark.parametrize(
    ("number", "name"), [("6001", "found.valid_until.past"), ("1234", "found"), ("5555", "found")], ids=str
)
def test_a_day_that_is_over_is_told_apart(village: Village, number: str, name: str) -> None:
    village.load(sample("licences"))

    assert village.look(LICENCE | {"number": number, "when": "valid_until.past"}).name == name


def test_a_name_that_is_free_shows_those_near_it(village: Village) -> None:
    village.load(sample("businesses"))

    outcomes = [village.look({"register": "businesses", "name": name}) for name in ("Шифон намуна", "Зелёный сад")]

    assert [(outcome.name, [words for _, words in outcome.items]) for outcome in outcomes] == [
        ("near", ["Шифои намуна, Яванский р-н"]),
        ("none", []),
    ]


def test_questions_about_two_serials_with_the_same_digits_are_two(village: Village) -> None:
    asked = [village.do("ask_agency", LICENCE | {"number": number}) for number in ("АМ 1", "am 1", "БТ 1")]

    first, again, other = (outcome.values["ref"] for outcome in asked)
    assert first == again != other


def test_amounts_and_places_are_words_too(village: Village) -> None:
    village.load(sample("vacancies"))

    found = village.look({"register": "vacancies", "number": "K-0001"}, "en").values

    assert [found[name] for name in ("title", "pay", "place")] == ["Driver", "2,500 TJS", "Yovon"]


def test_an_answer_that_is_empty_counts_as_not_given(village: Village) -> None:
    village.load(sample("vacancies"))
    here = {"register": "vacancies", "place": "KT-YOV"}

    assert village.look(here | {"trade": ""}).name == "several"
    assert village.look(here | {"trade": "driver"}).name == "found"


def test_several_rows_are_a_list_and_one_is_chosen_from_it(village: Village) -> None:
    village.load(sample("licences"))

    several = village.look({"register": "licences", "tin": "020 025 789"})
    assert several.name == "several"
    assert [words for _, words in several.items] == [
        "АМ № 0001234: Аптека",
        "АМ № 0001235: Медицина",
    ]

    chosen = village.look({"register": "licences", "row": several.items[1][0]})
    assert (chosen.name, chosen.values["activity"]) == ("found", "Медицина")


@pytest.mark.parametrize(
    ("days", "known", "unknown"), [(0, "found", "none"), (25, "found", "none"), (26, "stale", "missing")]
)
def test_what_is_told_depends_on_the_age_of_the_copy(village: Village, days: int, known: str, unknown: str) -> None:
    village.load(sample("licences"))
    village.clock.move(days * DAY_S)

    here, not_here = village.look(LICENCE), village.look(LICENCE | {"number": "AM 7777777"})

    assert (here.name, not_here.name) == (known, unknown)
    assert here.values["as_of"] == not_here.values["as_of"] == "10.01.2027"


def test_without_a_copy_the_row_is_missing_and_not_denied(village: Village) -> None:
    assert village.look(LICENCE) == Outcome("missing")


def test_a_key_made_of_sql_finds_nothing(village: Village) -> None:
    village.load(sample("licences"))

    assert village.look(LICENCE | {"number": "' OR '1'='1"}).name == "none"
    assert village.look(LICENCE).name == "found"


def test_a_tree_that_looks_up_by_an_unknown_way_is_told(village: Village) -> None:
    with pytest.raises(RegisterError, match="licences is looked up by number; tin; not by holder"):
        village.look({"register": "licences", "holder": "x"})


# -- private registers


def test_a_private_row_needs_all_its_keys(village: Village) -> None:
    village.load(sample("taxes"))

    assert village.look(TAX, "tg").values["debt"] == "Қарз нест"
    assert village.look(TAX | {"born": "1979"}, "tg").name == "none"
    with pytest.raises(RegisterError):
        village.look({"register": "taxes", "tin": "020025789"})


def test_guessing_locks_the_phone_for_a_day(village: Village) -> None:
    village.load(sample("taxes"))
    village.guess(MINE)

    assert village.look(TAX).name == "locked"
    assert village.look(TAX | {"tin": "030011223", "born": "1985"}).name == "locked"
    assert village.look(TAX, msisdn=HERS).name == "found"

    village.clock.move(DAY_S + 1)
    assert village.look(TAX).name == "found"


def test_many_phones_lock_the_number_for_strangers_for_a_day(village: Village) -> None:
    village.load(sample("taxes"))
    village.guess_by_many()

    assert village.look(TAX).name == "locked"
    assert village.look(TAX | {"tin": "030011223", "born": "1985"}).name == "found"

    village.clock.move(DAY_S + 1)
    assert village.look(TAX).name == "found"


def test_many_phones_never_lock_one_that_found_it_before(village: Village) -> None:
    village.load(sample("taxes"))
    assert village.look(TAX).name == "found"
    village.clock.move(2 * DAY_S)
    village.guess_by_many()

    assert village.look(TAX).name == "found"
    assert village.look(TAX, msisdn=HERS).name == "locked"


def test_its_own_misses_lock_also_that_phone(village: Village) -> None:
    village.load(sample("taxes"))
    assert village.look(TAX).name == "found"
    village.guess(MINE)

    assert village.look(TAX).name == "locked"


def test_a_phone_that_is_forgotten_is_a_stranger(village: Village) -> None:
    village.load(sample("taxes"))
    assert village.look(TAX).name == "found"
    village.store.write(lambda tx: subscribers.forget(tx, MINE))
    village.guess_by_many()

    assert village.look(TAX).name == "locked"


def test_a_number_that_nobody_has_locks_as_one_that_somebody_has(village: Village) -> None:
    village.load(sample("taxes"))
    nobody = TAX | {"tin": "999999999"}
    for number in range(MISSES_ALLOWED_PER_TARGET):
        assert village.look(nobody, msisdn=f"+99293{number:07}").name == "none"

    assert village.look(nobody).name == "locked"


def test_sms_in_her_name_lock_sms_and_not_her_telephone(village: Village) -> None:
    village.load(sample("taxes"))
    for year in range(MISSES_ALLOWED):
        assert village.look_by_sms(TAX | {"born": str(1950 + year)}).name == "none"

    assert village.look_by_sms(TAX).name == "locked"
    assert village.look(TAX).name == "found"


def test_an_sms_is_a_strangers_even_from_a_number_that_found_it(village: Village) -> None:
    village.load(sample("taxes"))
    assert village.look(TAX).name == "found"
    for number in range(MISSES_ALLOWED_PER_TARGET):
        assert village.look_by_sms(TAX | {"born": "1950"}, f"+99293{number:07}").name == "none"

    assert village.look_by_sms(TAX).name == "locked"
    assert village.look(TAX, msisdn=HERS).name == "found"


def test_one_miss_less_locks_nothing(village: Village) -> None:
    village.load(sample("taxes"))
    for year in range(MISSES_ALLOWED - 1):
        village.look(TAX | {"born": str(1950 + year)})

    assert village.look(TAX).name == "found"


def test_misses_in_a_public_register_lock_nothing(village: Village) -> None:
    village.load(sample("licences"))
    for number in range(MISSES_ALLOWED + 1):
        village.look(LICENCE | {"number": f"AM 777777{number}"})

    assert village.look(LICENCE).name == "found"


def test_without_a_copy_there_is_nothing_to_guess(village: Village) -> None:
    for _ in range(MISSES_ALLOWED + 1):
        assert village.look(TAX).name == "missing"


def test_two_people_behind_one_key_are_both_kept_from_each_other(village: Village, tmp_path: Path) -> None:
    path = tmp_path / "passports.csv"
    lines = ["number,last,born,status", "40000001,5678,1985,ready", "40000002,5678,1985,refused"]
    path.write_text("\n".join(lines), "utf-8")
    village.load(path)
    both = {"register": "passports", "last": "5678", "born": "1985"}

    outcome = village.look(both)

    assert (outcome.name, outcome.items, set(outcome.values)) == ("missing", (), {"as_of"})
    assert village.look({"register": "passports", "number": "4000 0002"}, "en").values["status"] == "refused"


def test_a_private_row_cannot_be_asked_for_by_its_id(village: Village) -> None:
    village.load(sample("bills"))
    row_id = village.store.read(lambda tx: tx.value("SELECT id FROM register_rows"))

    with pytest.raises(RegisterError):
        village.look({"register": "bills", "row": row_id})


# -- questions to the agency


def test_a_question_goes_to_the_agency_of_the_register_with_what_was_looked_for(village: Village) -> None:
    case = village.case(village.do("ask_agency", LICENCE, "en"))

    assert (case.kind, case.topic, case.agency, case.language, case.msisdn) == (
        "question",
        "licences",
        "INV",
        "en",
        MINE,
    )
    assert case.text == "Иҷозатнома\nРақами иҷозатнома: AM 0001234"


def test_codes_and_places_are_words_in_a_question(village: Village) -> None:
    answers = {"register": "vacancies", "place": "KT-YOV", "trade": "driver"}

    case = village.case(village.do("ask_agency", answers))

    assert (case.place, case.text) == ("KT-YOV", "Ҷойи кор\nНоҳия: Ёвон\nКасб: Ронанда")


def test_a_row_from_a_list_is_named_in_a_question(village: Village) -> None:
    village.load(sample("licences"))
    row_id = village.look({"register": "licences", "tin": "020025789"}).items[0][0]

    case = village.case(village.do("ask_agency", {"register": "licences", "row": row_id}))

    assert case.text == "Иҷозатнома\nРақами иҷозатнома: АМ № 0001234"


def test_the_same_question_twice_is_one_case(village: Village) -> None:
    first = village.do("ask_agency", LICENCE)

    assert village.do("ask_agency", LICENCE | {"number": "ам № 0001234"}) == first
    assert village.do("ask_agency", LICENCE | {"number": "AM 0009999"}) != first
    assert village.do("ask_agency", LICENCE, msisdn=HERS) != first


def test_after_the_answer_a_question_is_a_new_one(village: Village) -> None:
    first = village.do("ask_agency", LICENCE)
    for kind in ("registered", statuses.ANSWERED):
        village.store.write(
            lambda tx, kind=kind: village.cases.record(tx, "INV", first.values["ref"], kind, "It is valid.")
        )

    assert village.do("ask_agency", LICENCE) != first


# -- announcements


def test_a_new_vacancy_is_told_by_trade_and_place_in_every_language(village: Village, tmp_path: Path) -> None:
    village.load(sample("vacancies"))
    assert village.told == []
    header, first, *_ = sample("vacancies").read_text("utf-8").splitlines()
    path = tmp_path / "vacancies.csv"
    path.write_text("\n".join([header, first, first.replace("K-0001", "K-9999")]), "utf-8")

    village.load(path)

    ((topic, place, texts),) = village.told
    assert (topic, place, set(texts)) == ("jobs.driver", "KT-YOV", {"tg", "ru", "en", "tg-Latn"})
    assert texts["en"] == "Driver, Yovon: 2,500 TJS. Tel +992900000001"
    assert gsm.encoding(texts["tg-Latn"]) == "GSM-7"


def test_an_announcement_without_a_place_is_for_everywhere(village: Village, tmp_path: Path) -> None:
    village.load(sample("announcements"))
    header, first, *_ = sample("announcements").read_text("utf-8").splitlines()
    path = tmp_path / "announcements.csv"
    path.write_text("\n".join([header, first.replace("S-1", "S-9")]), "utf-8")

    village.load(path)

    assert [(topic, place) for topic, place, _ in village.told] == [("school", "")]
