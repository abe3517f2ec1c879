"""The function that TFX's Trainer calls: data in, best model out."""

import json
from pathlib import Path

import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from components.tasks.library import Library
from components.train.data import read_library, read_texts
from components.train.encoding import Encoder
from components.train.export import export_match
from components.train.fit import fit_match
from components.train.settings import TrainerSettings
from components.transform.vocabulary import NAME

RECORD = "training.json"
"""File in the model-run folder: what was trained, how, and how it went."""


def run_fn(fn_args: FnArgs) -> None:
    """Train with early stopping on the validation split and export the best epoch.

    `fn_args.train_files` is the training split, `fn_args.eval_files` are the validation split and then the test split,
    of which only the answers are read: they belong to the candidate library, which production searches as a whole.
    """
    settings = TrainerSettings.model_validate_json(fn_args.custom_config["settings"])
    candidates = read_library([*fn_args.train_files, *fn_args.eval_files])
    _, questions, answers = zip(*read_texts(fn_args.eval_files[:1]), strict=True)
    fitted = fit_match(
        settings,
        train_files=fn_args.train_files,
        validation=(questions, answers),
        candidates=candidates,
        vocabulary_file=tft.TFTransformOutput(fn_args.transform_output).vocabulary_file_by_name(NAME),
        log_dir=fn_args.model_run_dir,
    )
    texts = list(candidates)
    library = Library(list(candidates.values()), texts, Encoder(fitted.model.answer)(texts))
    export_match(fitted.model, library, settings.candidates, fn_args.serving_model_dir)
    record = settings.model_dump(mode="json") | {"library": library.size} | fitted.record()
    (Path(fn_args.model_run_dir) / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
