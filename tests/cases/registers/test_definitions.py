"""What a pack may say of a register, and how it is told what it may not."""

from copy import deepcopy
from typing import Any

import pytest

from sado.cases.errors import PackDataError
from sado.cases.registers.definitions import definitions
from tests.support.registers import LANGUAGES, RAW

AGENCIES = {"INV", "TAX"}


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("licences", "id"), ["nothing"], "licences.id: nothing is no field of it"),
        (("licences", "find_by"), [["what"]], "what is of type texts"),
        (("licences", "id"), ["holder"], "holder names a row, so it must be required"),
        (("licences", "until"), "tin", "until is tin, which is no field of type date"),
        (("licences", "announce", "at"), "tin", "announce.at is tin, which is no field of type place"),
        (("licences", "line"), {"tg": "{nothing}", "ru": "x"}, "nothing is no field of it"),
        (("licences", "line"), {"tg": "x"}, "line: no text in ru"),
        (("licences", "title"), {}, "title: no text in tg, ru"),
        (("licences", "private"), True, "a private register lists and announces nothing"),
        (("licences", "agency"), "XXX", "XXX is no agency"),
        (("licences", "fields", "tin", "length"), 0, "tin: digits, and only digits, need a length"),
        (("licences", "fields", "tin", "label"), {}, "tin needs a label"),
        (("licences", "fields", "kind", "words"), {}, "kind: a code needs words"),
        (("licences", "fields", "sample"), {"type": "text"}, "no field can have this name"),
        (("licences", "fields", "tin", "type"), "tin", "Invalid enum value 'tin'"),
        (("licences", "fresh"), 3, "unknown field `fresh`"),
    ],
)
def test_a_wrong_definition_is_told(path: tuple[str, ...], value: object, says: str) -> None:
    raw = deepcopy(dict(RAW))
    *way, last = path
    place: Any = raw
    for step in way:
        place = place[step]
    place[last] = value

    with pytest.raises(PackDataError) as error:
        definitions(raw, LANGUAGES, AGENCIES)
    assert says in str(error.value)


def test_all_faults_are_told_at_once() -> None:
    raw = deepcopy(dict(RAW))
    raw["licences"]["agency"], raw["taxes"]["find_by"] = "XXX", [["nothing"]]

    with pytest.raises(PackDataError, match=r"XXX is no agency[\s\S]*nothing is no field"):
        definitions(raw, LANGUAGES, AGENCIES)
