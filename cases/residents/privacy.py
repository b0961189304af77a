"""A resident's wish to have her number deleted, here and upstream."""

from __future__ import annotations

import msgspec

from sado.cases.authorisation import check_case
from sado.cases.errors import UnknownCaseError, UnknownEventError
from sado.cases.payloads import Reference
from sado.store import Transaction
from sado.store.tables import cases as rows
from sado.store.tables import deletions, identity, quarantine, received_events, subscribers
from sado.store.tables import outbox as entries
from sado.store.tables.cases import CaseRow
from sado.store.tables.deletions import Known
from sado.store.tables.events import Event
from sado.store.tables.quarantine import Quarantined
from sado.sync import outbox
from sado.sync.codes import EntryKind

FORGOTTEN = EntryKind.PRIVACY_FORGOTTEN


class Forgotten(msgspec.Struct, frozen=True, omit_defaults=True):
    """The event by which other stations take the number off a case. `is_whole`: she had all that is stored of her
    number deleted."""

    reference: Reference
    is_whole: bool = False


class _Numbered(msgspec.Struct):
    """As much of any body as tells whose it is."""

    msisdn: str = ""


class Privacy:
    """What is deleted at one station. `has_upstream` says whether their cases were sent on.

    What is deleted goes from the stations above where the case is; the one at the top tells the station that filed it,
    which so hears of it too where the deletion was asked for above, or where its own disk went back in time."""

    def __init__(self, has_upstream: bool) -> None:
        self._has_upstream = has_upstream

    def forget(self, tx: Transaction, msisdn: str) -> None:
        """Delete the number and all that is kept of it, for good: what she chose and typed, and the SMS to it.

        The law keeps an appeal itself, so her cases stay, without the number: no SMS comes about them, and no phone
        opens them without reference and PIN. Alerts that wait find nobody to go to. Left are keyed hashes that lead
        nowhere: ballots, so that nobody votes twice; for two days the counts of wrong PINs, of filings and of SMS to
        her, or a deletion would be the way round them; and that it was deleted, for as long as a backup holds it."""
        for reference in rows.references_of(tx, msisdn):
            self._forget_case(tx, Forgotten(reference, is_whole=True))
        subscribers.forget(tx, msisdn)
        for kept in quarantine.all_of_them(tx):
            if _msisdn_in(kept) == msisdn:
                quarantine.empty(tx, kept.id)
        deletions.note(tx, msisdn)

    def forget_case(self, tx: Transaction, reference: str) -> None:
        """Take the number off one case: somebody filed it from a phone that is not hers."""
        self._forget_case(tx, Forgotten(reference))

    def _forget_case(self, tx: Transaction, forgotten: Forgotten) -> None:
        reference = forgotten.reference
        case = rows.find(tx, reference)
        _empty_aside(tx, reference, case.msisdn if case else "")
        _unlink(tx, reference)
        if self._has_upstream:
            _tell(tx, outbox.UPSTREAM, forgotten)
        elif case is not None:
            _tell_below(tx, case, forgotten)

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        """Take the number off a case: one that a downstream station filed, or by the upstream's word any that is here.
        A second time changes nothing. Only the upstream's word deletes all that is stored of its number: a stolen box
        speaks of its own cases.

        Raises msgspec.ValidationError, UnknownCaseError, ForeignEventError or UnknownEventError: the caller keeps the
        event aside."""
        if event.kind != FORGOTTEN:
            raise UnknownEventError(event.kind)
        forgotten = msgspec.json.decode(event.body, type=Forgotten)
        reference = forgotten.reference
        is_from_above = self._has_upstream and peer == outbox.UPSTREAM
        if not is_from_above:
            check_case(tx, peer, event, reference)
        case = rows.find(tx, reference)
        msisdn = case.msisdn if case else ""
        if not _empty_aside(tx, reference, msisdn) and case is None:
            raise UnknownCaseError(reference)
        _unlink(tx, reference)
        if is_from_above and msisdn:
            # It was not deleted here, or a restored disk has it again; then so may the stations that it told of it.
            self._forget_case(tx, forgotten)
            if forgotten.is_whole:
                self.forget(tx, msisdn)
        elif case is not None and not self._has_upstream:
            _tell_below(tx, case, forgotten)

    def repeat(self, tx: Transaction, known: Known) -> int:
        """Delete again, in a database that was restored, what was deleted after the copy was made; of how many numbers
        and cases. `known` is what the database in whose place it comes knows of."""
        before = set(deletions.known(tx).deletions)
        since = {hashed for hashed, at in known.deletions if (hashed, at) not in before}
        for backup in known.backups:
            deletions.note_backup(tx, *backup)
        cases = [one for one in rows.references_after(tx, "") if deletions.newest_hash(tx, one) in since]
        numbers = [one for one in subscribers.every(tx) if deletions.newest_hash(tx, one) in since]
        for msisdn in numbers:
            self.forget(tx, msisdn)
        for reference in cases:
            self.forget_case(tx, reference)
        return len(numbers) + len(cases)


def _tell(tx: Transaction, destination: str, forgotten: Forgotten, lane: str = outbox.URGENT) -> None:
    body = msgspec.json.encode(forgotten).decode()
    outbox.put(tx, destination, FORGOTTEN, forgotten.reference, body, lane)


def _tell_below(tx: Transaction, case: CaseRow, forgotten: Forgotten) -> None:
    """Tell the station that filed the case."""
    own = identity.find(tx)
    if own is not None and case.station != own.number:
        _tell(tx, outbox.way_to(tx, case.station), forgotten, outbox.BULK)


def _empty_aside(tx: Transaction, reference: str, msisdn: str) -> bool:
    """Delete the words about the case from what is kept aside, but not those of another number under the same
    reference: a person has to look at them. Whether there were any."""
    found = False
    for kept in quarantine.about(tx, reference):
        said = _msisdn_in(kept)
        if not (msisdn and said and said != msisdn):
            quarantine.empty(tx, kept.id)
            found = True
    return found


def _msisdn_in(kept: Quarantined) -> str:
    """The number that an event says it is of; empty where it says none."""
    try:
        return msgspec.json.decode(kept.body, type=_Numbered).msisdn
    except (msgspec.DecodeError, RecursionError):
        return ""


def _unlink(tx: Transaction, reference: str) -> None:
    """Take the number off a case and out of the outbox. The case itself may still wait there for the line, or have been
    given up on: it then travels without the number."""
    rows.unlink(tx, reference)
    entries.remove_of_case(tx, reference, outbox.SMS)
    received_events.forget_all(tx)
    for entry in entries.unfinished_of_case(tx, reference):
        said = msgspec.json.decode(entry.body)
        if isinstance(said, dict) and said.get("msisdn"):
            entries.rewrite(tx, entry.id, msgspec.json.encode({**said, "msisdn": ""}).decode())
    deletions.note(tx, reference)
