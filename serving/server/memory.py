"""What the C library keeps of the memory that it was given back."""

import ctypes
import os

_LIBC = ctypes.CDLL(None)
_M_ARENA_MAX = -8  # malloc.h


def limit_arenas() -> None:
    """Let glibc have two heaps a core instead of eight, unless MALLOC_ARENA_MAX says how many.

    Threads that load a model, run it and unload it would each leave holes in a heap of its own. Call it before there
    are threads; where the C library is another one nothing happens.
    """
    mallopt = getattr(_LIBC, "mallopt", None)
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, 2 * (os.cpu_count() or 1))


def give_back() -> None:
    """Return what is free in the heaps (glibc; elsewhere nothing happens). An unloaded model leaves much of it."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)
