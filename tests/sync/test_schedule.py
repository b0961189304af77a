"""When things leave: nothing before it is due, at once when something waits, and never again for nothing."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sado.store import Store, Transaction
from sado.store.tables import accounts, attempts, lanes, sessions, sign_in_misses, sign_ins, trusted_devices
from sado.store.tables import outbox as entries
from sado.store.tables.events import Apply, Event
from sado.store.tables.outbox import Entry
from sado.sync import dispatch, outbox, schedule
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from sado.sync.outbox import (
    DeferredError,
    DestinationDownError,
    DestinationError,
    LaterError,
    NothingToSendError,
    OutcomeUnknownError,
    RejectedError,
    SendError,
)
from sado.sync.wire import frame
from sado.sync.wire.frame import Mark, Message, Run
from sado.sync.wire.records import Wired
from tests.support.one_by_one import OneByOne, Post
from tests.support.stations import Clock, open_store

VILLAGE = 7
AGENCY = "agency:HCU"
KEY = secrets.token_bytes(32)
EVERY_S = 60.0
LONGEST_FIRST_WAIT_S = 20
HOUR_S = 3600
DAY_S = 24 * HOUR_S


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as store:
        yield store


INCARNATION = b"the hub."


@dataclass
class Hub:
    """An upstream played in memory: takes all it is sent, and answers with one event of `news` at a time; while
    `is_down`, nothing arrives."""

    is_down: bool = False
    taken: dict[str, Mark] = field(default_factory=dict)
    news: list[str] = field(default_factory=list)
    calls: int = 0
    said: int = 0
    rolling: bytes = lanes.beginning(INCARNATION, outbox.URGENT)

    def post(self, packed: bytes, timeout_s: float) -> bytes:
        self.calls += 1
        if self.is_down:
            raise LineDownError(Cause.UPSTREAM_UNREACHABLE)
        up = frame.unpack(frame.UP, KEY, packed)
        if up.incarnation and not self.taken:
            self.taken = {lane: Mark(0, lanes.beginning(up.incarnation, lane)) for lane in lanes.LANES}
        for lane, run in up.runs.items():
            self.take(lane, run)
        runs = self.next_runs()
        hello = INCARNATION if up.incarnation else b""
        down = Message(up.exchange, 1, self.taken, runs, hello)
        return frame.pack(frame.DOWN, VILLAGE, KEY, down)

    def take(self, lane: str, run: Run) -> None:
        upto, rolling = self.taken[lane].upto, self.taken[lane].hash
        assert run.first == upto + 1 and lanes.is_same(rolling, run.base)
        for one in run.events:
            rolling = lanes.hash_after(rolling, lanes.event_id(rolling, one.kind, one.reference, one.body))
        self.taken[lane] = Mark(run.first + len(run.events) - 1, rolling)

    def next_runs(self) -> dict[str, Run]:
        if not self.news:
            return {}
        one, base = Wired("case.moved", "", self.news.pop(0)), self.rolling
        self.said += 1
        self.rolling = lanes.hash_after(base, lanes.event_id(base, one.kind, one.reference, one.body))
        return {outbox.URGENT: Run(self.said, base, [one])}

    @property
    def upto(self) -> dict[str, int]:
        """How far it has received each lane."""
        return {lane: mark.upto for lane, mark in self.taken.items() if mark.upto}


def upstream(
    store: Store, hub: Hub, apply: Apply = lambda tx, peer, event: None, post: Post | None = None
) -> schedule.Upstream:
    return schedule.Upstream(
        store, Client(store, VILLAGE, KEY, OneByOne(post or hub.post), apply, FrameSize()), EVERY_S
    )


def put(store: Store, destination: str = outbox.UPSTREAM, lane: str = outbox.URGENT) -> int:
    return store.write(lambda tx: outbox.put(tx, destination, "case.opened", "0070000017", "{}", lane))


def entry(store: Store, entry_id: int) -> Entry:
    return next(one for one in store.read(everything) if one.id == entry_id)


def everything(tx: Transaction) -> list[Entry]:
    return entries.listed(tx, ("queued", "awaiting", "acked", "rejected", "dead", "unknown"), 100)


def line_of(store: Store, destination: str = outbox.UPSTREAM) -> entries.Destination:
    return store.read(lambda tx: entries.destination(tx, destination))


def test_what_waits_is_exchanged_at_once(store: Store) -> None:
    hub = Hub()
    line = upstream(store, hub)
    line.step()
    waiting = put(store)

    line.step()

    assert (hub.calls, hub.upto) == (2, {"u": 1})
    assert entry(store, waiting).state == "acked"


def test_a_quiet_line_is_used_once_in_its_interval(store: Store, clock: Clock) -> None:
    hub = Hub()
    line = upstream(store, hub)
    for _ in range(3):
        line.step()
    assert hub.calls == 1

    clock.move(EVERY_S - 1)
    line.step()
    assert hub.calls == 1

    clock.move(1)
    line.step()
    assert hub.calls == 2


def test_the_exchange_goes_on_while_the_upstream_has_more(store: Store) -> None:
    seen: list[str] = []
    hub = Hub(news=["1", "2", "3"])

    def note(tx: Transaction, peer: str, event: Event) -> None:
        seen.append(event.body)

    upstream(store, hub, note).step()

    assert seen == ["1", "2", "3"]
    assert store.read(lambda tx: lanes.find(tx, outbox.UPSTREAM, "u")).received == 3


def test_a_line_that_is_down_is_noted_and_loses_nothing(store: Store, clock: Clock) -> None:
    waiting = put(store)

    upstream(store, Hub(is_down=True)).step()

    line = line_of(store)
    assert (line.failures, line.down_since, line.reason) == (1, int(clock() * 1000), "UPSTREAM_UNREACHABLE")
    assert (entry(store, waiting).state, entry(store, waiting).lease_until) == ("queued", 0)


def test_a_line_that_is_down_is_left_alone_until_due(store: Store, clock: Clock) -> None:
    hub = Hub(is_down=True)
    line = upstream(store, hub)
    put(store)
    for _ in range(5):
        line.step()
    assert hub.calls == 1

    clock.move((line_of(store).due_at - clock() * 1000) / 1000 - 0.1)
    line.step()
    assert hub.calls == 1

    clock.move(0.2)
    line.step()
    assert hub.calls == 2


def test_waits_grow_while_the_line_stays_down_and_end_when_it_is_back(store: Store, clock: Clock) -> None:
    hub = Hub(is_down=True)
    line = upstream(store, hub)
    put(store)
    waits = []
    for _ in range(12):
        line.step()
        waits.append(line_of(store).due_at / 1000 - clock())
        clock.move(waits[-1] + 1)
    down_since = line_of(store).down_since

    hub.is_down = False
    line.step()

    assert waits[0] < LONGEST_FIRST_WAIT_S < waits[3] < waits[6]
    assert max(waits) <= 1.3 * HOUR_S
    assert down_since is not None and down_since < clock() * 1000 - DAY_S / 12
    assert (line_of(store).failures, line_of(store).down_since, hub.upto) == (0, None, {"u": 1})


def test_an_answer_that_is_no_frame_counts_as_a_line_that_is_down(store: Store) -> None:
    def portal(packed: bytes, timeout_s: float) -> bytes:
        """A captive portal: every request is answered with its own page."""
        return b"<html>Pay here</html>"

    waiting = put(store)
    upstream(store, Hub(), post=portal).step()

    assert line_of(store).failures == 1
    assert entry(store, waiting).state == "queued"


@dataclass
class Phones:
    """A transport that does what it is told for each entry."""

    send_as: Callable[[Entry], None]
    handed: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)

    def send(self, entry: Entry) -> None:
        self.handed.append(entry.id)
        self.send_as(entry)

    def sent(self, tx: Transaction, entry: Entry, receipt: object, is_certain: bool) -> None:
        self.told.append(entry.id)


def accept(entry: Entry) -> None:
    pass


def fail(error: Exception) -> Callable[[Entry], None]:
    def send(entry: Entry) -> None:
        raise error

    return send


class SulkingError(SendError):
    """A transport's own, with a decision of its own."""

    def settle(self, tx: Transaction, entry: Entry) -> None:
        outbox.reject(tx, entry, replace(self.reason, detail="sulking"))


# What is raised; the state, attempts and reason of the entry then, None: it is gone; whether its destination is down.
DECISIONS: list[tuple[Exception, tuple[str, int, str] | None, bool]] = [
    (DeferredError(Cause.GATEWAY_DID_NOT_TAKE_IT), ("queued", 1, "GATEWAY_DID_NOT_TAKE_IT"), False),
    (SendError(Cause.GATEWAY_ERROR, "503"), ("queued", 1, "GATEWAY_ERROR 503"), False),
    (RejectedError(Cause.GATEWAY_REFUSES_NUMBER), ("rejected", 1, "GATEWAY_REFUSES_NUMBER"), False),
    (DestinationDownError(Cause.GATEWAY_UNREACHABLE), ("queued", 0, "GATEWAY_UNREACHABLE"), True),
    (OutcomeUnknownError(Cause.GATEWAY_SAID_NOTHING), ("awaiting", 1, "GATEWAY_SAID_NOTHING"), False),
    (LaterError(Cause.NIGHT, 2**60), ("queued", 0, "NIGHT"), False),
    (NothingToSendError(Cause.NOT_WANTED), None, False),
    (SulkingError(Cause.NO_GATEWAY), ("rejected", 1, "NO_GATEWAY sulking"), False),
    (ZeroDivisionError(), ("queued", 1, "OWN_ERROR ZeroDivisionError"), False),
]


@pytest.mark.parametrize("destination", [outbox.SMS, AGENCY])
@pytest.mark.parametrize(
    ("error", "becomes", "is_down"), DECISIONS, ids=[type(error).__name__ for error, _, _ in DECISIONS]
)
def test_an_error_decides_what_becomes_of_the_entry(
    store: Store, destination: str, error: Exception, becomes: tuple[str, int, str] | None, is_down: bool
) -> None:
    put(store, destination)
    phones = Phones(fail(error))
    assert dispatch.step(store, destination, phones)
    left = [(one.state, one.attempts, one.reason) for one in store.read(everything)]
    assert left == ([] if becomes is None else [becomes])
    assert (line_of(store, destination).down_since is not None) == is_down
    assert phones.told == []


@pytest.mark.parametrize("receipt", [None, "the gateway's number"])
def test_what_may_have_left_is_told_of_by_its_receipt(store: Store, receipt: str | None) -> None:
    sms, error = put(store, outbox.SMS), OutcomeUnknownError(Cause.GATEWAY_SAID_NOTHING)
    error.receipt = receipt
    phones = Phones(fail(error))
    dispatch.step(store, outbox.SMS, phones)
    assert phones.told == ([sms] if receipt else [])


def test_an_entry_that_was_taken_is_acked_and_told_of(store: Store) -> None:
    sms = put(store, outbox.SMS)
    phones = Phones(accept)

    assert dispatch.step(store, outbox.SMS, phones)
    assert not dispatch.step(store, outbox.SMS, phones)

    assert (phones.handed, phones.told) == ([sms], [sms])
    assert entry(store, sms).state == "acked"


def test_an_entry_without_hope_is_left_for_a_person(store: Store, clock: Clock) -> None:
    sms = put(store, outbox.SMS)
    error = RejectedError(Cause.GATEWAY_REFUSES_NUMBER)
    phones = Phones(fail(error))

    assert dispatch.step(store, outbox.SMS, phones)
    clock.move(DAY_S)
    assert not dispatch.step(store, outbox.SMS, phones)

    assert (phones.handed, phones.told) == ([sms], [])
    assert (entry(store, sms).state, entry(store, sms).reason) == ("rejected", "GATEWAY_REFUSES_NUMBER")


def test_an_entry_that_may_have_left_awaits_a_report_and_is_not_sent_again(store: Store, clock: Clock) -> None:
    sms = put(store, outbox.SMS)
    phones = Phones(fail(OutcomeUnknownError(Cause.GATEWAY_SAID_NOTHING)))

    assert dispatch.step(store, outbox.SMS, phones)
    clock.move(DAY_S - 60)
    schedule.forget(store)
    store.write(outbox.retry_all_now)
    assert not dispatch.step(store, outbox.SMS, phones)
    assert (phones.handed, entry(store, sms).state) == ([sms], "awaiting")

    clock.move(120)
    schedule.forget(store)
    assert entry(store, sms).state == "unknown"


@pytest.mark.parametrize(("has_arrived", "state"), [(True, "acked"), (False, "rejected")])
@pytest.mark.parametrize("days", [0, 2])
def test_a_report_says_what_became_of_it_even_late(
    store: Store, clock: Clock, has_arrived: bool, state: str, days: int
) -> None:
    sms = put(store, outbox.SMS)
    dispatch.step(store, outbox.SMS, Phones(fail(OutcomeUnknownError(Cause.GATEWAY_SAID_NOTHING))))
    clock.move(days * DAY_S)
    schedule.forget(store)
    assert store.write(lambda tx: outbox.confirm(tx, sms, has_arrived))
    assert entry(store, sms).state == state
    assert store.write(lambda tx: outbox.confirm(tx, sms, not has_arrived)) == (not has_arrived)
    assert entry(store, sms).state == "acked", "what failed and then arrived has arrived; never the other way"


def test_an_entry_that_has_to_wait_loses_no_attempt(store: Store, clock: Clock) -> None:
    sms = put(store, outbox.SMS)
    morning = store.now() + 8 * 3600 * 1000
    assert dispatch.step(store, outbox.SMS, Phones(fail(LaterError(Cause.NIGHT, morning))))
    assert (entry(store, sms).attempts, entry(store, sms).due_at) == (0, morning)
    assert not dispatch.step(store, outbox.SMS, Phones(accept))
    clock.move(8 * 3600 + 1)
    assert dispatch.step(store, outbox.SMS, Phones(accept))
    assert entry(store, sms).state == "acked"


@pytest.mark.parametrize(
    "error",
    [DeferredError(Cause.GATEWAY_DID_NOT_TAKE_IT), ZeroDivisionError()],
    ids=["deferred", "an error of our own"],
)
def test_a_deferred_entry_lets_others_pass_and_is_tried_later(store: Store, clock: Clock, error: Exception) -> None:
    first, second = put(store, outbox.SMS), put(store, outbox.SMS)
    phones = Phones(lambda one: fail(error)(one) if one.id == first and len(phones.handed) == 1 else None)

    schedule.send(store, outbox.SMS, phones)
    assert phones.handed == [first, second]
    assert (entry(store, first).state, entry(store, first).attempts) == ("queued", 1)

    clock.move(LONGEST_FIRST_WAIT_S)
    schedule.send(store, outbox.SMS, phones)
    assert phones.handed == [first, second, first]
    assert phones.told == [second, first]


def test_after_the_last_attempt_an_entry_is_a_dead_letter_until_a_person_retries_it(store: Store, clock: Clock) -> None:
    sms = put(store, outbox.SMS)
    phones = Phones(fail(DeferredError(Cause.GATEWAY_DID_NOT_TAKE_IT)))
    for _ in range(outbox.MOST_ATTEMPTS + 5):
        dispatch.step(store, outbox.SMS, phones)
        clock.move(DAY_S)
    assert (len(phones.handed), entry(store, sms).state) == (outbox.MOST_ATTEMPTS, "dead")

    assert store.write(lambda tx: entries.requeue(tx, sms))
    phones.send_as = accept
    dispatch.step(store, outbox.SMS, phones)
    assert entry(store, sms).state == "acked"


def test_a_gateway_that_is_down_costs_no_attempt_and_is_asked_once(store: Store, clock: Clock) -> None:
    waiting = [put(store, outbox.SMS) for _ in range(3)]
    phones = Phones(fail(DestinationDownError(Cause.GATEWAY_UNREACHABLE)))

    schedule.send(store, outbox.SMS, phones)
    schedule.send(store, outbox.SMS, phones)
    assert phones.handed == waiting[:1]
    assert {(one.state, one.attempts) for one in store.read(everything)} == {("queued", 0)}

    phones.send_as = accept
    clock.move(LONGEST_FIRST_WAIT_S)
    schedule.send(store, outbox.SMS, phones)
    assert phones.told == waiting
    assert line_of(store, outbox.SMS).down_since is None


def test_what_follows_from_sending_is_kept_with_the_ack_or_not_at_all(store: Store, clock: Clock) -> None:
    class Forgetful(Phones):
        def sent(self, tx: Transaction, entry: Entry, receipt: object, is_certain: bool) -> None:
            tx.next_number("told")
            raise RuntimeError

    sms = put(store, outbox.SMS)
    with pytest.raises(RuntimeError):
        dispatch.step(store, outbox.SMS, Forgetful(accept))

    assert entry(store, sms).state == "queued"
    assert store.read(lambda tx: tx.value("SELECT value FROM counters WHERE name = 'told'")) is None


def test_a_process_that_died_while_sending_leaves_its_lease_to_the_next(store: Store) -> None:
    sms = put(store, outbox.SMS)
    assert store.write(lambda tx: outbox.claim(tx, outbox.SMS)) is not None
    assert store.write(lambda tx: outbox.claim(tx, outbox.SMS)) is None

    store.write(entries.release_all)

    claimed = store.write(lambda tx: outbox.claim(tx, outbox.SMS))
    assert claimed is not None and claimed.id == sms


def test_forget_deletes_only_what_is_old(store: Store, clock: Clock) -> None:
    put(store, outbox.SMS)
    dispatch.step(store, outbox.SMS, Phones(accept))
    never_sent = put(store, outbox.SMS)
    store.write(lambda tx: sessions.save(tx, b"old", "{}", True))
    store.write(lambda tx: attempts.add(tx, "old", 0))

    clock.move(14 * DAY_S + 1)
    since = int(clock() * 1000) - DAY_S * 1000
    store.write(lambda tx: sessions.save(tx, b"new", "{}", True))
    store.write(lambda tx: attempts.add(tx, "new", since))
    recent = put(store, outbox.UPSTREAM)
    upstream(store, Hub()).step()
    schedule.forget(store)

    assert [one.id for one in store.read(everything)] == [never_sent, recent]
    assert store.read(lambda tx: (sessions.load(tx, b"old"), sessions.load(tx, b"new"))) == (
        None,
        ("{}", since + DAY_S * 1000),
    )
    assert store.read(lambda tx: (attempts.count(tx, "old", 0), attempts.count(tx, "new", 0))) == (0, 1)


def test_forget_deletes_sign_ins_and_misses_that_count_no_more(store: Store, clock: Clock) -> None:
    def leave(tx: Transaction, mark: str) -> None:
        sign_ins.begin(tx, "zarina", mark, "", needs_code=False)
        trusted_devices.trust(tx, "zarina", mark)
        sign_in_misses.add(tx, mark, 0, is_passing=False)

    store.write(lambda tx: accounts.save(tx, "zarina", "", "operator", ""))
    store.write(lambda tx: leave(tx, "old"))
    clock.move(91 * DAY_S)
    store.write(lambda tx: leave(tx, "new"))
    schedule.forget(store)
    for table in ("sign_ins", "trusted_devices", "sign_in_misses"):
        assert store.read(lambda tx, name=table: tx.value(f"SELECT COUNT(*) FROM {name}")) == 1
    assert store.read(lambda tx: sign_ins.find(tx, "new")) is not None


def test_the_scheduler_never_runs_a_job_beside_itself(store: Store) -> None:
    scheduler = schedule.create(store, upstream(store, Hub()), {outbox.SMS: Phones(accept)})

    jobs = scheduler.get_jobs()

    assert {job.id for job in jobs} == {"exchange", "send sms", "clock", "forget"}
    scheduler.start(paused=True)
    assert {(job.max_instances, job.coalesce, job.misfire_grace_time) for job in scheduler.get_jobs()} == {
        (1, True, None)
    }
    scheduler.shutdown()


def test_a_destination_that_takes_entries_one_by_one_costs_its_transport_alone(store: Store) -> None:
    taken, phones = put(store, AGENCY), Phones(accept)
    scheduler = schedule.create(store, upstream(store, Hub()), {AGENCY: phones})
    job = next(job for job in scheduler.get_jobs() if job.id == f"send {AGENCY}")
    job.func(*job.args)
    assert (phones.told, entry(store, taken).state) == ([taken], "acked")


@pytest.mark.parametrize("name", [outbox.UPSTREAM, outbox.station(12), "agency", "hub"])
def test_a_transport_for_anything_else_is_refused_before_the_station_runs(store: Store, name: str) -> None:
    with pytest.raises(DestinationError):
        schedule.create(store, upstream(store, Hub()), {name: Phones(accept)})


@pytest.mark.parametrize("content", [None, "", "zz" * 32, "00" * 31], ids=["no file", "empty", "not hex", "too short"])
def test_a_key_file_without_a_key_says_where_the_key_comes_from(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "upstream.key"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ValueError, match="sado station add"):
        schedule.read_key(path)


def test_a_notice_is_sealed_while_it_waits(store: Store) -> None:
    store.write(lambda tx: outbox.put(tx, outbox.SMS, "notice", "", json.dumps({"msisdn": "+992900000001"})))

    assert b"+992900000001" not in store.read(lambda tx: tx.value("SELECT body FROM outbox"))


@pytest.mark.parametrize(
    ("folder", "file", "is_refused"), [(0o755, 0o644, True), (0o700, 0o644, False), (0o755, 0o600, False)]
)
def test_a_key_of_the_line_that_others_can_read_is_refused(
    tmp_path: Path, folder: int, file: int, is_refused: bool
) -> None:
    (tmp_path / "keys").mkdir()
    path = tmp_path / "keys" / "upstream.key"
    path.write_text("ab" * 32)
    path.chmod(file)
    path.parent.chmod(folder)
    if is_refused:
        with pytest.raises(ValueError, match="Others can read .*: run `chmod 600"):
            schedule.read_key(path)
    else:
        assert len(schedule.read_key(path)) == 32
