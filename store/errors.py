"""What can go wrong with the database, each with what to do next."""


class StoreError(Exception):
    """The database cannot be used as it is; the message says what to do."""


class DiskError(Exception):
    """The disk is full, fails or has damaged a page: nothing was kept. The same work may succeed later, or once a
    person has mended the disk; a job that is at fault itself raises another."""


class NewerSchemaError(StoreError):
    """The file was written by a later release: running on would damage it."""


class OtherSchemaError(StoreError):
    """The file is of no release: it was written before the first."""


class KeyFileError(StoreError):
    """The key file is missing, unreadable or does not fit this database."""


class SealError(StoreError):
    """A sealed value does not open: wrong key, another row's value, or damage on the disk."""


class BackupError(StoreError):
    """A backup that cannot be made, or one that is not whole."""


class StoreClosedError(StoreError):
    """A job came after the station began to stop; the caller answers "try later"."""
