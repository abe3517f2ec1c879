"""The one error of ingest."""

from components.errors import UserError


class DataError(UserError):
    """The user's data cannot be used as it is; the text says which file and what to do."""
