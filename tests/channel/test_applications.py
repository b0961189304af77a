"""What an agency gets of each application of the shipped pack: the kind, the topic that leads to it, and the words."""

from pathlib import Path

import pytest

from sado.store.tables.cases import CaseRow
from tests.support.phone import Phone
from tests.support.station import Station, open_station, shipped_pack

HERS = "+992900000001"
ENGLISH = "3"
NAME = "Rahimova Gulnora"

APPLICATIONS = {
    "a visit at a free time": (
        ["3", "1", "1", "Yovon", "1", "1", "1"],
        ("visit", "passport", "PAS", "KT-YOV", "", "Навбат: Шиноснома, 15.03.2027, 09:00."),
    ),
    "a visit without one": (
        ["3", "1", "6", "Yovon", "1", "1"],
        ("visit", "admin", "LOC", "KT-YOV", "", "Навбат: Ҳукумат. Вақтро идора муайян кунад."),
    ),
    "a job seeker": (
        ["3", "2", "5", "Yovon", "1", NAME, "2"],
        ("jobseeker", "jobs", "LAB", "KT-YOV", NAME, "Корҷӯ. Касб: Ронанда."),
    ),
    "social aid": (
        ["3", "3", "1", "2", "2", "1", "Yovon", "1", NAME, "Norin"],
        (
            "aid",
            "aid_check",
            "JAM",
            "KT-YOV",
            NAME,
            "Ҷамоат, деҳа: Norin. Маъюб ё нафақагир: Ҳа. Се кӯдаки то 16-сола: Не. Маоши доимӣ: Не.",
        ),
    ),
    "a doctor's call": (
        ["3", "4", "2", "Murghob", "1", "1"],
        ("callback", "doctor", "MHS", "GB-MUR", "", "Ба ин рақам занг занед. Барои: Кӯдак."),
    ),
    "a birth record": (
        ["3", "6", "1", NAME, "1985", "Yovon", "1", "1"],
        ("civil", "civil", "JUS", "KT-YOV", "", f"Нусхаи шаҳодатномаи таваллуд: {NAME}, 1985."),
    ),
    "a wedding": (
        ["3", "6", "2", "Gulnora, Daler", "14.7.2027", "Yovon", "1", "1"],
        ("civil", "civil", "JUS", "KT-YOV", "", "Ақди никоҳ: Gulnora, Daler, 14.07.2027."),
    ),
    "a street light": (
        ["2", "6", "4", "Sino", "1", "5 Ayni Street", "Dark since Monday", NAME, "1"],
        ("complaint", "municipal.light", "LOC", "DU-SIN", NAME, "Суроға: 5 Ayni Street. Dark since Monday"),
    ),
}


def filed_by(station: Station, *typed: str) -> CaseRow:
    """The case that a new phone files by typing these, after the language."""
    phone = Phone(station.client, HERS)
    phone.walk(ENGLISH, *typed)
    assert not phone.is_open, phone.screen
    return station.filed(HERS)[0]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_the_agency_gets_what_was_asked_for(name: str, tmp_path: Path) -> None:
    typed, expected = APPLICATIONS[name]
    with open_station(tmp_path) as station:
        station.load_samples("slots")
        case = filed_by(station, *typed)
    assert (case.kind, case.topic, case.agency, case.place, case.name, case.text) == expected


def test_news_that_was_read_does_not_get_into_a_later_complaint(tmp_path: Path) -> None:
    """A found row fills placeholders by its fields, among them `text` and `address`."""
    with open_station(tmp_path) as station:
        station.load_samples("announcements")
        read = ["6", "7", "1", "1", "Yovon", "1", "00"]
        case = filed_by(station, *read, "2", "6", "1", "Sino", "1", "5 Ayni", "It leaks", NAME, "1")
    assert case.text == "Суроға: 5 Ayni. It leaks"


def test_every_topic_that_can_be_chosen_or_set_has_an_agency() -> None:
    pack = shipped_pack()
    forms = [screen for screen in pack.tree.screens.values() if screen.effect == "open_case"]
    fixed = {screen.constants["topic"] for screen in forms if "{" not in screen.constants.get("topic", "{")}
    services = {option.value for option in pack.tree.screens["visit"].options}
    chosen = {option.value for name in ("appeal.topic", "municipal") for option in pack.tree.screens[name].options}
    assert fixed | services | chosen <= set(pack.routing)
    assert fixed and services and chosen
