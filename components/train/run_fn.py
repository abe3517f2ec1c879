"""The function that TFX's Trainer calls: data in, best model out."""

import json
from pathlib import Path

import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from components.train.classify import train as train_classify
from components.train.files import Files
from components.train.match import train as train_match
from components.train.settings import MatchTrainer, parse_settings
from components.transform.vocabulary import LABELS, NAME

RECORD = "training.json"
"""File in the model-run folder: what was trained, how, and how it went."""


def run_fn(fn_args: FnArgs) -> None:
    """Train with early stopping on the validation split and export the best epoch.

    `fn_args.train_files` is the training split, `fn_args.eval_files` are the validation split and then the test split,
    of which only the answers of a `match` task are read: they belong to the candidate library, which production
    searches as a whole.
    """
    settings = parse_settings(fn_args.custom_config["settings"])
    transform = tft.TFTransformOutput(fn_args.transform_output)
    validation, test = fn_args.eval_files
    files = Files(
        train=fn_args.train_files,
        validation=[validation],
        test=[test],
        vocabulary=transform.vocabulary_file_by_name(NAME) or "",
        labels=transform.vocabulary_file_by_name(LABELS) or "",
    )
    if isinstance(settings, MatchTrainer):
        outcome = train_match(settings, files, fn_args.serving_model_dir, fn_args.model_run_dir)
    else:
        outcome = train_classify(settings, files, fn_args.serving_model_dir, fn_args.model_run_dir)
    record = settings.model_dump(mode="json") | outcome
    (Path(fn_args.model_run_dir) / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
