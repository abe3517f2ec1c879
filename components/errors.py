"""Errors whose text is meant for the person at the keyboard."""


class UserError(Exception):
    """Something the user can mend; shown as its text alone, without a traceback."""

    exit_code = 1
    """With which a command ends."""
