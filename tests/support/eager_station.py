"""A station that promises before it has written, to show that test_kill.py would notice: `store.write` returns
when the job has run, and the commit follows 50 ms later."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from sado.cli import station_access
from sado.cli.main import main
from sado.settings import Settings
from sado.store import Keyring, Store, Transaction

DELAY_S = 0.05


class EagerStore(Store):
    """Runs jobs in the background, many to a commit, and lets each caller go before it."""

    def __init__(self, path: Path, keys: Keyring) -> None:
        super().__init__(path, keys)
        self._jobs: queue.Queue[tuple[Callable[[Transaction], Any], Future[Any]]] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def write(self, job: Callable[[Transaction], Any]) -> Any:
        answer: Future[Any] = Future()
        self._jobs.put((job, answer))
        return answer.result()

    def _work(self) -> None:
        while True:
            first = self._jobs.get()
            super().write(lambda tx, first=first: self._answer_all(tx, first))

    def _answer_all(self, tx: Transaction, waiting: tuple[Callable[[Transaction], Any], Future[Any]]) -> None:
        due = time.monotonic() + DELAY_S
        while True:
            job, answer = waiting
            try:
                answer.set_result(job(tx))
            except Exception as error:
                answer.set_exception(error)
            left = due - time.monotonic()
            if left <= 0:
                return
            try:
                waiting = self._jobs.get(timeout=left)
            except queue.Empty:
                return


def open_store(settings: Settings) -> Store:
    return EagerStore(settings.database, Keyring.load(settings.keys))


if __name__ == "__main__":
    station_access.open_store = open_store
    main()
