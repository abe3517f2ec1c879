"""The best epoch, by whatever the validation calls merit."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pytest

from components.train.keep_best import KeepBest
from components.train.validation import Validation

type Figures = tuple[float, float]


class Scripted(Validation):
    """Gives each epoch, the untrained model first, two figures of the script, and makes the model's weight its number.

    The first decides, and where it is the same the second, of which less is better.
    """

    def __init__(self, figures: Sequence[Figures]) -> None:
        super().__init__()
        self._figures = list(figures)
        self.epochs = 0

    def evaluate(self) -> dict[str, float]:
        good, bad = self._figures[self.epochs]
        return {"val_good": good, "val_bad": bad}

    def merit(self, scores: Mapping[str, float]) -> float:
        return scores["val_good"] - scores["val_bad"] / 1000

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs = epoch + 1
        self.model.layers[0].set_weights([np.array([[float(self.epochs)]])])
        super().on_epoch_end(epoch, logs)


def fit(figures: Sequence[Figures], patience: int) -> tuple[KeepBest, int, float]:
    """KeepBest, epochs that were trained, and the number of the epoch whose weights the model ended with."""
    model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.build((None, 1))
    model.compile(optimizer="sgd", loss="mse")
    script = Scripted(figures)
    keep_best = KeepBest(script, patience)
    model.fit(np.ones((2, 1)), np.ones((2, 1)), epochs=len(figures) - 1, verbose=0, callbacks=[script, keep_best])
    return keep_best, script.epochs, float(model.get_weights()[0].item())


NAN = float("nan")


@pytest.mark.parametrize(
    ("figures", "patience", "best", "trained"),
    [
        ([0.5, 0.4, 0.3, 0.4, 0.4, 0.4], 3, 0, 3),
        ([0.5, 0.5, 0.5], 5, 0, 2),
        ([0.1, 0.2, 0.6, 0.5, 0.6, 0.4, 0.9], 2, 2, 4),
        ([0.1, 0.2, 0.6, 0.5, 0.6, 0.4, 0.9], 4, 6, 6),
        ([0.1, 0.2, 0.15, 0.3, 0.25, 0.2, 0.2], 2, 3, 5),
        ([0.1, 0.3, 0.2], 1, 1, 2),
        ([0.5, NAN, NAN, 0.4, 0.6], 3, 0, 3),
    ],
)
def test_the_best_epoch_is_kept_and_training_stops_after_patience(
    figures: list[float], patience: int, best: int, trained: int
) -> None:
    keep_best, epochs, weights = fit([(good, 7.0) for good in figures], patience)
    assert keep_best.best_epoch == weights == best
    assert keep_best.best == {"val_good": figures[best], "val_bad": 7.0}
    assert epochs == trained
    times, merits = zip(*keep_best.curve, strict=True)
    assert list(times) == sorted(times)
    assert list(merits) == pytest.approx([good - 0.007 for good in figures[: trained + 1]], nan_ok=True)


@pytest.mark.parametrize(
    ("figures", "best"),
    [
        ([(0.5, 2.0), (0.9, 1.0), (0.9, 0.5), (0.9, 0.7)], 2),
        ([(0.5, 2.0), (0.9, 1.0), (0.8, 0.1)], 1),
        ([(0.5, 2.0), (0.9, 1.0), (0.9, 1.0)], 1),
        ([(0.5, 2.0), (0.9, 1.0), (0.9, NAN)], 1),
    ],
)
def test_of_equals_the_second_figure_decides(figures: list[Figures], best: int) -> None:
    keep_best, _, weights = fit(figures, patience=9)
    assert keep_best.best_epoch == weights == best
    assert keep_best.best == {"val_good": figures[best][0], "val_bad": figures[best][1]}
