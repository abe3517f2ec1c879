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
