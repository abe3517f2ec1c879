import keras
import numpy as np
import pytest

from components.losses.circle import Circle
from components.losses.info_nce import InfoNCE
from components.losses.matryoshka import Matryoshka
from components.losses.pair_loss import PairLoss
from components.losses.schedules import Growth
from components.losses.triplet import CosineTriplet

POSITIVE = np.eye(3)


@pytest.mark.parametrize("loss", [InfoNCE(0.2), CosineTriplet(1.5, "all"), Circle(0.25, scale=8.0)])
def test_it_is_the_mean_over_the_sizes(loss: PairLoss) -> None:
    scores = np.random.default_rng(0).uniform(-1, 1, (3, 3, 2)).astype(np.float32)
    expected = [loss.call(POSITIVE, scores[:, :, size]).numpy() for size in (0, 1)]
    found = Matryoshka(loss, reduction=None)(POSITIVE, scores)
    np.testing.assert_allclose(found, np.mean(expected, axis=0), rtol=1e-6)
    assert not np.allclose(expected[0], expected[1])


def test_it_hands_on_what_the_loss_learns_and_what_grows() -> None:
    learnt, growing = InfoNCE(), Circle(Growth(0.1, 0.3, epochs=2))
    assert Matryoshka(learnt).parts == learnt.parts
    assert len(learnt.parts) == 1
    assert Matryoshka(growing).schedules == growing.schedules
    assert len(growing.schedules) == 1


def test_it_survives_serialisation() -> None:
    loss = Matryoshka(CosineTriplet(Growth(0.1, 0.3, epochs=2), "all"))
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again.loss) is CosineTriplet
    assert again.get_config() == loss.get_config()
