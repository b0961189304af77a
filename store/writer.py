"""The one writer: concurrent jobs share a commit, and each caller waits for that commit.

A flush of the disk costs a third of a millisecond on a server and many on a memory card. One thread runs every job that
waits in one transaction and commits; those that come meanwhile form the next group. So a busy station pays one flush
for many hops, and no two threads ever use the connection at once. It is a thread of its own, since each that has once
been deep in SQLite and the engine keeps a stack of 150 KB.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from sado.store.engines.contract import Connection
from sado.store.errors import StoreClosedError
from sado.store.transaction import Transaction

Job = Callable[[Transaction], Any]

# A flush this slow is worth waiting as long again for the callers whom the last commit has let go: without it they
# find the next group already closed, with a few of them in it.
SLOW_FLUSH_S = 0.001
WAIT_STEP_S = 0.00025
FLUSH_GROWTH = 1.02


class Submission:
    """A job on its way: its result or error, once its group is on disk. Until then `_done` is held. One that `is_alone`
    is no transaction: it runs between two."""

    __slots__ = ("_done", "error", "is_alone", "job", "result")

    def __init__(self, job: Job, is_alone: bool = False) -> None:
        self.job = job
        self.is_alone = is_alone
        self.result: Any = None
        self.error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self) -> None:
        """Let whoever waits go on."""
        self._done.release()

    def wait(self) -> Any:
        """The job's result, after the commit that holds its effects. Raises what the job or the commit raised."""
        with self._done:
            if self.error is not None:
                raise self.error
            return self.result


class Writer:
    """Runs jobs one after another on one connection, a group of them in each transaction.

    If a job raises or the commit fails, the group is undone and each job runs again alone, so only those that fail
    by themselves fail. A job may be run twice before it is kept, and runs in another thread than its caller's, so it
    touches nothing but its transaction. `begin` makes that Transaction, `max_group` bounds how many jobs wait for one
    commit.
    """

    def __init__(self, connection: Connection, begin: Callable[[Connection], Transaction], max_group: int) -> None:
        self._connection = connection
        self._begin = begin
        self._max_group = max_group
        self._arrival = threading.Condition()
        self._waiting: deque[Submission] = deque()
        self._is_closed = False
        self._flush_s = float("inf")
        self._expected = 1
        self._has_to_wipe = False
        self._thread = threading.Thread(target=self._run_all, name="writer", daemon=True)
        self._thread.start()

    def run(self, job: Job) -> Any:
        """As `submit`, and wait for it."""
        return self.submit(job).wait()

    def rewrite(self) -> None:
        """Write the file anew, between two transactions; all who come wait for it. Raises what the disk raised."""
        self._hand_over(Submission(lambda tx: None, is_alone=True)).wait()

    def submit(self, job: Job) -> Submission:
        """Hand over a job whose caller does something else until it is on disk. Raises StoreClosedError."""
        return self._hand_over(Submission(job))

    def _hand_over(self, submission: Submission) -> Submission:
        with self._arrival:
            if self._is_closed:
                raise StoreClosedError("The station is stopping.")
            self._waiting.append(submission)
            self._arrival.notify()
        return submission

    def close(self) -> None:
        """Finish what waits, refuse what comes after."""
        with self._arrival:
            self._is_closed = True
            self._arrival.notify()
        self._thread.join()

    def _run_all(self) -> None:
        """Commit group after group, and let the callers of each go."""
        while group := self._next_group():
            self._run_group(group)
            self._expected = len(group) + len(self._waiting)
            for submission in group:
                submission.finish()
            # Nobody waits for it, but for who comes just now: as long as any checkpoint takes.
            if self._has_to_wipe:
                self._has_to_wipe = not self._connection.empty_journal()

    def _next_group(self) -> list[Submission]:
        """Those who wait, once somebody does; none when the writer is closed."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._waiting or self._is_closed)
        self._wait_for_others()
        return self._taken()

    def _taken(self) -> list[Submission]:
        """The first who wait, as many as make one group."""
        group: list[Submission] = []
        while self._waiting and len(group) < self._max_group:
            if group and (self._waiting[0].is_alone or group[0].is_alone):
                break
            group.append(self._waiting.popleft())
        return group

    def _wait_for_others(self) -> None:
        """On a slow disk, wait until as many are here as come and go, but no longer than a flush takes."""
        if not SLOW_FLUSH_S < self._flush_s < float("inf"):
            return
        until = time.perf_counter() + self._flush_s
        while len(self._waiting) < min(self._expected, self._max_group) and time.perf_counter() < until:
            time.sleep(WAIT_STEP_S)

    def _run_group(self, group: list[Submission]) -> None:
        """All jobs in one transaction; if one raises, each in a transaction of its own."""
        if len(group) > 1 and self._run_together(group):
            return
        for submission in group:
            submission.error = None
            self._run_together([submission])

    def _run_together(self, group: list[Submission]) -> bool:
        """Whether every job of the group is on disk; otherwise none is, and each submission has the error."""
        try:
            if group[0].is_alone:
                self._connection.rewrite()
                return True
            self._connection.begin()
            transaction = self._begin(self._connection)
            for submission in group:
                submission.result = submission.job(transaction)
            began = time.perf_counter()
            self._connection.commit()
            # The quickest of late: a busy interpreter makes a commit look slow that is not.
            self._flush_s = min(self._flush_s * FLUSH_GROWTH, time.perf_counter() - began)
            self._has_to_wipe |= transaction.wipes
        except BaseException as error:
            for submission in group:
                submission.error = error
            self._connection.rollback()
            return False
        return True
