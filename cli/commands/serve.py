"""`sado serve`: the station itself."""

from __future__ import annotations

import threading

import click

from sado import wsgi
from sado.cli import first_code
from sado.cli.server import listening
from sado.cli.signals import stopped_by_signal
from sado.settings import Settings


@click.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Run the station until Ctrl-C."""
    with wsgi.prepared(settings) as station:
        try:
            server = listening(
                station.app, settings.host, settings.port, settings.threads, trusted_proxy=settings.trusted_proxy
            )
        except OSError as error:
            where = f"{settings.host}, port {settings.port}"
            raise click.ClickException(
                f"It cannot listen on {where} ({error.strerror}): set SADO_HOST or SADO_PORT."
            ) from None
        station.start()
        stopped = stopped_by_signal()
        # In a thread, because the server's own loop goes on for as long as anyone keeps a connection open.
        serving = threading.Thread(target=server.run, daemon=True)
        serving.start()
        click.echo(f"Station {station.identity.number:03} listens on http://{settings.host}:{settings.port}", err=True)
        if code := first_code.sentence(settings, station.store):
            click.echo(code, err=True)
        while serving.is_alive() and not stopped.wait(0.5):
            pass
        server.close()
        server.task_dispatcher.shutdown()
        station.stop()
