"""`sado dial`: a phone in the terminal."""

from __future__ import annotations

import click

from sado.menus.handset import Handset, Letters


@click.command()
@click.argument("url")
@click.option("--number", default="+992900000001", show_default=True, help="The number of the phone.")
@click.option("--code", default="*1339#", show_default=True, help="What to dial, such as *1339*2*1#.")
@click.option("--cut", type=click.IntRange(min=1), help="Units after which the network cuts every screen.")
@click.option("--without-cyrillic", is_flag=True, help="A phone that shows a box for every Cyrillic letter.")
def dial(url: str, number: str, code: str, cut: int | None, without_cyrillic: bool) -> None:
    """A key phone in the terminal, on a good network or a bad one: /help lists what can go wrong on the way. URL is
    the station's USSD webhook, as its gateway calls it."""
    from sado.cli import terminal_phone  # brings Flask along

    handset = Handset(cut or 0, Letters.LATIN if without_cyrillic else Letters.ALL)
    terminal_phone.run(url, number, code, handset)
