import numpy as np
import tensorflow as tf

from components.tasks.match import MatchModel, answer_key, same_answer

type Row = tuple[str, str, str, str]


def test_output_is_the_cosine_of_every_question_with_every_answer(model: MatchModel, rows: list[Row]) -> None:
    questions, answers = tf.constant([row[1] for row in rows[:4]]), tf.constant([row[2] for row in rows[4:7]])
    scores = model({"question": model.question.featurize(questions), "answer": model.answer.featurize(answers)})
    expected = model.encode("question", questions).numpy() @ model.encode("answer", answers).numpy().T
    assert scores.shape == (4, 3)
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_encode_uses_the_tower_of_its_side(model: MatchModel) -> None:
    text = tf.constant(["A fence above 110 cm"])
    np.testing.assert_array_equal(model.encode("question", text), model.question(model.question.featurize(text)))
    np.testing.assert_array_equal(model.encode("answer", text), model.answer(model.answer.featurize(text)))


def test_rows_with_the_same_answer_are_labelled_right_for_each_other() -> None:
    labels = same_answer(answer_key(tf.constant(["Yes.", "No.", "Yes.", "yes.", "No."])))
    assert labels.dtype == tf.bool
    assert labels.numpy().astype(int).tolist() == [
        [1, 0, 1, 0, 0],
        [0, 1, 0, 0, 1],
        [1, 0, 1, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 1, 0, 0, 1],
    ]


def test_answer_keys_differ_and_do_not_change() -> None:
    keys = answer_key(tf.constant(["Yes.", "No.", "", "许可"])).numpy()
    assert len(set(keys)) == 4
    assert keys.min() >= 0
    assert answer_key(tf.constant(["Yes."])).numpy()[0] == keys[0] == 1624135466830601653
