"""The database: rows and their safety, nothing about their meaning."""

from sado.store.engine import Store
from sado.store.engines.contract import LARGEST
from sado.store.errors import DiskError, StoreError
from sado.store.keys import Keyring
from sado.store.transaction import Transaction

__all__ = ["LARGEST", "DiskError", "Keyring", "Store", "StoreError", "Transaction"]
