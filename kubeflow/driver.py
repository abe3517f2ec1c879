"""What KFP's driver does for a step: its inputs from what earlier steps put out, and places for its own outputs.

After resolveInputs and provisionOutputs in kubeflow/pipelines, backend/src/v2/driver. The runner on this machine drives
steps with it, and tests hold the steps' entry against the same input that a cluster gives it.
"""

from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]

OUTPUT_FILE = "/tmp/kfp_outputs/output_metadata.json"  # noqa: S108  the launcher's, in a container of its own


def order(tasks: Mapping[str, Json]) -> list[str]:
    """Names of tasks, each behind all that it depends on.

    Raises:
        ValueError: tasks wait for each other.
    """
    try:
        return list(TopologicalSorter({name: task.get("dependentTasks", []) for name, task in tasks.items()}).static_order())
    except CycleError as error:
        raise ValueError(f"tasks wait for each other: {error}") from error
