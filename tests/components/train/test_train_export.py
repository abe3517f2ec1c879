"""The exported model, loaded as TensorFlow Serving loads it, against the model in memory."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.tasks.library import Library
from components.tasks.match import MatchModel

type Row = tuple[str, str, str, str]
type Arrays = dict[str, np.ndarray]

TEXTS = ["Do I need a PERMIT for a fence?", "altan 许可证 울타리 बाड़", "", "👍", "never seen words", "ベランダ m²"]


class Served:
    """A SavedModel in a TF 1 session of its own."""

    def __init__(self, folder: Path) -> None:
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            self.meta_graph = tf.compat.v1.saved_model.loader.load(self._session, ["serve"], str(folder))
        self.signatures = self.meta_graph.signature_def

    def __call__(self, signature: str, values: list[str] | list[bytes]) -> Arrays:
        definition = self.signatures[signature]
        (given,) = definition.inputs.values()
        outputs = {name: tensor.name for name, tensor in definition.outputs.items()}
        return self._session.run(outputs, {given.name: np.array(values, dtype=object)})


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    elsewhere = path.rename(path.with_name("moved-away"))
    try:
        yield
    finally:
        elsewhere.rename(path)


@pytest.fixture(scope="module")
def served(export: Path, vocabulary_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The model loaded from another place, while nothing is where it was when the model was trained."""
    place = tmp_path_factory.mktemp("serving") / "1"
    shutil.copytree(export, place)
    with moved_away(vocabulary_file.parent), moved_away(export):
        return Served(place)


@pytest.mark.parametrize("side", ["question", "answer"])
def test_vectors_are_the_models_own(served: Served, model: MatchModel, side: Any) -> None:
    vector = served(side, TEXTS)["vector"]
    assert vector.dtype == np.float32
    np.testing.assert_allclose(vector, model.encode(side, tf.constant(TEXTS)), atol=1e-6)
    lengths = np.linalg.norm(vector, axis=1)
    np.testing.assert_allclose(lengths[[0, 1, 4, 5]], 1, rtol=1e-5)


@pytest.mark.parametrize("signature", ["search", "serving_default"])
def test_search_is_the_librarys_own(served: Served, model: MatchModel, library: Library, signature: str) -> None:
    found = served(signature, TEXTS)
    expected = library.search(model.encode("question", tf.constant(TEXTS)), 4)
    np.testing.assert_allclose(found["scores"], expected.scores, atol=1e-6)
    clear = [0, 1, 4, 5]  # the others' scores are all but equal
    assert found["ids"][clear].tolist() == expected.ids.numpy()[clear].tolist()
    assert found["candidates"][clear].tolist() == expected.candidates.numpy()[clear].tolist()
    assert found["scores"].shape == found["ids"].shape == found["candidates"].shape == (len(TEXTS), 4)
    assert np.all(np.diff(found["scores"], axis=1) <= 0)


def test_evaluate_ranks_examples_as_the_library_does(
    served: Served, model: MatchModel, library: Library, rows: list[Row]
) -> None:
    pairs = [row[1:3] for row in rows] + [("a fence?", "An answer that nobody gave.")]
    ranks = served("evaluate", [example(*pair) for pair in pairs])["rank"]
    questions = model.encode("question", tf.constant([question for question, _ in pairs]))
    expected = library.rank(questions, tf.constant([answer for _, answer in pairs]))
    np.testing.assert_array_equal(ranks, expected)
    assert ranks.dtype == np.float32
    assert ranks[-1] == library.size + 1


def example(question: str, answer: str) -> bytes:
    message = tf.train.Example()
    for name, text in (("question", question), ("answer", answer), ("category", "unused")):
        message.features.feature[name].bytes_list.value.append(text.encode())
    return message.SerializeToString()


@pytest.mark.parametrize("signature", ["question", "answer", "search", "serving_default", "evaluate"])
def test_no_rows(served: Served, signature: str) -> None:
    for value in served(signature, []).values():
        assert value.shape[0] == 0


def test_signatures_are_those_of_the_contract(served: Served, model: MatchModel) -> None:
    vector = {"vector": ("float32", [-1, model.question.dimensions])}
    ranking = {"ids": ("string", [-1, 4]), "candidates": ("string", [-1, 4]), "scores": ("float32", [-1, 4])}
    text = {"text": ("string", [-1])}
    contract = {
        "question": (text, vector),
        "answer": (text, vector),
        "search": (text, ranking),
        "serving_default": (text, ranking),
        "evaluate": ({"examples": ("string", [-1])}, {"rank": ("float32", [-1])}),
    }
    found = {
        name: (described(definition.inputs), described(definition.outputs))
        for name, definition in served.signatures.items()
        if not name.startswith("__")
    }
    assert found == contract
    for name in contract:
        assert served.signatures[name].method_name == "tensorflow/serving/predict"


def described(tensors: Any) -> dict[str, tuple[str, list[int]]]:
    return {
        name: (tf.dtypes.as_dtype(tensor.dtype).name, [dim.size for dim in tensor.tensor_shape.dim])
        for name, tensor in tensors.items()
    }


def test_no_path_of_the_training_machine_is_left(export: Path, vocabulary_file: Path) -> None:
    for file in export.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for path in (str(vocabulary_file), str(vocabulary_file.parent), str(export.parent), str(Path.cwd())):
                assert path.encode() not in content, f"{file.name} holds {path}"
            assert b" object at 0x" not in content, f"{file.name} holds an address"


def test_loads_eagerly_too(export: Path, model: MatchModel) -> None:
    loaded = tf.saved_model.load(str(export))
    vector = loaded.signatures["question"](tf.constant(TEXTS))["vector"]
    np.testing.assert_allclose(vector, model.encode("question", tf.constant(TEXTS)), atol=1e-6)
