"""How long the model server takes from its start until its model is AVAILABLE, beside `import tensorflow` alone.

    ./dev python -m benchmarks.start [--model examples/out/building-permits/serving/building-permits] [--times 5]

The two take turns, so that both meet the same machine. Ends with 1 if the median of the server is more than 1.3 times
that of the import and a second.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from serving.process import ModelServer

MODEL = Path("examples/out/building-permits/serving/building-permits")
FACTOR, SECONDS = 1.3, 1.0


class Starts(NamedTuple):
    """Seconds of each run."""

    imports: list[float]
    servers: list[float]

    @property
    def allowed(self) -> float:
        """The most seconds that the median of the server may be."""
        return FACTOR * statistics.median(self.imports) + SECONDS

    @property
    def is_slow(self) -> bool:
        """Whether it is more."""
        return statistics.median(self.servers) > self.allowed


def measure(model: Path, times: int) -> Starts:
    """Start each so often, after one start each that is not counted. Raises ServerStartError."""
    starts = Starts([], [])
    for _ in range(times + 1):
        starts.imports.append(_import())
        starts.servers.append(_serve(model))
    return Starts(starts.imports[1:], starts.servers[1:])


def _import() -> float:
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", "import tensorflow"],
        check=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        stderr=subprocess.DEVNULL,
    )
    return time.monotonic() - began


def _serve(model: Path) -> float:
    began = time.monotonic()
    with ModelServer({"model": model}):
        return time.monotonic() - began


def main(model: Path = MODEL, times: int = 5) -> None:
    """Print the medians."""
    if not model.is_dir():
        sys.exit(f"there is no model in {model}: run ./dev anchorline run examples/faq.yaml, or give --model")
    starts = measure(model, times)
    table = Table("", "median", "shortest", "longest", box=box.MARKDOWN)
    for name, seconds in (("import tensorflow", starts.imports), ("server until AVAILABLE", starts.servers)):
        table.add_row(name, *(f"{f(seconds):.2f} s" for f in (statistics.median, min, max)))
    table.add_row(f"allowed: {FACTOR} × the import + {SECONDS:g} s", f"{starts.allowed:.2f} s", "", "")
    Console(width=120).print(table)
    sys.exit(starts.is_slow)


if __name__ == "__main__":
    typer.run(main)
