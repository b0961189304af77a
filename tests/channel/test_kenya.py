"""A second country: nothing of what a phone meets is about the first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kenya import FILING, HERS, HIS, open_kenya, walked
from tests.support.phone import Phone
from tests.support.station import Station

HOUR_S = 3600


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_kenya(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(("language", "saved"), [("1", "Saved: "), ("2", "Imehifadhiwa: ")])
def test_a_complaint_is_filed_in_either_language(station: Station, language: str, saved: str) -> None:
    phone = walked(station, language, *FILING[1:])
    (case,) = station.filed(HERS)
    assert phone.screen.startswith(f"{saved}{case.reference}")
    assert (case.kind, case.topic, case.place, case.agency) == ("complaint", "water", "KE-17", "WSR")
    assert (case.name, case.text, case.language) == ("Ali Otieno", "No water", {"1": "en", "2": "sw"}[language])


def test_its_answer_is_read_on_the_phone_that_filed_it(station: Station) -> None:
    phone = walked(station, *FILING)
    reference = station.filed(HERS)[0].reference
    assert phone.walk("1", "1", reference).startswith(f"No {reference}: Saved (as of 15/01/2027)")
    station.agency(reference, "registered")
    station.agency(reference, "in_review")
    station.agency(reference, "answered", "The pipe is repaired.")
    assert phone.walk("1", "2", "1", "1") == "The pipe is repaired.\n0 Back"


def test_a_term_is_shown_for_what_the_law_has_a_term_for(station: Station) -> None:
    phone = walked(station, "1", "2", "2", *FILING[3:])
    reference = station.filed(HERS)[0].reference
    station.agency(reference, "registered")
    assert phone.walk("1", "1", reference).split("\n")[0].endswith("Answer due by 05/02/2027.")


def test_a_complaint_without_a_term_is_promised_none(station: Station) -> None:
    phone = walked(station, *FILING)
    reference = station.filed(HERS)[0].reference
    station.agency(reference, "registered")
    assert phone.walk("1", "1", reference).split("\n")[0] == f"No {reference}: Registered (as of 15/01/2027)"


def test_a_register_is_looked_up_and_a_question_asked_where_it_cannot_answer(station: Station) -> None:
    phone = walked(station, "1", "3", "Kisumu", "1")
    assert phone.screen.startswith("Your question is saved: ")
    station.load_samples("offices")
    assert phone.walk("3", "Kisumu", "1").startswith("Service centre of Kisumu: 08:00-17:00 (as of 15/01/2027)")
    assert phone.walk("3", "Mombasa", "1").startswith("No centre there (as of 15/01/2027).")


def test_a_place_is_chosen_from_the_list_of_regions(station: Station) -> None:
    phone = walked(station, *FILING[:4], "Nowhere")
    assert phone.screen.startswith("Part of the country:\n1 Nairobi\n2 Coast")
    assert phone.reply("2") == "1 Kwale\n2 Mombasa\n0 Back"
    assert phone.reply("2").startswith("Describe the matter")


def test_a_number_in_its_national_form_is_the_same_phone(station: Station) -> None:
    walked(station, "1")
    other = Phone(station.client, "0700000001")
    assert other.dial().startswith("1 Status of my case")
    assert Phone(station.client, HIS).dial().startswith("1 English\n2 Kiswahili")
