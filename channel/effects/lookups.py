"""The effects that look into registers, and ask the agency where the station's copy cannot answer."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence

from sado.cases.payloads import Appeal
from sado.cases.registers import questions, rate_limit
from sado.cases.registers.definitions import Register, RegisterError
from sado.cases.registers.field_types import Field
from sado.cases.registers.lookup import Found, Registers, Row, Values
from sado.cases.service import Cases
from sado.channel.effects import rate_limited
from sado.channel.effects.contract import Handler
from sado.channel.effects.register_words import RegisterWords
from sado.menus.effects import PRESSED
from sado.menus.engine import Effect, Outcome
from sado.menus.misfits import Misfit, MisfitError
from sado.menus.pack import Pack
from sado.store import Transaction

# What a day may be called under a screen's `when`.
PAST = "past"


class Lookups:
    """Performs `lookup` and `ask_agency`. Both take the answers `register`, its name, and either the fields that it is
    looked up by or `row`, which was chosen from a list; an answer that is empty counts as not given.

    `lookup` goes on by one of: found (or a case of it that the screen names under `when`: found.status.ready), several
    (a list of at most 30), near (no row has the name, a list of those that nearly have it), none, stale (found in an
    old copy), missing (the copy is old or not there, and does not have it), locked (too many misses in a private
    register)."""

    def __init__(self, cases: Cases, pack: Pack, registers: Registers) -> None:
        """Raises MisfitError for a pack that looks up in vain: better at the start than in a resident's session."""
        if faults := list(misfits(pack, registers)):
            raise MisfitError(faults)
        self._cases = cases
        self._pack = pack
        self._registers = registers
        self._words = RegisterWords(pack)

    def handlers(self) -> Mapping[str, Handler]:
        """The effects by their names in trees."""
        return {"lookup": self._lookup, "ask_agency": self._ask_agency}

    def _lookup(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        name, row_id, values = _asked(effect)
        today = self._registers.today(tx.now)
        if not self._registers.get(name).private:
            result = self._found(tx, name, row_id, values)
            return self._outcome(result, effect, today)
        target = f"{name} {self._registers.target(name, values)}"
        if rate_limit.is_locked(tx, target, msisdn, effect.is_proven):
            return Outcome("locked")
        result = self._registers.find(tx, name, values)
        if len(result.rows) == 1:
            rate_limit.note_found(tx, target, msisdn, effect.is_proven)
        elif result.as_of and not result.rows:
            rate_limit.note_miss(tx, target, msisdn, effect.is_proven)
        return self._outcome(result, effect, today)

    def _found(self, tx: Transaction, name: str, row_id: str, values: Mapping[str, str]) -> Found:
        return self._registers.find_row(tx, name, row_id) if row_id else self._registers.find(tx, name, values)

    def _outcome(self, result: Found, effect: Effect, today: datetime.date) -> Outcome:
        language = effect.language
        dated = {"as_of": self._words.date(result.as_of, language)} if result.as_of else {}
        if not result.rows and result.near and not result.is_stale:
            return self._listed("near", result.register, result.near, language, dated)
        if not result.rows:
            return Outcome("missing" if result.is_stale else "none", dated)
        if len(result.rows) > 1:
            return self._several(result, language, dated)
        values = result.rows[0].values
        name = "stale" if result.is_stale else _found_as(effect, result.register, values, today)
        return Outcome(name, self._words.row(result.register, values, language) | dated)

    def _several(self, result: Found, language: str, dated: Mapping[str, str]) -> Outcome:
        """A list; never of persons, of whom one must not see another's row."""
        if result.register.private:
            return Outcome("missing", dated)
        return self._listed("several", result.register, result.rows, language, dated)

    def _listed(
        self, outcome: str, register: Register, rows: Sequence[Row], language: str, dated: Mapping[str, str]
    ) -> Outcome:
        return Outcome(outcome, dated, [(row.id, self._words.line(register, row.values, language)) for row in rows])

    def _ask_agency(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        name, row_id, values = _asked(effect)
        register = self._registers.get(name)
        if row_id:
            rows = self._registers.find_row(tx, name, row_id).rows
            values = {part: str(rows[0].values[part]) for part in register.id} if rows else {}
        question = Appeal(
            kind=questions.KIND,
            topic=name,
            place=values.get("place", ""),
            agency=register.agency,
            language=effect.language,
            msisdn=msisdn,
            name="",
            text=self._words.asked(register, values),
        )
        what = f"{name} row {row_id}" if row_id else f"{name} {self._registers.asked(name, values)}"
        if earlier := questions.asked(tx, what, msisdn):
            return rate_limited.saved(earlier)
        if outcome := rate_limited.held(tx, self._cases, self._pack, msisdn, effect):
            return outcome
        filed = self._cases.open(tx, question, is_proven=effect.is_proven)
        questions.remember(tx, what, msisdn, filed)
        return rate_limited.saved(filed)


def misfits(pack: Pack, registers: Registers) -> Iterator[Misfit]:
    """The screens that look up what their register does not have."""
    for screen in pack.tree.screens.values():
        if screen.effect not in ("lookup", "ask_agency"):
            continue
        try:
            register = registers.get(screen.constants["register"])
        except RegisterError as error:
            yield "", (screen.id,), str(error)
            continue
        wanted = {*screen.inputs, *screen.constants} - {"register", "when", PRESSED}
        searches = [set(fields) for fields in register.find_by] + ([] if register.private else [{"row"}])
        if wanted not in searches:
            possible = "; ".join(", ".join(sorted(fields)) or "nothing" for fields in searches)
            yield "", (screen.id,), f"{screen.constants['register']} is looked up by {possible}"
        for case in screen.constants.get("when", "").split():
            name, _, value = case.partition(".")
            if name not in register.fields or not _can_be(register.fields[name], value):
                yield "", (screen.id,), f"no row of {screen.constants['register']} is ever {case}"


def _can_be(field: Field, value: str) -> bool:
    return not value or value in field.words or (field.type == "date" and value == PAST)


def _found_as(effect: Effect, register: Register, values: Values, today: datetime.date) -> str:
    """`found`, or the first of the screen's cases that the row is: a field with this value, with any, or a day that is
    past."""
    for case in effect.answers.get("when", "").split():
        name, _, wanted = case.partition(".")
        value = str(values.get(name, ""))
        is_past = wanted == PAST and register.fields[name].type == "date" and value < today.isoformat()
        if value and (is_past or wanted in ("", value)):
            return f"found.{case}"
    return "found"


def _asked(effect: Effect) -> tuple[str, str, dict[str, str]]:
    """The register, the row if one was chosen, and the values to look for."""
    values = {name: value for name, value in effect.answers.items() if value}
    for other in ("when", PRESSED):
        values.pop(other, "")
    return values.pop("register"), values.pop("row", ""), values
