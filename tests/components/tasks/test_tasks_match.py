import numpy as np
import tensorflow as tf

from components.losses.scores import unit_vectors
from components.tasks.match import MatchModel, key

type Pairs = list[tuple[bytes, bytes, bytes]]


def test_output_is_the_cosine_of_every_question_with_every_answer(model: MatchModel, corpus: Pairs) -> None:
    questions, answers = tf.constant([row[1] for row in corpus[:4]]), tf.constant([row[2] for row in corpus[4:7]])
    scores = model({"question": model.question.featurize(questions), "answer": model.answer.featurize(answers)})
    expected = model.encode("question", questions).numpy() @ model.encode("answer", answers).numpy().T
    assert scores.shape == (4, 3)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_sizes_score_the_first_numbers_of_the_vectors(model: MatchModel, corpus: Pairs) -> None:
    questions, answers = tf.constant([row[1] for row in corpus[:4]]), tf.constant([row[2] for row in corpus[4:7]])
    features = {"question": model.question.featurize(questions), "answer": model.answer.featurize(answers)}
    nested = MatchModel({"question": model.question, "answer": model.answer}, (5, 2))
    scores = nested(features)
    assert scores.shape == (4, 3, 2)
    for place, size in enumerate((5, 2)):
        vectors = model.encode("question", questions, size).numpy(), model.encode("answer", answers, size).numpy()
        assert vectors[0].shape == (4, size)
        np.testing.assert_allclose(scores[:, :, place], vectors[0] @ vectors[1].T, atol=1e-5)


def test_encode_gives_unit_vectors_of_the_tower_of_its_side(model: MatchModel, corpus: Pairs) -> None:
    raw = tf.constant([corpus[0][2], corpus[2][1]])
    question, answer = model.encode("question", raw), model.encode("answer", raw)
    np.testing.assert_array_equal(question, unit_vectors(model.question(model.question.featurize(raw))))
    np.testing.assert_array_equal(answer, unit_vectors(model.answer(model.answer.featurize(raw))))
    np.testing.assert_allclose(np.linalg.norm(question, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(answer, axis=1), 1, rtol=1e-5)
    weights = [{id(weight) for weight in tower.trainable_weights} for tower in (model.question, model.answer)]
    assert (weights[0] == weights[1]) == bool(np.abs(question.numpy() - answer.numpy()).max() < 1e-3)


def test_keys_differ_and_do_not_change() -> None:
    keys = key(tf.constant(["Yes.", "No.", "", "许可"])).numpy()
    assert len(set(keys)) == 4
    assert keys.min() >= 0
    assert key(tf.constant(["Yes."])).numpy()[0] == keys[0] == 1624135466830601653
