"""The changes by the names of the commands that make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from sado.desk.administration.accounts import Accounts
from sado.desk.administration.agencies import Agencies
from sado.desk.administration.stations import Stations
from sado.menus.pack import Pack
from sado.store import Store


def act(store: Store, pack: Callable[[], Pack], body: Any) -> Any:
    """Do what a command says, `{"what": "account add", "values": {…}}`; what came of it, in plain values. Raises
    RefusedError."""
    return msgspec.to_builtins(_acts(store, pack)[body["what"]](**body["values"]))


def _acts(store: Store, pack: Callable[[], Pack]) -> dict[str, Callable[..., object]]:
    accounts, agencies, stations = Accounts(store, pack), Agencies(store, pack), Stations(store, pack)
    return {
        "account list": accounts.every,
        "account add": accounts.add,
        "account disable": accounts.disable,
        "account enable": accounts.enable,
        "account remove": accounts.remove,
        "account password": accounts.renew_password,
        "account end-sessions": accounts.end_sessions,
        "account totp-off": accounts.totp_off,
        "agency list": agencies.every,
        "agency token": agencies.renew_token,
        "agency revoke-token": agencies.revoke_token,
        "station list": stations.every,
        "station add": stations.add,
        "station rekey": stations.rekey,
        "station revoke": stations.revoke,
        "station drop-votes": stations.drop_votes,
    }
