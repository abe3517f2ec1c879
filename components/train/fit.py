"""Training with the best epoch kept, the same for every task."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import tensorflow as tf

from components.encoders.tower import Tower
from components.train.distribute import distribute, is_chief, replicas
from components.train.keep_best import KeepBest
from components.train.optimizer import LayerwiseAdam
from components.train.settings import TrainSettings
from components.train.validation import Validation


@dataclass(frozen=True)
class Fitted[Model: keras.Model]:
    """A trained model, at its best epoch, and how it got there."""

    model: Model
    best_epoch: int
    """From 1; 0 is the untrained model."""
    validation: Mapping[str, float]
    """Metrics of the best epoch."""
    history: Mapping[str, list[float]]
    """Losses and metrics by epoch."""
    curve: Sequence[tuple[float, float]] = ()
    """When each validation was done, by `time.perf_counter`, and its merit; the untrained model's first."""
    replicas: int = 1
    """How many copies of the model learnt at once."""

    def record(self) -> dict[str, Any]:
        """All but the model and the times of this process's clock."""
        return {
            "parameters": self.model.count_params(),
            "replicas": self.replicas,
            "best_epoch": self.best_epoch,
            "validation": self.validation,
            "history": self.history,
        }


def adam(
    rate: float, schedule: Literal["constant", "cosine"], steps: int, rates: Mapping[str, float] | None = None
) -> keras.optimizers.Optimizer:
    """Adam whose learning rate starts at `rate` and, if the schedule is `cosine`, is 0 after `steps`.

    Weights whose paths are in `rates` start at those instead.
    """
    decay = keras.optimizers.schedules.CosineDecay(rate, steps) if schedule == "cosine" else rate
    return LayerwiseAdam(decay, {path: own / rate for path, own in (rates or {}).items()})


def fit[Model: keras.Model](
    model: Model,
    batches: tuple[tf.data.Dataset, int],
    validation: Validation,
    settings: TrainSettings,
    *,
    rate: float,
    least_steps: int = 1,
    loss: keras.losses.Loss | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    log_dir: str | None = None,
    progress: bool = True,
) -> Fitted[Model]:
    """Compile a model and train it with early stopping, under the current strategy of tf.distribute if there is one.

    Args:
        model: with the weights to start from.
        batches: without end, because Keras would make a new iterator for each epoch, which costs more than a small
            epoch does; and how many make one pass over the rows.
        validation: what scores an epoch.
        settings: the pace.
        rate: learning rate where the settings have none.
        least_steps: of an epoch, where the settings say nothing; a pass over few rows has fewer.
        loss: of the model's output; none where the model computes its own.
        callbacks: what else is to be done while it learns.
        log_dir: where TensorBoard's log goes, if anywhere.
        progress: show Keras's progress bar on a terminal, or else a line for each epoch.
    """
    dataset, steps = batches
    steps = min(steps, settings.steps_per_epoch) if settings.steps_per_epoch else max(steps, least_steps)
    towers = (layer for layer in model.layers if isinstance(layer, Tower))
    rates = {path: own for tower in towers for path, own in tower.learning_rates().items()}
    optimizer = adam(settings.learning_rate or rate, settings.schedule, steps * settings.epochs, rates)
    # XLA, which Keras would take on a GPU, lacks sparse and picture ops, and compiles anew for each number of terms.
    model.compile(optimizer, loss=loss, jit_compile=False)
    if tf.distribute.has_strategy():
        validation = distribute(model, validation)
    keep_best = KeepBest(validation, settings.patience)
    chief = is_chief(settings.distribute)
    logs = [keras.callbacks.TensorBoard(log_dir, write_graph=False)] if log_dir and chief else []
    history = model.fit(
        dataset,
        steps_per_epoch=steps,
        epochs=settings.epochs,
        callbacks=[*callbacks, validation, keep_best, *logs],
        shuffle=False,
        verbose=_verbosity() if progress and chief else 0,
    )
    return Fitted(model, keep_best.best_epoch, keep_best.best, history.history, keep_best.curve, replicas())


def _verbosity() -> int:
    bar, lines = 1, 2
    return bar if sys.stdout.isatty() else lines
