"""`sado serve`: the station itself."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import click
import waitress
import waitress.server

from sado import wsgi
from sado.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SEND_BYTES = 18000


@click.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Run the station until Ctrl-C."""
    with wsgi.prepared(settings) as station:
        try:
            server = listening(station.app, settings.host, settings.port, settings.threads)
        except OSError as error:
            where = f"{settings.host}, port {settings.port}"
            raise click.ClickException(
                f"It cannot listen on {where} ({error.strerror}): set SADO_HOST or SADO_PORT."
            ) from None
        station.start()
        stopped = _on_signals()
        # In a thread, because the server's own loop goes on for as long as anyone keeps a connection open.
        serving = threading.Thread(target=server.run, daemon=True)
        serving.start()
        click.echo(f"Station {station.identity.number:03} listens on http://{settings.host}:{settings.port}", err=True)
        while serving.is_alive() and not stopped.wait(0.5):
            pass
        server.close()
        server.task_dispatcher.shutdown()
        station.stop()


def listening(app: WSGIApplication, host: str, port: int, threads: int) -> waitress.server.BaseWSGIServer:
    """A server of this app that has its port, and answers once its `run` is called. Raises OSError.

    What a page or a screen says leaves in one piece: Waitress would send the head by itself, and a hop costs a fifth
    more for it (bench/hops.py)."""
    return waitress.create_server(app, host=host, port=port, threads=threads, ident=None, send_bytes=SEND_BYTES)


def _on_signals() -> threading.Event:
    """What Ctrl-C, or a service manager's word, sets."""
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    return stopped
