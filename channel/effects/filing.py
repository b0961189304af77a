"""What residents file: forms become cases."""

from __future__ import annotations

from collections.abc import Mapping

from sado.cases.law import Law
from sado.cases.payloads import Appeal
from sado.cases.service import Cases
from sado.channel.effects import rate_limited
from sado.channel.effects.contract import Handler
from sado.menus.engine import Effect, Outcome
from sado.menus.pack import Pack
from sado.store import Transaction


class Filing:
    """Opens cases. A form is checked by the law of its own pack, so that it can be filed as it was begun although a
    newer law came meanwhile; the terms of the case are the newer law's."""

    def __init__(self, cases: Cases, pack: Pack) -> None:
        self._cases = cases
        self._pack = pack
        self._law = Law.read(pack.law)

    def handlers(self) -> Mapping[str, Handler]:
        """Each effect by its name."""
        return {"open_case": self._open}

    def _open(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        """A case of `kind` on `topic`, at the agency that answers for the topic; a form may do without the rest.
        Raises UnknownKindError or NamelessError, which the checks of the pack let no form come to."""
        answers = effect.answers
        appeal = Appeal(
            kind=answers["kind"],
            topic=answers["topic"],
            place=answers.get("place", ""),
            agency=self._pack.routing[answers["topic"]],
            language=effect.language,
            msisdn=msisdn,
            name=answers.get("name", ""),
            text=answers.get("text", ""),
        )
        self._law.check(appeal.kind, appeal.name)
        if outcome := rate_limited.held(tx, self._cases, self._pack, msisdn, effect):
            return outcome
        return rate_limited.saved(self._cases.open(tx, appeal, is_proven=effect.is_proven))
