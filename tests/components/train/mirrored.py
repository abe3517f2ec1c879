"""Fits one `match` job on two devices of a process of its own: `python -m tests.components.train.mirrored JOB.json`.

Prints, as JSON, how many replicas there were, what the loss has learnt on each of them, and what an epoch cost.
"""

import json
import sys
from pathlib import Path

import tensorflow as tf

from components.train.candidates import Candidates
from components.train.distribute import scope, strategy_of
from components.train.job import Job
from components.train.match import fit_match
from components.train.settings import MatchTrainer

if __name__ == "__main__":
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    job = Job.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    assert isinstance(job.settings, MatchTrainer)
    strategy = strategy_of("mirrored")
    assert strategy is not None
    with scope("mirrored"):
        fitted = fit_match(job.settings, job.files, Candidates(job.files.all), progress=False)
    learnt = [value for part in fitted.model.loss_parts for value in part.trainable_variables]
    found = {
        "replicas": fitted.replicas,
        "learnt": [
            [float(copy.numpy()) for copy in strategy.experimental_local_results(value.value)] for value in learnt
        ],
        "losses": fitted.history["loss"],
    }
    print(json.dumps(found))
