"""Models that add their own number: y = x / 2 + N, so that an answer says which version gave it.

N stands in a file of the SavedModel's assets. A version is made by copying a folder and writing that file, for which
nobody needs TensorFlow. `python -m benchmarks.half_plus FOLDER` writes the folder to copy from.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

_ASSET = "plus.txt"
_WEIGHTS = 2**20
"""A few megabytes, like a small encoder: a version that is not given back shows in the memory."""


def save_template(folder: Path) -> None:
    """Write it, in a process that ends."""
    command = [sys.executable, "-m", "benchmarks.half_plus", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def publish(template: Path, base: Path, number: int) -> None:
    """Put version `number` under a base path, by one rename."""
    part = base.with_name(f".{base.name}.{number}")
    shutil.copytree(template, part)
    (part / "assets" / _ASSET).write_text(f"{number}\n")
    base.mkdir(parents=True, exist_ok=True)
    part.rename(base / str(number))


def remove(base: Path, number: int) -> None:
    """Take a version away, by one rename too."""
    part = base.with_name(f".{base.name}.{number}")
    (base / str(number)).rename(part)
    shutil.rmtree(part)


def _save(folder: Path) -> None:
    import tensorflow as tf

    class HalfPlus(tf.Module):
        def __init__(self, asset: Path):
            super().__init__()
            lines = tf.lookup.TextFileInitializer(
                str(asset),
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
            )
            self.table = tf.lookup.StaticHashTable(lines, "")
            self.halves = tf.Variable(tf.fill([_WEIGHTS], 0.5))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def run(self, x: Any) -> Any:
            number = tf.strings.to_number(self.table.lookup(tf.constant(0, tf.int64)))
            return {"y": x * self.halves[0] + number}

    asset = folder.with_name(_ASSET)
    asset.write_text("0\n")
    model = HalfPlus(asset)
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.run})
    asset.unlink()


if __name__ == "__main__":
    _save(Path(sys.argv[1]))
