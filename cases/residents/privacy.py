"""A resident's wish to have her number deleted, here and upstream."""

from __future__ import annotations

import msgspec

from sado.cases.authorisation import check_case
from sado.cases.errors import UnknownCaseError, UnknownEventError
from sado.cases.payloads import OPENED, Opened, Reference
from sado.store import Transaction
from sado.store.tables import cases as rows
from sado.store.tables import outbox as entries
from sado.store.tables import quarantine, received_events, subscribers
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import EntryKind

FORGOTTEN = EntryKind.PRIVACY_FORGOTTEN


class Forgotten(msgspec.Struct, frozen=True):
    """The event that tells the upstream to take the number off a case."""

    reference: Reference


class _Numbered(msgspec.Struct):
    """As much of any body as tells whose it is."""

    msisdn: str = ""


class Privacy:
    """What is deleted at one station. `has_upstream` says whether their cases were sent on."""

    def __init__(self, has_upstream: bool) -> None:
        self._has_upstream = has_upstream

    def forget(self, tx: Transaction, msisdn: str) -> None:
        """Delete the number and all that was chosen from it, for good.

        The law keeps an appeal itself, so her cases stay, without the number: no SMS comes about them, and no phone
        opens them without reference and PIN. Alerts that wait find nobody to go to. Left are keyed hashes that lead
        nowhere: ballots, so that nobody votes twice, and the counts of wrong PINs and of filings, for two days. What
        she typed lies sealed in her sessions for a week; if she asked by SMS, the answer with her number in the outbox
        for two."""
        for reference in rows.references_of(tx, msisdn):
            self.forget_case(tx, reference)
        subscribers.forget(tx, msisdn)

    def forget_case(self, tx: Transaction, reference: str) -> None:
        """Take the number off one case: somebody filed it from a phone that is not hers."""
        case = rows.find(tx, reference)
        _empty_aside(tx, reference, case.msisdn if case else "")
        _unlink(tx, reference)
        if self._has_upstream:
            body = msgspec.json.encode(Forgotten(reference)).decode()
            outbox.put(tx, outbox.UPSTREAM, FORGOTTEN, reference, body)

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        """Take the number off a case that a downstream station filed; a second time changes nothing.

        Raises msgspec.ValidationError, UnknownCaseError, ForeignEventError or UnknownEventError: the caller keeps the
        event aside."""
        if event.kind != FORGOTTEN:
            raise UnknownEventError(event.kind)
        reference = msgspec.json.decode(event.body, type=Forgotten).reference
        check_case(tx, peer, event, reference)
        case = rows.find(tx, reference)
        if not _empty_aside(tx, reference, case.msisdn if case else "") and case is None:
            raise UnknownCaseError(reference)
        _unlink(tx, reference)


def _empty_aside(tx: Transaction, reference: str, msisdn: str) -> bool:
    """Delete the words about the case from what is kept aside, but not those of another number under the same
    reference: a person has to look at them. Whether there were any."""
    found = False
    for kept in quarantine.about(tx, reference):
        try:
            said = msgspec.json.decode(kept.body, type=_Numbered).msisdn
        except (msgspec.DecodeError, RecursionError):
            said = ""
        if not (msisdn and said and said != msisdn):
            quarantine.empty(tx, kept.id)
            found = True
    return found


def _unlink(tx: Transaction, reference: str) -> None:
    """Take the number off a case and out of the outbox. The case itself may still wait there for the line: it then
    travels without the number."""
    rows.unlink(tx, reference)
    entries.remove_of_case(tx, reference, outbox.SMS)
    received_events.forget_all(tx)
    for entry in entries.waiting_of_case(tx, reference):
        if entry.kind == OPENED:
            opened = msgspec.structs.replace(msgspec.json.decode(entry.body, type=Opened), msisdn="")
            entries.rewrite(tx, entry.id, msgspec.json.encode(opened).decode())
