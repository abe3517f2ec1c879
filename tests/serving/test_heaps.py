"""How many heaps glibc makes for threads."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone has such heaps")

_COUNT_HEAPS = """
import ctypes, sys, threading
from serving.server.memory import limit_arenas

if sys.argv[1] == "limited":
    limit_arenas()
libc = ctypes.CDLL(None)
all_there = threading.Barrier(1 + int(sys.argv[2]))

def take():
    libc.malloc(100_000)
    all_there.wait()
    all_there.wait()

for _ in range(all_there.parties - 1):
    threading.Thread(target=take).start()
all_there.wait()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
all_there.wait()
"""


def test_threads_share_two_heaps_a_core() -> None:
    cores = os.cpu_count() or 1
    without, limited = (_heaps(kind, threads=4 * cores) for kind in ("default", "limited"))
    assert limited <= 2 * cores < without


def test_the_environment_has_the_last_word() -> None:
    assert _heaps("limited", threads=6, MALLOC_ARENA_MAX="1") == 1


def _heaps(kind: str, threads: int, **environment: str) -> int:
    command = [sys.executable, "-c", _COUNT_HEAPS, kind, str(threads)]
    found = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, check=True, text=True)
    return found.stdout.count("<heap nr=")
