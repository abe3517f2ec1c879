"""The exported match model, loaded as TensorFlow Serving loads it, against the model in memory; for every encoder."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import EncoderSettings
from components.parts import INPUT_KEY, Side
from components.signatures import signature_inputs
from components.tasks.library import Library
from components.tasks.match import MatchModel, key
from tests.components.corpus import picture
from tests.components.train.served import Served, example, moved_away

type Pairs = list[tuple[bytes, bytes, bytes]]

TEXTS = ["Do I need a PERMIT for a fence?", "altan 许可证 울타리 बाड़", "", "👍", "never seen words", "ベランダ m²"]
PICTURES = [picture(label, seed) for seed, label in enumerate(("dot", "wall", "floor"), 900)]
SIDES: tuple[Side, ...] = ("question", "answer")


@pytest.fixture(scope="module")
def raw(encoder: EncoderSettings) -> list[bytes]:
    """What no model has seen."""
    return [text.encode() for text in TEXTS] if encoder.modality == "text" else PICTURES


@pytest.fixture(scope="module")
def clear(raw: list[bytes]) -> list[int]:
    """Rows with tokens that are known; the scores of the others are all but equal."""
    return [row for row, value in enumerate(raw) if value not in (b"", "👍".encode())]


@pytest.fixture(scope="module")
def served(export: Path, vocabulary_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The model loaded from another place, while nothing is where it was when the model was trained."""
    place = tmp_path_factory.mktemp("serving") / "1"
    shutil.copytree(export, place)
    with moved_away(vocabulary_file.parent), moved_away(export):
        return Served(place)


@pytest.mark.parametrize("side", SIDES)
def test_vectors_are_the_models_own(
    served: Served, model: MatchModel, raw: list[bytes], clear: list[int], side: Side
) -> None:
    vector = served(side, raw)["vector"]
    assert vector.dtype == np.float32
    np.testing.assert_allclose(vector, model.encode(side, tf.constant(raw)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vector, axis=1)[clear], 1, rtol=1e-5)


@pytest.mark.parametrize("signature", ["search", "serving_default"])
def test_search_is_the_librarys_own(
    *, served: Served, model: MatchModel, library: Library, raw: list[bytes], clear: list[int], signature: str
) -> None:
    found = served(signature, raw)
    expected = library.search(model.encode("question", tf.constant(raw)), 4)
    np.testing.assert_allclose(found["scores"], expected.scores, atol=1e-5)
    assert found["ids"][clear].tolist() == expected.ids.numpy()[clear].tolist()
    assert found["candidates"][clear].tolist() == expected.candidates.numpy()[clear].tolist()
    assert found["scores"].shape == found["ids"].shape == found["candidates"].shape == (len(raw), 4)
    assert np.all(np.diff(found["scores"], axis=1) <= 0)


def test_evaluate_ranks_examples_as_the_library_does(
    served: Served, model: MatchModel, library: Library, corpus: Pairs
) -> None:
    pairs = [row[1:] for row in corpus] + [(corpus[3][1], b"An answer that nobody gave.")]
    examples = [example({"question": question, "answer": answer, "category": "unused"}) for question, answer in pairs]
    ranks = served("evaluate", examples)["rank"]
    questions, answers = (tf.constant([pair[at] for pair in pairs]) for at in (0, 1))
    expected = library.rank(model.encode("question", questions), key(questions), key(answers))
    np.testing.assert_array_equal(ranks, expected)
    assert ranks.dtype == np.float32
    assert ranks[-1] == library.size + 1
    assert len(set(ranks)) > 2


@pytest.mark.parametrize("signature", ["question", "answer", "search", "serving_default", "evaluate"])
def test_no_rows(served: Served, signature: str) -> None:
    for value in served(signature, []).values():
        assert value.shape[0] == 0


def test_signatures_are_those_of_the_contract(served: Served, encoder: EncoderSettings) -> None:
    vector = {"vector": ("float32", [-1, encoder.vector_size])}
    ranking = {"ids": ("string", [-1, 4]), "candidates": ("string", [-1, 4]), "scores": ("float32", [-1, 4])}
    raw = {INPUT_KEY[encoder.modality]: ("string", [-1])}
    contract = {
        "question": (raw, vector),
        "answer": (raw, vector),
        "search": (raw, ranking),
        "serving_default": (raw, ranking),
        "evaluate": ({"examples": ("string", [-1])}, {"rank": ("float32", [-1])}),
    }
    assert served.described() == contract
    for name in contract:
        assert served.signatures[name].method_name == "tensorflow/serving/predict"


def test_what_signatures_read_is_told_without_loading(export: Path, encoder: EncoderSettings) -> None:
    names = ("answer", "question", "search", "serving_default")
    assert signature_inputs(export) == dict.fromkeys(names, encoder.modality)


def test_no_path_of_the_training_machine_is_left(export: Path, vocabulary_file: Path) -> None:
    for file in export.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for path in (str(vocabulary_file), str(vocabulary_file.parent), str(export.parent), str(Path.cwd())):
                assert path.encode() not in content, f"{file.name} holds {path}"
            assert b" object at 0x" not in content, f"{file.name} holds an address"


def test_loads_eagerly_too(export: Path, model: MatchModel, raw: list[bytes]) -> None:
    loaded = tf.saved_model.load(str(export))
    vector = loaded.signatures["question"](tf.constant(raw))["vector"]
    np.testing.assert_allclose(vector, model.encode("question", tf.constant(raw)), atol=1e-5)
