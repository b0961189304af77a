"""Hops of gateways that send the last input alone."""

from __future__ import annotations

from dataclasses import dataclass

from sado.channel.contract import Hop


@dataclass(frozen=True)
class LastInput(Hop):
    """A hop whose `text` is the last input alone; on the first one, what was dialled after the service code. The
    conversation keeps the history.

    `request_id` names the request, the same each time it is repeated; empty where the gateway gives none, and then a
    repeat is guessed from its time (`channel.session.history`). `is_first` is the gateway's word that a session
    begins: only it parts two sessions of a gateway that uses one id again and again."""

    request_id: str = ""
    is_first: bool = False
