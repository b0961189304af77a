"""The one writer: concurrent jobs share a commit, and each caller waits for that commit.

A flush of the disk costs a third of a millisecond on a server and many on a memory card; the jobs that
arrive while one group is being flushed form the next group, so a busy station pays one flush for many hops
and a quiet one waits for nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from store.errors import StoreClosedError
from store.transaction import Connection, Transaction

Job = Callable[[Transaction], Any]


class Ticket:
    """A job on its way: its result or error, once its group is on disk."""

    __slots__ = ("done", "error", "job", "result")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class Writer:
    """Runs jobs one after another on one connection, a group of them in each transaction.

    A job that raises is undone alone (savepoint); a commit that fails fails every job of its group. `begin`
    makes the Transaction a job is given; `max_group` bounds how many jobs wait for one commit.
    """

    def __init__(
        self, connection: Connection, begin: Callable[[Connection], Transaction], begin_sql: str, max_group: int
    ) -> None:
        self._connection = connection
        self._begin = begin
        self._begin_sql = begin_sql
        self._max_group = max_group
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="store-writer", daemon=True)
        self._thread.start()

    def run(self, job: Job) -> Any:
        """The job's result, after the commit that holds its effects. Raises what the job or the commit raised."""
        if self._closed:
            raise StoreClosedError("The station is stopping.")
        ticket = Ticket(job)
        self._queue.put(ticket)
        ticket.done.acquire()
        if ticket.error is not None:
            raise ticket.error
        return ticket.result

    def close(self) -> None:
        """Finish what is queued, refuse what comes after."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while True:
            ticket = self._queue.get()
            if ticket is None:
                break
            last = self._run_group(self._gather(ticket))
            if last:
                break
        self._refuse_rest()

    def _gather(self, first: Ticket) -> list[Ticket | None]:
        group: list[Ticket | None] = [first]
        while len(group) < self._max_group and group[-1] is not None:
            try:
                group.append(self._queue.get_nowait())
            except Empty:
                break
        return group

    def _run_group(self, group: list[Ticket | None]) -> bool:
        """Run and commit one group; True when the end of the queue was in it."""
        tickets = [ticket for ticket in group if ticket is not None]
        try:
            self._connection.execute(self._begin_sql)
            transaction = self._begin(self._connection)
            for ticket in tickets:
                self._run_one(ticket, transaction)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._undo(tickets, error)
        for ticket in tickets:
            ticket.done.release()
        return len(tickets) < len(group)

    def _run_one(self, ticket: Ticket, transaction: Transaction) -> None:
        self._connection.execute("SAVEPOINT job")
        try:
            ticket.result = ticket.job(transaction)
        except Exception as error:
            self._connection.execute("ROLLBACK TO job")
            ticket.error = error
        self._connection.execute("RELEASE job")

    def _undo(self, tickets: list[Ticket], error: BaseException) -> None:
        for ticket in tickets:
            ticket.error = ticket.error or error
        try:
            self._connection.execute("ROLLBACK")
        except Exception:  # noqa: S110 - nothing was open: the BEGIN itself failed
            pass

    def _refuse_rest(self) -> None:
        while True:
            try:
                ticket = self._queue.get_nowait()
            except Empty:
                return
            if ticket is not None:
                ticket.error = StoreClosedError("The station is stopping.")
                ticket.done.release()
