"""A station that promises and never writes, to show that test_kill.py would notice: `store.write` returns when the job
has run, and no commit follows while the process lives."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Never

from sado.cli import station_access
from sado.cli.main import main
from sado.settings import Settings
from sado.store import Keyring, Store, Transaction


class EagerStore(Store):
    """Runs all jobs in the background, in one transaction without end, and lets each caller go."""

    def __init__(self, path: Path, keys: Keyring) -> None:
        super().__init__(path, keys)
        self._jobs: queue.Queue[tuple[Callable[[Transaction], Any], Future[Any]]] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def write(self, job: Callable[[Transaction], Any]) -> Any:
        answer: Future[Any] = Future()
        self._jobs.put((job, answer))
        return answer.result()

    def _work(self) -> None:
        super().write(self._answer_all)

    def _answer_all(self, tx: Transaction) -> Never:
        while True:
            job, answer = self._jobs.get()
            try:
                answer.set_result(job(tx))
            except Exception as error:
                answer.set_exception(error)


def open_store(settings: Settings) -> Store:
    return EagerStore(settings.database, Keyring.load(settings.keys))


if __name__ == "__main__":
    station_access.open_store = open_store
    main()
