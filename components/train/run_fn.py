"""The function that TFX's Trainer calls: data in, best model out."""

import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from components.train.files import Files
from components.train.job import Job, run
from components.train.settings import parse_settings
from components.train.worker import run_with_workers
from components.transform.vocabulary import LABELS, NAME


def run_fn(fn_args: FnArgs) -> None:
    """Train with early stopping on the validation split and export the best epoch.

    `fn_args.train_files` is the training split, `fn_args.eval_files` are the validation split and then the test split,
    of which only the answers of a `match` task are read: they belong to the candidate library, which production
    searches as a whole.
    """
    settings = parse_settings(fn_args.custom_config["settings"])
    files = files_of(fn_args)
    job = Job(settings=settings, files=files, folder=fn_args.serving_model_dir, log_dir=fn_args.model_run_dir)
    if settings.train.distribute == "multi_worker":
        run_with_workers(job)
    else:
        run(job)


def files_of(fn_args: FnArgs) -> Files:
    """What the Trainer and the Tuner are given to read."""
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    validation, test = fn_args.eval_files
    return Files(
        train=fn_args.train_files,
        validation=[validation],
        test=[test],
        vocabulary=transform.vocabulary_file_by_name(NAME) or "",
        labels=transform.vocabulary_file_by_name(LABELS) or "",
    )
