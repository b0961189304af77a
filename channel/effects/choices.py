"""The effects of what residents choose for themselves: a language, votes, subscriptions, wishes about their data."""

from __future__ import annotations

from collections.abc import Mapping

from sado.cases import access
from sado.cases.residents import replies
from sado.cases.residents.consultation import Consultation
from sado.cases.residents.privacy import Privacy
from sado.channel.effects.contract import Handler
from sado.channel.effects.words import day
from sado.menus.engine import Effect, Outcome
from sado.menus.pack import Pack
from sado.store import Transaction
from sado.store.tables import subscribers, subscriptions
from sado.store.tables.subscriptions import Subscription

# Parts the topic from the place in what a list of subscriptions gives back.
AT = "@"


class Choices:
    """Performs these effects for one station and pack."""

    def __init__(self, pack: Pack, consultation: Consultation, privacy: Privacy) -> None:
        self._pack = pack
        self._consultation = consultation
        self._privacy = privacy

    def handlers(self) -> Mapping[str, Handler]:
        """Each effect by its name in a tree."""
        return {
            "remember_language": self._remember_language,
            "vote": self._vote,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "my_subscriptions": self._my_subscriptions,
            "stop_sms": self._stop_sms,
            "start_sms": self._start_sms,
            "stored": self._stored,
            "forget": self._forget,
            "forget_case": self._forget_case,
            "new_pin": self._new_pin,
        }

    def _remember_language(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        subscribers.remember_language(tx, msisdn, effect.language)
        return Outcome("done")

    def _vote(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        subject, choice = effect.answers["subject"], effect.answers["choice"]
        voter = effect.answers.get("reference") or msisdn
        return Outcome("counted" if self._consultation.count(tx, subject, choice, voter) else "again")

    def _subscribe(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        topic, place = effect.answers["topic"], effect.answers["place"]
        return Outcome("done" if subscriptions.add(tx, msisdn, topic, place) else "already")

    def _unsubscribe(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        topic, _, place = effect.answers["subscription"].partition(AT)
        subscriptions.remove(tx, msisdn, topic, place)
        return Outcome("done")

    def _my_subscriptions(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        chosen = subscriptions.of(tx, msisdn)
        if not chosen:
            return Outcome("none")
        items = [(f"{choice.topic}{AT}{choice.place}", self._words(choice, effect.language)) for choice in chosen]
        return Outcome("some", items=items)

    def _stop_sms(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        # An SMS in her name that no answer can follow: she would not learn that she gets no more.
        if effect.is_proven or replies.may_answer(tx, msisdn):
            subscribers.set_muted(tx, msisdn, True)
        return Outcome("done")

    def _start_sms(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        subscribers.set_muted(tx, msisdn, False)
        return Outcome("done")

    def _stored(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        kept = subscribers.stored(tx, msisdn)
        values = {
            "cases": str(kept.cases),
            "drafts": str(kept.drafts),
            "subscriptions": str(kept.subscriptions),
            "date": "-" if kept.since is None else day(self._pack, kept.since, effect.language),
        }
        return Outcome("done", values)

    def _forget(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        if not effect.is_proven:
            return Outcome("unproven")
        self._privacy.forget(tx, msisdn)
        return Outcome("done")

    def _forget_case(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        reference, pin = effect.answers["reference"], effect.answers.get("pin", "")
        case = access.open_for(tx, reference, msisdn, pin, is_proven=effect.is_proven)
        if isinstance(case, access.Refusal):
            return Outcome("wrong")
        self._privacy.forget_case(tx, case.reference)
        return Outcome("done", {"ref": case.reference})

    def _new_pin(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        if not effect.is_proven:
            return Outcome("unproven")
        reference = effect.answers["reference"]
        pin = access.new_pin(tx, reference, msisdn)
        return Outcome("wrong") if pin is None else Outcome("done", {"ref": reference, "pin": pin})

    def _words(self, chosen: Subscription, language: str) -> str:
        """The topic and the place as a list shows them; what the pack has no words for shows as it is."""
        topic = self._pack.case_word("topic", chosen.topic, language)
        return f"{topic}, {self._pack.gazetteer.short_name(chosen.place, language)}" if chosen.place else topic
