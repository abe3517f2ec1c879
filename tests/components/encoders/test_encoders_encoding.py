from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.encoders import encoding
from components.encoders.encoding import Encoder
from components.losses.scores import unit_vectors
from components.parts import Side
from components.tasks.match import MatchModel

type Pairs = list[tuple[bytes, bytes, bytes]]


@pytest.mark.parametrize("side", ["question", "answer"])
def test_an_encoder_encodes_in_batches(
    model: MatchModel, corpus: Pairs, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "BATCH", 4)
    questions = [question for _, question, _ in corpus]
    expected = model.encode(side, tf.constant(questions))
    encoder = Encoder(getattr(model, side))
    np.testing.assert_allclose(unit_vectors(encoder(questions)), expected, atol=1e-4)
    np.testing.assert_allclose(unit_vectors(encoder(np.array(questions[:3], object))), expected[:3], atol=1e-4)
    features = encoder.featurize(questions)
    assert len(features) == -(-len(questions) // 4)
    np.testing.assert_allclose(unit_vectors(encoder.encode(features)), expected, atol=1e-4)


def test_large_features_are_made_anew_in_small_batches(
    model: MatchModel, corpus: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = model.question
    questions = [question for _, question, _ in corpus]
    monkeypatch.setattr(tower, "feature_bytes", 100)
    monkeypatch.setattr(encoding, "BATCH_BYTES", 399)
    monkeypatch.setattr(encoding, "MAX_KEPT", 100 * len(questions))
    sizes: list[int] = []
    featurize = tower.featurizer()

    def counted(raw: tf.Tensor) -> Any:
        sizes.append(len(raw))
        return featurize(raw)

    monkeypatch.setattr(tower, "featurizer", lambda: counted)
    encoder = Encoder(tower)
    expected = model.encode("question", tf.constant(questions))
    kept = encoder.featurize(questions)
    assert max(sizes) == 3
    assert len(sizes) == -(-len(questions) // 3)
    np.testing.assert_allclose(unit_vectors(encoder.encode(kept)), expected, atol=1e-4)
    assert len(sizes) == -(-len(questions) // 3), "these are kept"
    monkeypatch.setattr(encoding, "MAX_KEPT", 100 * len(questions) - 1)
    sizes.clear()
    anew = encoder.featurize(questions)
    assert not sizes
    assert len(anew) == len(kept)
    for times in (1, 2):
        np.testing.assert_allclose(unit_vectors(encoder.encode(anew)), expected, atol=1e-4)
        assert len(sizes) == times * -(-len(questions) // 3)
