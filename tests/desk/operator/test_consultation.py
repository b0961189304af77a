"""The results of polls and ratings on the operator's page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from sado.cases.residents.consultation import FEWEST, Consultation
from sado.desk.operator.consultation import described
from sado.menus.pack import Pack
from sado.menus.tree import Option, Screen
from sado.store.tables import consultation as tallies
from sado.sync import outbox
from tests.support.browser import PACK, Desk

POLL = "poll.certificate"


@pytest.fixture
def operator(desk: Desk) -> FlaskClient:
    return desk.signed_in("operator")


def page(client: FlaskClient) -> str:
    """The words of the page, spaces made single."""
    return re.sub(r"\s+", " ", client.get("/consultation").text)


def vote(desk: Desk, choice: str, times: int, first: int = 0, subject: str = POLL) -> None:
    """So many phones choose this."""
    counted = Consultation(has_upstream=False)
    for number in range(first, first + times):
        desk.store.write(lambda tx, n=number: counted.count(tx, subject, choice, f"+99290{n:07}"))


def test_an_empty_page_says_something_friendly(operator: FlaskClient) -> None:
    assert "Nobody has voted yet." in page(operator)


def test_it_is_one_of_the_operator_s_pages_and_of_nobody_else(desk: Desk, operator: FlaskClient) -> None:
    assert '<a href="/consultation" >Consultation</a>' in operator.get("/operator").text
    assert '<a href="/consultation" aria-current="page">' in operator.get("/consultation").text
    assert "/consultation" not in desk.signed_in("officer").get("/agency").text
    assert desk.signed_in("officer").get("/consultation").status_code == 403
    assert desk.visitor().get("/consultation").status_code == 302


def test_counts_and_shares_are_shown(desk: Desk, operator: FlaskClient) -> None:
    vote(desk, "yes", 15)
    vote(desk, "no", 5, first=15)
    words = page(operator)
    assert re.search(r'"Choice">yes</td> <td data-label="Votes">15</td> <td data-label="Share">75 %', words)
    assert re.search(r'"Choice">no</td> <td data-label="Votes">5</td> <td data-label="Share">25 %', words)
    assert "Answers in all: 20" in words
    assert '<rect width="75.0%"' in words and "style=" not in words


def test_few_votes_are_not_shown_and_one_more_shows_them(desk: Desk, operator: FlaskClient) -> None:
    vote(desk, "yes", FEWEST - 1)
    words = page(operator)
    assert f"Fewer than {FEWEST} answers." in words
    assert f">{FEWEST - 1}<" not in words and "<table>" not in words
    vote(desk, "no", 1, first=FEWEST)
    assert f'data-label="Votes">{FEWEST - 1}<' in page(operator)


def with_polls(pack: Pack) -> Pack:
    """The pack with a poll and a rating as its trees would have them."""
    yes, no = (
        Option(key, {"en": words, "ru": words}, "", value)
        for key, words, value in (("1", "Yes", "y"), ("2", "No", "n"))
    )
    screens = {
        POLL: Screen(POLL, {"en": "Was it easy?"}, (yes, no)),
        f"{POLL}.count": Screen(f"{POLL}.count", effect="vote", constants={"subject": POLL}),
        "rate": Screen("rate", {"en": "Rate the service:"}, (yes, no)),
        "rate.count": Screen("rate.count", effect="vote", constants={"subject": "rate.{service}"}),
    }
    labels = {**pack.tree.labels, ("service", "passport"): {"en": "Passport or ID card"}}
    return replace(pack, tree=replace(pack.tree, screens={**pack.tree.screens, **screens}, labels=labels))


@pytest.mark.parametrize(
    ("subject", "question", "about", "choices"),
    [
        (POLL, "Was it easy?", "", ["Yes", "No", "maybe"]),
        ("rate.passport", "Rate the service:", "Passport or ID card", ["Yes", "No", "maybe"]),
        ("rate.unheard_of", "Rate the service:", "unheard_of", ["Yes", "No", "maybe"]),
        ("poll.of_last_year", "poll.of_last_year", "", ["maybe", "n"]),
        ("root", "root", "", ["maybe", "n"]),
    ],
)
def test_words_and_order_come_from_the_screen_that_asks(
    desk: Desk, subject: str, question: str, about: str, choices: list[str]
) -> None:
    with desk.app.test_request_context(headers={"Accept-Language": "en"}):
        found = described(with_polls(PACK), subject, {"maybe": 4, "n": 12})
    assert (found.question, found.about, found.votes) == (question, about, 16)
    assert [choice.words for choice in found.choices or []] == choices
    assert {choice.words: choice.votes for choice in found.choices or []}["maybe"] == 4


def test_what_another_station_made_up_is_shown_as_text(desk: Desk, operator: FlaskClient) -> None:
    vote(desk, "<script>alert(1)</script>", FEWEST, subject="<b>poll</b>")
    assert "<script>" not in page(operator) and "<b>poll" not in page(operator)
    assert "&lt;b&gt;poll" in page(operator)


def test_it_says_which_station_counted_how_many(desk: Desk, operator: FlaskClient) -> None:
    vote(desk, "yes", FEWEST)
    assert "Counted by" not in page(operator)
    for _ in range(FEWEST + 1):
        desk.store.write(lambda tx: tallies.add(tx, POLL, "no", outbox.station(7)))
    assert f"Counted by: station 007: {FEWEST + 1}; this station: {FEWEST}" in page(operator)
