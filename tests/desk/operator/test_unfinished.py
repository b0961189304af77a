"""Forms that were left half-way, on the operator's page."""

from __future__ import annotations

import re

import msgspec
import pytest
from flask.testing import FlaskClient

from sado.menus.session import Session
from sado.store.tables import drafts
from tests.support.browser import PACK, Desk

MATTER = "Дар деҳаи мо се рӯз боз об нест."


def left(desk: Desk, form: str = "appeal.place", **answers: str) -> None:
    """A phone leaves a form at this point."""
    session = Session(tree=PACK.tree.version, language="ru", screen="appeal.name", form=form, answers=answers)
    state = msgspec.json.encode(session).decode()
    desk.store.write(lambda tx: drafts.save(tx, 0, "+992900000001", state))


@pytest.fixture
def operator(desk: Desk) -> FlaskClient:
    return desk.signed_in("operator")


def page(client: FlaskClient) -> str:
    return re.sub(r"\s+", " ", client.get("/unfinished").text)


def test_an_empty_page_says_so(operator: FlaskClient) -> None:
    assert "No form was left half-way." in page(operator)


def test_a_form_shows_what_it_is_about_and_how_far_it_came(desk: Desk, operator: FlaskClient) -> None:
    left(desk, kind="complaint", topic="water", place="KT-YOV", text=MATTER)
    words = page(operator)
    assert "Complaint: Water" in words
    assert "Yovon" in words
    assert ">written<" in words


def test_it_shows_neither_the_matter_nor_the_name_nor_the_number(desk: Desk, operator: FlaskClient) -> None:
    left(desk, kind="complaint", topic="water", text=MATTER, name="Раҳимова Гулнора")
    words = page(operator)
    assert not any(secret in words for secret in (MATTER, "Раҳимова", "900000001"))


def test_a_place_that_the_list_no_longer_has_shows_as_its_code(desk: Desk, operator: FlaskClient) -> None:
    left(desk, place="KT-OLD")
    assert "KT-OLD" in page(operator)


def test_a_form_of_another_version_shows_as_its_code(desk: Desk, operator: FlaskClient) -> None:
    left(desk, form="form.of.last.year")
    assert "form.of.last.year" in page(operator)


def test_it_is_for_operators_only(desk: Desk) -> None:
    assert desk.signed_in("officer").get("/unfinished").status_code == 403
    assert desk.visitor().get("/unfinished").status_code == 302
