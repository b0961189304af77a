"""What residents read of their cases, and add to them: where each stands, until when it is to be answered, and the
answer."""

from __future__ import annotations

from collections.abc import Mapping

from sado.cases import access, statuses, views
from sado.cases.access import Refusal
from sado.cases.errors import CaseFullError
from sado.cases.residents.additions import Additions
from sado.cases.service import Cases
from sado.channel.effects.contract import Handler
from sado.channel.effects.words import day
from sado.menus.engine import Effect, Outcome
from sado.menus.invisible import clean
from sado.menus.pack import Pack
from sado.store import Transaction
from sado.store.tables.cases import CaseRow


class Reading:
    """Shows cases to the phone that filed them, and to whoever has number and PIN."""

    def __init__(self, cases: Cases, pack: Pack) -> None:
        self._cases = cases
        self._additions = Additions(cases)
        self._pack = pack

    def handlers(self) -> Mapping[str, Handler]:
        """Each effect by its name."""
        return {
            "my_cases": self._mine,
            "read_case": self._read,
            "read_answer": self._answer,
            "finished_case": self._finished,
            "add_text": self._add,
        }

    def _mine(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        """Numbers and statuses only: a list on a shared phone does not say what the appeals are about."""
        cases = views.mine(tx, msisdn)
        if not cases:
            return Outcome("none")
        items = [(case.reference, f"{case.reference} {self._status(case, effect)}") for case in cases]
        return Outcome("some", items=items)

    def _read(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        """`waiting` until an agency registers the case: only then the law's term runs, and is shown (`running`)."""
        case = self._opened(tx, msisdn, effect)
        if isinstance(case, Refusal):
            return Outcome(case.value)
        values = {
            "ref": case.reference,
            "status": self._status(case, effect),
            "date": day(self._pack, self._cases.as_of(tx, case), effect.language),
            "due": day(self._pack, case.due_at, effect.language) if case.due_at else "",
        }
        if views.last_words(tx, case.reference):
            return Outcome("replied", values)
        return Outcome("running" if case.due_at else "waiting", values)

    def _answer(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        case = self._opened(tx, msisdn, effect)
        if isinstance(case, Refusal):
            return Outcome(Refusal.LOCKED.value if case is Refusal.LOCKED else Refusal.WRONG.value)
        # Agencies write in their own script; who chose another one may have a phone that cannot show it.
        words = self._pack.languages.romanised(views.last_words(tx, case.reference), effect.language)
        return Outcome("replied", {"answer": clean(words)})

    def _finished(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        case = self._opened(tx, msisdn, effect)
        if isinstance(case, Refusal):
            return Outcome(case.value)
        return Outcome("finished" if case.status in statuses.DONE else "open", {"ref": case.reference})

    def _add(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        case = self._opened(tx, msisdn, effect, is_reading=False)
        if isinstance(case, Refusal):
            return Outcome(case.value)
        try:
            outcome = "saved" if self._additions.add(tx, case, effect.answers["text"]) else "over"
        except CaseFullError:
            outcome = "full"
        return Outcome(outcome, {"ref": case.reference})

    def _opened(self, tx: Transaction, msisdn: str, effect: Effect, *, is_reading: bool = True) -> CaseRow | Refusal:
        reference, pin = effect.answers["reference"], effect.answers.get("pin", "")
        return access.open_for(tx, reference, msisdn, pin, is_proven=effect.is_proven, is_reading=is_reading)

    def _status(self, case: CaseRow, effect: Effect) -> str:
        return self._pack.status(case.status, effect.language)
