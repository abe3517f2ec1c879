"""P classes of K examples a batch."""

from collections import Counter

import numpy as np
import pytest

from components.errors import UserError
from components.train.sampler import ClassSampler
from components.train.settings import ClassifyTrainSettings
from components.train.signal_settings import SamplerSettings

LABELS = np.array([7, 7, 0, 0, 0, 0, 0, 5, 5, 7, 5, 2])


def places(classes: int, examples: int, batches: int, seed: int = 3) -> list[list[int]]:
    sampler = ClassSampler(SamplerSettings(classes=classes, examples=examples), LABELS, seed)
    return [batch.tolist() for batch in sampler.batches().take(batches).as_numpy_iterator()]


def test_a_batch_has_so_many_classes_and_so_many_examples_of_each() -> None:
    for batch in places(3, 2, batches=30):
        assert sorted(Counter(LABELS[batch]).values()) == [2, 2, 2]


def test_examples_of_a_class_differ_while_there_are_enough() -> None:
    for batch in places(4, 4, batches=20):
        by_label = {label: [place for place in batch if LABELS[place] == label] for label in set(LABELS)}
        assert {label: len(set(found)) for label, found in by_label.items()} == {7: 3, 0: 4, 5: 3, 2: 1}


def test_every_class_comes_equally_often_and_so_does_every_row_of_it() -> None:
    drawn = [place for batch in places(2, 2, batches=600) for place in batch]
    by_label = Counter(LABELS[drawn])
    assert all(count / len(drawn) == pytest.approx(0.25, abs=0.04) for count in by_label.values())
    rows = Counter(place for place in drawn if LABELS[place] == 0)
    assert all(count / by_label[0] == pytest.approx(0.2, abs=0.05) for count in rows.values())


def test_draws_follow_from_the_seed() -> None:
    assert places(2, 3, batches=5) == places(2, 3, batches=5)
    assert places(2, 3, batches=5) != places(2, 3, batches=5, seed=4)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UserError, match=r"sampler\.classes is 5, but the training split has only 4 labels"):
        places(5, 1, batches=1)
    with pytest.raises(ValueError, match="sampler has 3 classes of 4 examples, 12 rows, but batch_size is 64"):
        ClassifyTrainSettings.model_validate({"sampler": {"classes": 3, "examples": 4}})
    with pytest.raises(ValueError, match="sampler does not work with distribute: mirrored"):
        ClassifyTrainSettings.model_validate({"sampler": {"classes": 8, "examples": 8}, "distribute": "mirrored"})
