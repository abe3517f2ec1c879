"""All that one process needs to know to train: whatever TFX's Trainer, or a worker on another machine, is told."""

import json
import zlib
from pathlib import Path
from typing import Annotated

import tensorflow as tf
from pydantic import BaseModel, ConfigDict, Field

from components.errors import UserError
from components.train.classify import train as train_classify
from components.train.distribute import CLUSTER, averaging, is_chief, scope
from components.train.files import Files
from components.train.match import train as train_match
from components.train.settings import ClassifyTrainer, MatchTrainer

RECORD = "training.json"
"""File in the model-run folder: what was trained, how, and how it went."""


class Job(BaseModel):
    """A training and where its model goes; the same for every process that takes part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: Annotated[MatchTrainer | ClassifyTrainer, Field(discriminator="task")]
    files: Files
    folder: str
    """Where the chief exports to."""
    log_dir: str
    """Where the chief leaves TensorBoard's log and the record."""


def run(job: Job) -> None:
    """Train and, in the chief, export; with other workers this returns when all of them are done.

    Raises:
        UserError: data or cluster are not fit for it, or the workers do not all have the same job.
    """
    settings = job.settings
    distribute = settings.train.distribute
    with scope(distribute):
        mean = averaging()
    fingerprint = tf.constant(zlib.crc32(job.model_dump_json().encode()), tf.float64)
    if mean(fingerprint) != fingerprint:
        raise UserError(f"the workers of {CLUSTER} have different jobs: one found what an earlier run left behind")
    if isinstance(settings, MatchTrainer):
        outcome = train_match(settings, job.files, job.folder, job.log_dir)
    else:
        outcome = train_classify(settings, job.files, job.folder, job.log_dir)
    if is_chief(distribute):
        record = dict(**settings.model_dump(mode="json"), **outcome)
        (Path(job.log_dir) / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    mean(fingerprint)  # workers that left while the chief still exports would be taken for dead
