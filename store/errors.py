"""What can go wrong with the database, each with what to do next."""


class StoreError(Exception):
    """The database cannot be used as it is; the message says what to do."""


class NewerSchemaError(StoreError):
    """The file was written by a later release: running on would damage it."""


class KeyFileError(StoreError):
    """The key file is missing, unreadable or does not fit this database."""


class SealError(StoreError):
    """A sealed value does not open: wrong key, another row's value, or damage on the disk."""


class BackupError(StoreError):
    """A backup that cannot be made, or one that is not whole."""


class StoreClosedError(StoreError):
    """A job came after the station began to stop; the caller answers "try later"."""
