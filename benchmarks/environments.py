"""Environments of their own for what is compared, made on first use from what `benchmarks/rivals` pins."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

RIVALS = Path(__file__).parent / "rivals"


def environment(name: str, *packages: str) -> Path:
    """The `bin` folder of an environment with these packages of `rivals/requirements.txt`, made where it is missing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "anchorline" / "rivals"
    place = cache / name
    lines = (RIVALS / "requirements.txt").read_text().splitlines()
    requirements = [line for line in lines if line.partition("==")[0] in packages]
    made = place / ".made"
    if not made.exists() or made.read_text() != "\n".join(requirements):
        uv = shutil.which("uv") or sys.exit(f"uv is not installed, which makes the environment of {name}")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(place / "bin" / "python")]
        subprocess.run([*install, *requirements], check=True)
        made.write_text("\n".join(requirements))
    return place / "bin"
