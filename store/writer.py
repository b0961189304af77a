"""The one writer: concurrent jobs share a commit, and each caller waits for that commit.

A flush of the disk costs a third of a millisecond on a server and many on a memory card. The first caller leads:
it runs every job that waits in one transaction and commits; those that come meanwhile form the next group, led by
one of them. So a busy station pays one flush for many hops, a quiet one hands nothing to another thread, and no
two threads ever use the connection at once.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from sado.store.errors import StoreClosedError
from sado.store.transaction import Connection, Transaction

Job = Callable[[Transaction], Any]

# A flush this slow is worth waiting as long again for the callers whom the last commit has let go: without it they
# find the next group already closed, with a few of them in it.
SLOW_FLUSH_S = 0.001
WAIT_STEP_S = 0.00025
FLUSH_GROWTH = 1.02


class Ticket:
    """A job on its way: its result or error, once its group is on disk. `wake` is held until then, or until its
    caller has to lead."""

    __slots__ = ("error", "is_done", "job", "result", "wake")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_done = False
        self.wake = threading.Lock()
        self.wake.acquire()


class Writer:
    """Runs jobs one after another on one connection, a group of them in each transaction.

    If a job raises or the commit fails, the group is undone and each job runs again alone, so only those that fail
    by themselves fail. A job may be run twice before it is kept, so it touches nothing but its transaction.
    `begin` makes that Transaction, `max_group` bounds how many jobs wait for one commit.
    """

    def __init__(
        self, connection: Connection, begin: Callable[[Connection], Transaction], begin_sql: str, max_group: int
    ) -> None:
        self._connection = connection
        self._begin = begin
        self._begin_sql = begin_sql
        self._max_group = max_group
        self._mutex = threading.Lock()
        self._waiting: deque[Ticket] = deque()
        self._is_led = False
        self._is_closed = False
        self._flush_s = float("inf")
        self._expected = 1

    def run(self, job: Job) -> Any:
        """The job's result, after the commit that holds its effects. Raises what the job or the commit raised."""
        ticket = Ticket(job)
        with self._mutex:
            if self._is_closed:
                raise StoreClosedError("The station is stopping.")
            self._waiting.append(ticket)
            leads, self._is_led = not self._is_led, True
        if not leads:
            ticket.wake.acquire()
        if not ticket.is_done:
            self._lead()
        if ticket.error is not None:
            raise ticket.error
        return ticket.result

    def close(self) -> None:
        """Finish what waits, refuse what comes after."""
        with self._mutex:
            self._is_closed = True
        while self._is_led:
            time.sleep(0.001)

    def _lead(self) -> None:
        """Commit one group, let its callers go, and hand the lead on."""
        self._wait_for_others()
        with self._mutex:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._max_group))]
        try:
            self._run_group(group)
        finally:
            with self._mutex:
                self._expected = len(group) + len(self._waiting)
                heir = self._waiting[0] if self._waiting else None
                self._is_led = heir is not None
            if heir is not None:
                heir.wake.release()
            for ticket in group:
                ticket.is_done = True
                ticket.wake.release()

    def _wait_for_others(self) -> None:
        """On a slow disk, wait until as many are here as come and go, but no longer than a flush takes."""
        if not SLOW_FLUSH_S < self._flush_s < float("inf"):
            return
        until = time.perf_counter() + self._flush_s
        while len(self._waiting) < min(self._expected, self._max_group) and time.perf_counter() < until:
            time.sleep(WAIT_STEP_S)

    def _run_group(self, group: list[Ticket]) -> None:
        """All jobs in one transaction; if one raises, each in a transaction of its own."""
        if len(group) > 1 and self._run_together(group):
            return
        for ticket in group:
            ticket.error = None
            self._run_together([ticket])

    def _run_together(self, group: list[Ticket]) -> bool:
        """Whether every job of the group is on disk; otherwise none is, and each ticket has the error."""
        try:
            self._connection.execute(self._begin_sql)
            transaction = self._begin(self._connection)
            for ticket in group:
                ticket.result = ticket.job(transaction)
            began = time.perf_counter()
            self._connection.execute("COMMIT")
            # The quickest of late: a busy interpreter makes a commit look slow that is not.
            self._flush_s = min(self._flush_s * FLUSH_GROWTH, time.perf_counter() - began)
        except BaseException as error:
            for ticket in group:
                ticket.error = error
            with contextlib.suppress(Exception):  # Nothing is open when the BEGIN itself failed.
                self._connection.execute("ROLLBACK")
            return False
        return True
