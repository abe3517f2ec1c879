from typing import Any

import keras
import numpy as np
import pytest

from components.losses.circle import Circle
from components.losses.pair_loss import PairLoss
from components.losses.schedules import Growth
from components.losses.triplet import CosineTriplet

BATCHES = 3
EPOCHS = 4


class Watch(keras.callbacks.Callback):
    """Notes the value at each step."""

    def __init__(self, growth: Growth) -> None:
        super().__init__()
        self.growth = growth
        self.values: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        del batch, logs
        self.values.append(float(self.growth.value.numpy()))


def fit(loss: PairLoss) -> tuple[list[float], list[float]]:
    """The margin at every step, and the loss of every epoch, of a model that cannot change."""
    (growth,) = loss.schedules
    watch = Watch(growth)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, use_bias=False, kernel_initializer="identity")])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=loss)
    scores = np.tile(np.array([[0.5, 0.5], [0.2, 0.2]], np.float32), (BATCHES, 1))
    positive = np.tile(np.eye(2), (BATCHES, 1))
    history = model.fit(
        scores, positive, batch_size=2, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[*loss.schedules, watch]
    )
    return watch.values, history.history["loss"]


@pytest.mark.parametrize("duration", [{"epochs": 2}, {"steps": 2 * BATCHES}])
def test_the_margin_grows_evenly_and_stays(duration: dict[str, int]) -> None:
    margins, losses = fit(CosineTriplet(Growth(0.1, 0.7, **duration), "all"))
    expected = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6] + [0.7] * 6
    np.testing.assert_allclose(margins, expected, rtol=1e-5)
    # All scores of a row are equal, so that it costs the margin.
    np.testing.assert_allclose(losses, np.mean(np.reshape(expected, (EPOCHS, BATCHES)), axis=1), rtol=1e-5)


def test_the_circle_grows_too() -> None:
    margins, losses = fit(Circle(Growth(0.2, 0.5, steps=3), scale=2.0))
    np.testing.assert_allclose(margins, [0.2, 0.3, 0.4] + [0.5] * 9, rtol=1e-5)
    assert losses[0] != pytest.approx(losses[1])
    assert losses[1] == pytest.approx(losses[-1])


def test_a_second_training_starts_again() -> None:
    loss = CosineTriplet(Growth(0.1, 0.7, steps=6), "all")
    assert fit(loss) == fit(loss)


def test_without_its_callback_it_stays_at_the_start() -> None:
    loss = CosineTriplet(Growth(0.25, 0.75, steps=1), "all")
    for _ in range(3):
        assert float(loss(np.eye(2), np.full((2, 2), 0.5))) == pytest.approx(0.25)


def test_a_growth_survives_serialisation() -> None:
    loss = CosineTriplet(Growth(0.1, 0.7, epochs=6), "all")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert again.margin.get_config() == {"start": 0.1, "end": 0.7, "steps": None, "epochs": 6}


@pytest.mark.parametrize("duration", [{}, {"steps": 2, "epochs": 2}, {"steps": 0}, {"epochs": -1}])
def test_a_wrong_duration_is_refused(duration: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="just one must be given, at least 1"):
        Growth(0.1, 0.2, **duration)


@pytest.mark.parametrize(("start", "end"), [(0, 0.5), (0.5, -1)])
def test_both_ends_must_be_margins(start: float, end: float) -> None:
    with pytest.raises(ValueError, match="it must be a number above 0 or 'soft'"):
        CosineTriplet(Growth(start, end, steps=2))
