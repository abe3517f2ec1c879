"""The command line as its users run it: a process of its own, its output read as text."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

Run = subprocess.CompletedProcess[str]

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "pipeline"]


def anchorline(*arguments: str | Path, timeout: float = 300) -> Run:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
        cwd=ROOT,
    )


def start(*arguments: str | Path, new_session: bool = False) -> subprocess.Popen[str]:
    """Start a command whose output is read while it runs; in a new session signals can be sent to all it started."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
        cwd=ROOT,
        start_new_session=new_session,
    )


def versions(folder: Path) -> list[str]:
    """Names of all that lies in a serving folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def write_faq(file: Path, rows: Sequence[tuple[str, str]]) -> None:
    """A CSV of questions and answers."""
    lines = ["question,answer", *(f'"{question}","{answer}"' for question, answer in rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


TOPICS = ["fence", "veranda", "garage", "chimney", "balcony", "pool", "roof", "cellar", "window", "dormer", "sauna"]


def small_faq() -> list[tuple[str, str]]:
    """110 pairs, small enough for a pipeline in seconds."""
    aspects = ["cost", "height", "distance", "colour", "deadline", "neighbour", "drawing", "fee", "size", "appeal"]
    return [
        (f"What about the {aspect} of a {topic}?", f"For a {topic} the {aspect} is settled in section {i}{j}.")
        for i, topic in enumerate(TOPICS)
        for j, aspect in enumerate(aspects)
    ]
