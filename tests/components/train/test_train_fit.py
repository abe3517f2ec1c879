"""The loop that both tasks share: its pace, and what it tells."""

import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.train.fit import Fitted, adam, fit
from components.train.settings import TrainSettings
from components.train.validation import Validation

STEPS = 5
"""Of one pass over the rows."""


class Rising(Validation):
    """The mean of the model's weights, which only grow; notes the learning rate."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def evaluate(self) -> dict[str, float]:
        return {"val_weight": float(np.mean(self.model.get_weights()[0]))}

    def merit(self, scores: Mapping[str, float]) -> float:
        return scores["val_weight"]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.rates.append(float(self.model.optimizer.learning_rate))
        super().on_epoch_end(epoch, logs)


def fitted(settings: TrainSettings) -> tuple[Fitted[keras.Model], Rising]:
    model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.build((None, 2))
    rows = tf.data.Dataset.from_tensors((np.ones((3, 2)), 100 * np.ones((3, 1)))).repeat()
    validation = Rising()
    loss = keras.losses.MeanSquaredError()
    return fit(model, (rows, STEPS), validation, settings, rate=0.25, loss=loss, progress=False), validation


@pytest.mark.parametrize(
    ("settings", "steps", "rates"),
    [
        (TrainSettings(epochs=3), 15, [0.25, 0.25, 0.25]),
        (TrainSettings(epochs=3, steps_per_epoch=2), 6, [0.25, 0.25, 0.25]),
        (TrainSettings(epochs=2, steps_per_epoch=99, learning_rate=0.5), 10, [0.5, 0.5]),
        (TrainSettings(epochs=2, schedule="cosine"), 10, [0.125, 0.0]),
        (TrainSettings(epochs=2, schedule="cosine", steps_per_epoch=4, learning_rate=1.0), 8, [0.5, 0.0]),
    ],
)
def test_the_pace_is_that_of_the_settings(settings: TrainSettings, steps: int, rates: list[float]) -> None:
    found, validation = fitted(settings)
    assert int(found.model.optimizer.iterations) == steps
    assert validation.rates == pytest.approx(rates, abs=1e-7)


def test_no_step_is_compiled_by_xla(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras would do it on a GPU, and tests run on none."""
    asked: list[Any] = []
    compile_model = keras.Sequential.compile

    def noted(model: keras.Sequential, *arguments: Any, **options: Any) -> None:
        asked.append(options["jit_compile"])
        compile_model(model, *arguments, **options)

    monkeypatch.setattr(keras.Sequential, "compile", noted)
    fitted(TrainSettings(epochs=1))
    assert asked == [False]


def test_the_record_is_all_but_the_model() -> None:
    found, _ = fitted(TrainSettings(epochs=3))
    record = json.loads(json.dumps(found.record()))
    assert record["parameters"] == 2
    assert record["best_epoch"] == 3
    assert set(record["history"]) == {"loss", "val_weight"}
    assert record["validation"] == {"val_weight": record["history"]["val_weight"][-1]}
    assert record["history"]["val_weight"] == sorted(record["history"]["val_weight"])


@pytest.mark.parametrize(("step", "rate"), [(0, 0.3), (25, 0.3 * 0.853553), (50, 0.15), (100, 0.0), (200, 0.0)])
def test_a_cosine_falls_to_nothing_and_stays_there(step: int, rate: float) -> None:
    optimizer = adam(0.3, "cosine", 100)
    optimizer.iterations.assign(step)
    assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-6)
    assert float(adam(0.3, "constant", 100).learning_rate) == pytest.approx(0.3)
