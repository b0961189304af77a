"""The table of effects: a screen that breaks its contract is told how."""

import pytest

from sado.menus.effects import EFFECTS, broken
from sado.menus.tree import Screen


def asking(effect: str, **changed: object) -> Screen:
    """A screen that keeps the contract of this effect."""
    contract = EFFECTS.get(effect)
    outcomes = dict.fromkeys(contract.outcomes, "end") if contract else {}
    needs = contract.needs if contract else ()
    return Screen("odd", **{"effect": effect, "inputs": needs, "outcomes": outcomes, **changed})


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_screen_that_keeps_the_contract_is_not_broken(effect: str) -> None:
    assert list(broken(asking(effect))) == []


@pytest.mark.parametrize("effect", EFFECTS)
def test_each_way_that_is_forgotten_is_told(effect: str) -> None:
    for outcome in EFFECTS[effect].outcomes:
        ways = {name: "end" for name in EFFECTS[effect].outcomes if name != outcome} | {"surprise": "end"}
        found = list(broken(asking(effect, outcomes=ways)))
        assert f"{effect} may also end as {outcome}: say under `go` where to" in found
        assert any(says.startswith(f"{effect} never ends as surprise") for says in found)


@pytest.mark.parametrize("effect", [name for name, contract in EFFECTS.items() if contract.needs])
def test_an_answer_that_is_not_handed_over_is_told(effect: str) -> None:
    (says,) = broken(asking(effect, inputs=()))
    assert says.startswith(f"{effect} needs the answers {EFFECTS[effect].needs[0]}")


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_answer_may_be_written_instead_of_taken(effect: str) -> None:
    constants = dict.fromkeys(EFFECTS[effect].needs, "x")
    assert list(broken(asking(effect, inputs=(), constants=constants))) == []


@pytest.mark.parametrize("words", ["text", "note"])
def test_words_of_the_screen_are_what_is_sent(words: str) -> None:
    said = {"text": {"en": "Words"}} if words == "text" else {"note": "Words"}
    assert list(broken(asking("send_sms", inputs=(), **said))) == []


def test_a_found_row_may_lead_to_more_than_one_screen() -> None:
    ways = {**asking("lookup").outcomes, "found.status.ready": "end"}
    assert list(broken(asking("lookup", outcomes=ways))) == []


def test_an_effect_that_does_not_exist_is_told_with_those_that_do() -> None:
    (says,) = broken(asking("open_door"))
    assert says == f"there is no effect 'open_door'; the effects are: {', '.join(EFFECTS)}"


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_says_what_it_does_and_ends_somehow(name: str) -> None:
    assert EFFECTS[name].does and EFFECTS[name].outcomes
