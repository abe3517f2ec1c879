"""How long a step of the Kubeflow pipeline takes before its work begins: `python -m benchmarks.step_start`.

Each line is a process of its own that imports what a step needs and ends. `tfx.v1` is how TFX's guides import it, and
`kubeflow_v2_run_executor` what TFX would have a container run; below them is what `kubeflow.entry` does for each step.
"""

import argparse
import json
import statistics
import subprocess
import sys
from typing import NamedTuple

AFTER = """
import json, resource, sys, time
usage = resource.getrusage(resource.RUSAGE_SELF)
names = ("apache_beam", "keras", "tensorflow", "tensorflow_model_analysis.api")
loaded = [name.partition(".")[0] for name in names if name in sys.modules]
print(json.dumps({"cpu": usage.ru_utime + usage.ru_stime, "modules": len(sys.modules), "loaded": loaded}))
"""
ENTRY = """
import os
os.environ["_KFP_RUNTIME"] = "true"
from kubeflow.entry import WHOLE
from kubeflow.lazy_packages import defer
if {path!r} not in WHOLE:
    defer()
import kubeflow.execute
from tfx.utils.import_utils import import_class_by_path
import_class_by_path({path!r})
"""
STEPS = {
    "ingest": "components.ingest.executor.Executor",
    "statistics": "tfx.components.statistics_gen.executor.Executor",
    "schema": "components.schema.component.InferSchema_Executor",
    "anomalies": "components.anomalies.executor.Executor",
    "transform": "tfx.components.transform.executor.Executor",
    "train": "tfx.components.trainer.executor.GenericExecutor",
    "baseline": "components.baseline.component.Baseline_Executor",
    "evaluate": "components.evaluate.executor.Executor",
    "serving-check": "components.serving_check.component.ServingCheck_Executor",
    "push": "components.push.executor.Executor",
}
PROGRAMS = {
    "tfx.v1": "from tfx import v1",
    "kubeflow_v2_run_executor": "import tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
} | {step: ENTRY.format(path=path) for step, path in STEPS.items()}


class Start(NamedTuple):
    """One program."""

    seconds: float
    """Processor time, the median of several runs."""
    modules: int
    loaded: list[str]


def measure(program: str, repeats: int) -> Start:
    """Run a program several times."""
    found = []
    for _ in range(repeats):
        done = subprocess.run([sys.executable, "-c", program + AFTER], capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return Start(statistics.median(one["cpu"] for one in found), found[0]["modules"], found[0]["loaded"])


def main() -> None:
    """Measure all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    print("| program | CPU s | modules | of them |\n| --- | ---: | ---: | --- |")
    for name, program in PROGRAMS.items():
        start = measure(program, repeats)
        print(f"| {name} | {start.seconds:.1f} | {start.modules} | {', '.join(start.loaded)} |", flush=True)


if __name__ == "__main__":
    main()
