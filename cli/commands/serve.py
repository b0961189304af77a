"""`sado serve`: the station itself."""

from __future__ import annotations

import signal
import threading

import click
import waitress

from sado import wsgi
from sado.settings import Settings


@click.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Run the station until Ctrl-C."""
    with wsgi.prepared(settings) as station:
        try:
            server = waitress.create_server(
                station.app, host=settings.host, port=settings.port, threads=settings.threads, ident=None
            )
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


def _on_signals() -> threading.Event:
    """What Ctrl-C, or a service manager's word, sets."""
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    return stopped
