"""Forms become cases: what the law of their pack does not let be filed is refused, and nothing of it is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases.errors import NamelessError
from sado.cases.law import UnknownKindError
from sado.menus.engine import Effect, Outcome
from tests.support.kenya import HERS, open_kenya
from tests.support.station import Station

FORM = {"kind": "complaint", "topic": "water", "name": "Ali Otieno", "text": "No water"}


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_kenya(tmp_path) as station:
        yield station


def file(station: Station, **answers: str) -> Outcome:
    effect = Effect("open_case", FORM | answers, "en")
    return station.store.write(lambda tx: station.effects.perform(tx, HERS, effect))


@pytest.mark.parametrize(
    ("answers", "error"),
    [({"name": ""}, NamelessError), ({"name": "—"}, NamelessError), ({"kind": "x"}, UnknownKindError)],
)
def test_what_the_law_does_not_examine_is_not_filed(
    station: Station, answers: dict[str, str], error: type[ValueError]
) -> None:
    with pytest.raises(error):
        file(station, **answers)
    assert station.filed(HERS) == []


@pytest.mark.parametrize("answers", [{}, {"kind": "request", "name": ""}])
def test_what_it_examines_is_a_case_at_the_agency_of_its_topic(station: Station, answers: dict[str, str]) -> None:
    filed = file(station, **answers)
    assert filed.is_filed and filed.values["pin"]
    (case,) = station.filed(HERS)
    assert (case.reference, case.agency) == (filed.values["ref"], "WSR")
