"""What trials came to: one JSON file in the folder of a search, replaced by one rename."""

import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, TypeAdapter

from serving.whole_file import write_whole

FILE = "trials.json"


class Objective(NamedTuple):
    """What trials are compared by: what `components.train.validation` compares epochs by."""

    name: str
    direction: Literal["min", "max"]


OBJECTIVES = {"match": Objective("val_mrr", "max"), "classify": Objective("val_cross_entropy", "min")}
"""By task."""


class Result(BaseModel):
    """A finished trial."""

    number: int
    """0 is the config as it is."""
    values: dict[str, Any]
    """By dotted key."""
    scores: list[float]
    """The objective, one a seed."""
    seconds: float

    @property
    def score(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.scores)

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds; 0 of one."""
        return statistics.pstdev(self.scores)


_RESULTS = TypeAdapter(list[Result])


def search_folder(base: Path, search: Mapping[str, Any], data: str) -> Path:
    """Where a search keeps its state; another search, or one on other data, has another.

    Args:
        base: folder of all searches of a pipeline.
        search: all that makes results comparable, fit for JSON.
        data: address of the transformed data.
    """
    text = json.dumps([search, data], sort_keys=True)
    return base / hashlib.sha256(text.encode()).hexdigest()[:16]


def read_results(folder: Path) -> list[Result]:
    """Finished trials in the order of their numbers; none where there is no search yet."""
    file = folder / FILE
    return _RESULTS.validate_json(file.read_bytes()) if file.exists() else []


def write_results(folder: Path, results: Sequence[Result]) -> None:
    """Replace the finished trials of a search."""
    write_whole(folder / FILE, _RESULTS.dump_json(sorted(results, key=lambda one: one.number), indent=1).decode())


def ranked(results: Sequence[Result], objective: Objective) -> list[Result]:
    """Best first; among equals the earlier, so that the config as it is gives way to something better alone."""
    sign = -1 if objective.direction == "max" else 1
    return sorted(results, key=lambda one: (sign * one.score, one.number))


def shown(value: Any) -> str:
    """A value of a trial as `--set` takes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
