"""Memory that the C library keeps for later, given back to the system."""

import ctypes

_LIBC = ctypes.CDLL(None)


def give_back() -> None:
    """Return what is free in the heap (glibc; elsewhere nothing happens). An unloaded model leaves much of it."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)
