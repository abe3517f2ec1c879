"""Training of a `match` model, apart from where the data comes from and where the model goes."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from components.tasks.match import MatchModel
from components.train.callbacks import KeepBest, RetrievalValidation
from components.train.data import training_batches
from components.train.encoding import BATCH
from components.train.settings import TrainerSettings


@dataclass(frozen=True)
class Fitted:
    """A trained model, at its best epoch, and how it got there."""

    model: MatchModel
    best_epoch: int
    """From 1; 0 is the untrained model."""
    validation: dict[str, float]
    """Metrics of the best epoch."""
    history: dict[str, list[float]]
    """Losses and metrics by epoch."""

    def record(self) -> dict[str, Any]:
        """All but the model."""
        return {
            "parameters": self.model.count_params(),
            "best_epoch": self.best_epoch,
            "validation": self.validation,
            "history": self.history,
        }


def fit_match(
    settings: TrainerSettings,
    *,
    train_files: Sequence[str],
    validation: tuple[Sequence[str], Sequence[str]],
    candidates: Mapping[str, str],
    vocabulary_file: str,
    log_dir: str | None = None,
    progress: bool = True,
) -> Fitted:
    """Train two towers with early stopping on retrieval of the validation questions.

    Args:
        settings: encoder, loss, pace and seed.
        train_files: patterns of the Transform step's records to learn from.
        validation: held-out questions and their right answers.
        candidates: the whole library, ids by text.
        vocabulary_file: a token a line.
        log_dir: where TensorBoard's log goes, if anywhere.
        progress: show Keras's progress bar on a terminal, or else a line for each epoch.
    """
    keras.utils.set_random_seed(settings.seed)
    towers = settings.model.encoder.build(vocabulary_file)
    towers["answer"].adapt(tf.data.Dataset.from_tensor_slices(list(candidates)).batch(BATCH))
    model = MatchModel(towers)
    rate = settings.train.learning_rate or settings.model.encoder.learning_rate
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=settings.model.loss.build())

    retrieval = RetrievalValidation(*validation, candidates, settings.seed)
    keep_best = KeepBest(retrieval, settings.train.patience)
    logs = [keras.callbacks.TensorBoard(log_dir, write_graph=False)] if log_dir else []
    # Without end, because Keras would make a new iterator for each epoch, which costs more than a small epoch does.
    batches, steps = training_batches(train_files, towers, settings.train.batch_size, settings.seed)
    history = model.fit(
        batches,
        steps_per_epoch=min(steps, settings.train.steps_per_epoch or steps),
        epochs=settings.train.epochs,
        callbacks=[retrieval, keep_best, *logs],
        shuffle=False,
        verbose=_verbosity() if progress else 0,
    )
    return Fitted(model, keep_best.best_epoch, keep_best.best, history.history)


def _verbosity() -> int:
    bar, lines = 1, 2
    return bar if sys.stdout.isatty() else lines
