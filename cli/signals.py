"""Ctrl-C and a service manager's word, for commands that run until then."""

from __future__ import annotations

import signal
import threading


def stopped_by_signal() -> threading.Event:
    """An event that SIGINT or SIGTERM sets, from now on."""
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    return stopped
