"""The database: rows and their safety, nothing about their meaning."""

from store.engine import Store
from store.errors import StoreError
from store.keys import Keyring
from store.sqlite import DiskError
from store.transaction import Transaction

__all__ = ["DiskError", "Keyring", "Store", "StoreError", "Transaction"]
