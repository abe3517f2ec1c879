"""The function that TFX's Trainer calls: data in, best model out."""

import json
import sys
from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from components.tasks.library import Library
from components.tasks.match import MatchModel
from components.train import data
from components.train.callbacks import ENCODE_BATCH, Encoder, KeepBest, RetrievalValidation
from components.train.export import export_match
from components.train.settings import TrainerSettings
from components.transform.vocabulary import NAME

RECORD = "training.json"
"""File in the model-run folder: what was trained, how, and how it went."""

_VERBOSITY = {"bar": 1, "lines": 2, "none": 0}


def run_fn(fn_args: FnArgs) -> None:
    """Train with early stopping on the validation split and export the best epoch.

    `fn_args.train_files` is the training split, `fn_args.eval_files` are the validation split and then the test split,
    of which only the answers are read: they belong to the candidate library, which production searches as a whole.
    """
    settings = TrainerSettings.model_validate_json(fn_args.custom_config["settings"])
    train_files, (validation_files, *_) = fn_args.train_files, fn_args.eval_files
    keras.utils.set_random_seed(settings.seed)

    candidates = data.read_library([*fn_args.train_files, *fn_args.eval_files])
    vocabulary = tft.TFTransformOutput(fn_args.transform_output).vocabulary_file_by_name(NAME)
    towers = settings.model.encoder.build(vocabulary)
    for tower in towers.values():
        tower.adapt(tf.data.Dataset.from_tensor_slices(list(candidates)).batch(ENCODE_BATCH))

    model = MatchModel(towers)
    model.compile(optimizer=keras.optimizers.Adam(settings.train.learning_rate), loss=settings.model.loss.build())
    _, questions, answers = zip(*data.read_texts([validation_files]), strict=True)
    validation = RetrievalValidation(questions, answers, candidates, settings.seed)
    keep_best = KeepBest(validation, settings.train.patience)
    history = model.fit(
        data.training_batches(train_files, towers, settings.train.batch_size, settings.seed),
        epochs=settings.train.epochs,
        callbacks=[validation, keep_best, keras.callbacks.TensorBoard(fn_args.model_run_dir, write_graph=False)],
        shuffle=False,
        verbose=_VERBOSITY[_progress(settings.progress)],
    )

    texts = list(candidates)
    library = Library(list(candidates.values()), texts, Encoder(model, "answer")(texts))
    export_match(model, library, settings.candidates, fn_args.serving_model_dir)
    record = {
        "seed": settings.seed,
        "candidates": library.size,
        "parameters": model.count_params(),
        "best_epoch": keep_best.best_epoch,
        "validation": keep_best.best,
        "history": history.history,
    }
    (Path(fn_args.model_run_dir) / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")


def _progress(wanted: str) -> Literal["bar", "lines", "none"]:
    if wanted == "auto":
        return "bar" if sys.stdout.isatty() else "lines"
    return wanted  # type: ignore[return-value]
