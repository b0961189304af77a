"""The WSGI object: `gunicorn --threads 16 wsgi:app`, `waitress-serve wsgi:app`, `flask --app wsgi run`.

`app` is the station that the SADO_* variables describe. It is made when a server first asks for it, so importing this
file starts nothing. One process serves a station: SQLite is safe with one process for each file, and a second one
is refused with a sentence.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from flask import Flask

from sado import settings
from sado.channel.settings import BLOCKS
from sado.cli import control, station_access
from sado.settings import Settings, SettingsError
from sado.station import Station, build_station, spare_memory
from sado.store import DiskError, StoreError

# By this code gunicorn knows that another worker would end the same (gunicorn.arbiter, WORKER_BOOT_ERROR).
NO_USE_TO_TRY_AGAIN = 3


@contextmanager
def prepared(wanted: Settings) -> Iterator[Station]:
    """The station of these settings, for this process alone, with the control API; it does not send yet. Raises
    SettingsError, StoreError or ValueError, each with what to do."""
    spare_memory()
    with station_access.opened(wanted) as store:
        made = build_station(wanted, store)
        with control.listening(made):
            yield made


@cache
def _served() -> Flask:
    life = ExitStack()
    try:
        made = life.enter_context(prepared(_settings()))
    except (SettingsError, StoreError, DiskError, ValueError, OSError) as error:
        print(f"Sado does not start. {error}", file=sys.stderr)
        raise SystemExit(NO_USE_TO_TRY_AGAIN) from error
    life.callback(made.stop)
    made.start()
    atexit.register(life.close)
    return made.app


def _settings() -> Settings:
    """Those of the environment, as far as another server can keep them. Raises SettingsError."""
    wanted = settings.load(os.environ, BLOCKS)
    if wanted.trusted_proxy:
        raise SettingsError(
            "SADO_TRUSTED_PROXY is for `sado serve`: unset it, and tell this server which proxy it may believe."
        )
    return wanted


def __getattr__(name: str) -> Flask:
    if name == "app":
        return _served()
    raise AttributeError(name)
