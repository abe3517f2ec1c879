"""What whoever runs the server reads on standard error."""

import sys
import traceback

# Clients choose names that end up here; none of them may begin a line of its own or steer a terminal.
_ESCAPES = {code: repr(chr(code))[1:-1] for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}


def log(line: str) -> None:
    """One line; control characters are written as escapes."""
    print(line.translate(_ESCAPES), file=sys.stderr, flush=True)


def log_error(error: BaseException) -> None:
    """The traceback of what should not have happened."""
    print("".join(traceback.format_exception(error)).rstrip(), file=sys.stderr, flush=True)
