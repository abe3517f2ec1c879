"""Weights that are narrower on disk: how near they stay, and that what is judged and served is what was written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import EncoderSettings, LstmSettings
from components.parts import Side
from components.search.exact import Exact
from components.search.similarity import Similarity
from components.tasks.library import Library
from components.tasks.match import MatchModel, key
from components.tasks.settings import MatchSettings
from components.train.compress import LEAST, Compressed, Compression, quantized
from components.train.export import export
from components.train.match import export_match
from components.train.settings import MatchExportSettings, MatchTrainer, MatchTrainSettings, Weights
from tests.components.train.served import Served, example

type Pairs = list[tuple[bytes, bytes, bytes]]

RAW = [b"Do I need a permit?", b"a fence of 110 cm", b"a wall"]
NEAR: dict[Weights, float] = {"float32": 1e-6, "float16": 2e-3, "int8": 6e-2}


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("shape", "scales"),
    [((40, 9), (40, 1)), ((9, 40), (1, 40)), ((3, 3, 4, 20), (1, 1, 1, 20)), ((50,), (1,)), ((6, 6), (6, 1))],
)
def test_each_channel_is_quantised_to_its_own_scale(shape: tuple[int, ...], scales: tuple[int, ...]) -> None:
    spread = scales if len(shape) > 1 else shape
    values = normal(*shape) * np.linspace(0.1, 30, max(shape), dtype=np.float32).reshape(spread)
    levels, scale = quantized(values)
    assert (levels.dtype, levels.shape, scale.shape) == (np.int8, shape, scales)
    for cell in np.ndindex(*shape):
        own = scale[tuple(min(at, size - 1) for at, size in zip(cell, scales, strict=True))]
        assert abs(levels[cell] * own - values[cell]) <= own / 2 * 1.001
    assert np.abs(levels).max() == 127


def test_literal_levels() -> None:
    levels, scale = quantized(np.array([[127.0, -63.4, 0.0], [0.0, 0.0, 0.0]], np.float32).T)
    assert levels.T.tolist() == [[127, -127, 0], [0, 0, 0]]
    np.testing.assert_allclose(scale.ravel(), [1.0, 63.4 / 127, 1.0], rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_does_not_hide(bad: float) -> None:
    values = normal(4, 3)
    values[2, 1] = bad
    levels, scale = quantized(values)
    np.testing.assert_array_equal(np.isnan(levels * scale).any(axis=1), [False, False, True, False])


@pytest.mark.parametrize("weights", ["float16", "int8"])
def test_it_is_a_tensor_wherever_one_is_wanted(weights: Weights) -> None:
    values = normal(5, 4)
    compressed = Compressed(values, weights)
    places, rows = tf.constant([2, 0]), tf.ones([1, 4])
    graph = tf.function(lambda: tf.gather(compressed, places))
    np.testing.assert_allclose(graph(), values[[2, 0]], atol=NEAR[weights])
    product = tf.matmul(rows, compressed, transpose_b=True)
    np.testing.assert_allclose(product, values.sum(axis=1)[np.newaxis], atol=4 * NEAR[weights])
    assert (compressed.shape, compressed.dtype) == (values.shape, tf.float32)


def test_small_or_whole_numbers_stay_and_modules_come_back_as_they_were() -> None:
    class Inner(tf.Module):
        uncompressed = ("exact",)

        def __init__(self) -> None:
            super().__init__()
            self.table = tf.Variable(normal(LEAST // 4, 4))
            self.small = tf.Variable(normal(LEAST - 1))
            self.keys = tf.Variable(np.arange(2 * LEAST))
            self.exact = tf.Variable(normal(LEAST))

    class Outer(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

    outer = Outer()
    table = outer.inner.table
    compression = Compression([outer], "int8")
    assert [one.shape for one in compression.resources] == [(LEAST // 4, 4)]
    read = tf.function(compression.reading(lambda place: tf.gather(outer.inner.table, place)))(tf.constant(3))
    assert outer.inner.table is table
    assert 0 < np.abs(read - table[3]).max() < NEAR["int8"]
    assert not Compression([outer], "float32").resources


@pytest.fixture(scope="module")
def lstm(vocabulary_file: Path) -> MatchModel:
    """Random weights in tables, kernels and biases, and a lookup table beside them."""
    keras.utils.set_random_seed(3)
    model = MatchModel(LstmSettings(embedding=48, units=40).build(["question", "answer"], str(vocabulary_file)))
    for side in ("question", "answer"):
        model.encode(side, tf.constant(RAW))
    return model


def written(folder: Path, name: str, model: MatchModel, library: Library, settings: MatchExportSettings) -> Path:
    trainer = MatchTrainer(
        inputs={"question": "text", "answer": "text"},
        train=MatchTrainSettings(),
        seed=1,
        model=MatchSettings(encoder=LstmSettings(embedding=48, units=40)),
        candidates=2,
        export=settings,
    )
    export_match(model, library, trainer, str(folder / name))
    return folder / name


@pytest.fixture(scope="module")
def texts(lstm: MatchModel, right_answers: Any, draw_texts: Callable[[int], list[bytes]]) -> Library:
    answers = draw_texts(1)
    keys = key(tf.constant(answers))
    return Library(answers, answers, keys, exact(lstm.encode("answer", tf.constant(answers))), right_answers(keys))


def exact(vectors: tf.Tensor) -> Similarity:
    return Similarity(Exact(vectors))


@pytest.fixture(scope="module")
def draw_texts(vocabulary_file: Path) -> Callable[[int], list[bytes]]:
    """40 different texts of known words, by seed."""
    tokens = vocabulary_file.read_bytes().split()

    def draw(seed: int) -> list[bytes]:
        random = np.random.default_rng(seed)
        return [b" ".join(random.choice(tokens, size=6).tolist()) for _ in range(40)]

    return draw


@pytest.fixture(scope="module")
def right_answers() -> Callable[[tf.Tensor], Any]:
    from components.tasks.right_answers import RightAnswers

    return lambda keys: RightAnswers(keys.numpy(), keys.numpy())


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, lstm: MatchModel, texts: Library) -> dict[Weights, Path]:
    folder = tmp_path_factory.mktemp("exports")
    return {weights: written(folder, weights, lstm, texts, MatchExportSettings(weights=weights)) for weights in NEAR}


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / "variables").iterdir())


def test_variables_are_smaller_on_disk_and_none_is_there_twice(folders: dict[Weights, Path], lstm: MatchModel) -> None:
    parameters = sum(value.size for value in lstm.get_weights()) + 40 * 40  # the library's vectors
    assert 4 * parameters < size(folders["float32"]) < 4 * parameters + 20_000
    assert 2 * parameters < size(folders["float16"]) < 2 * parameters + 25_000
    assert parameters < size(folders["int8"]) < 1.1 * parameters + 30_000


@pytest.mark.parametrize("weights", NEAR)
@pytest.mark.parametrize("side", ["question", "answer"])
def test_both_loaders_serve_what_was_stored(
    folders: dict[Weights, Path], lstm: MatchModel, weights: Weights, side: Side
) -> None:
    expected = lstm.encode(side, tf.constant(RAW)).numpy()
    found = Served(folders[weights])(side, RAW)["vector"]
    loaded = tf.saved_model.load(str(folders[weights]))
    eager = loaded.signatures[side](text=tf.constant(RAW))["vector"]
    np.testing.assert_allclose(found, eager, atol=1e-6)
    error = np.abs(found - expected).max()
    assert error < NEAR[weights]
    assert error > 1e-5 or weights == "float32"


def test_two_models_in_one_process_keep_their_own_weights(folders: dict[Weights, Path]) -> None:
    both = [tf.saved_model.load(str(folders[weights])) for weights in ("float16", "int8", "int8")]
    vectors = [model.signatures["question"](text=tf.constant(RAW))["vector"].numpy() for model in both]
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-4
    del both[2]
    again = both[1].signatures["question"](text=tf.constant(RAW))["vector"]
    np.testing.assert_array_equal(again, vectors[1])


@pytest.mark.parametrize("dimensions", [12, None])
def test_what_is_judged_is_what_was_stored_and_cut(
    tmp_path: Path,
    lstm: MatchModel,
    texts: Library,
    draw_texts: Callable[[int], list[bytes]],
    dimensions: int | None,
) -> None:
    """Ranks are those of the served vectors, of the served size, not of the trained ones."""
    whole = lstm.encode("answer", texts.shown)
    cut = tf.math.l2_normalize(whole[:, :dimensions], axis=1)
    library = Library(texts.ids.numpy(), texts.shown.numpy(), texts.keys.numpy(), exact(cut), texts.right)
    settings = MatchExportSettings(weights="int8", dimensions=dimensions)
    served = Served(written(tmp_path, "cut", lstm, library, settings))
    questions, answers = draw_texts(2), texts.shown.numpy().tolist()
    vectors = served("question", questions)["vector"]
    assert vectors.shape == (40, dimensions or 40)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    columns = cut.numpy().T
    levels, scale = quantized(columns) if columns.size >= LEAST else (columns, 1)
    scores = vectors @ (levels * scale)
    expected = 1 + np.sum(scores > np.diag(scores)[:, np.newaxis], axis=1)
    pairs = zip(questions, answers, strict=True)
    ranks = served("evaluate", [example({"question": question, "answer": answer}) for question, answer in pairs])
    np.testing.assert_array_equal(ranks["rank"], expected)
    assert len(set(expected)) > 10
    trained = lstm.encode("question", tf.constant(questions)).numpy() @ whole.numpy().T
    assert (1 + np.sum(trained > np.diag(trained)[:, np.newaxis], axis=1) != expected).any()


@pytest.mark.parametrize("weights", ["float16", "int8"])
def test_every_encoder_is_served_compressed(  # noqa: PLR0917
    encoder: EncoderSettings, model: MatchModel, library: Library, corpus: Pairs, weights: Weights, tmp_path: Path
) -> None:
    settings = MatchTrainer(
        inputs={"question": encoder.modality, "answer": encoder.modality},
        train=MatchTrainSettings(),
        seed=1,
        model=MatchSettings(encoder=encoder),
        candidates=2,
        export=MatchExportSettings(weights=weights),
    )
    export_match(model, library, settings, str(tmp_path / "model"))
    raw = [question for _, question, _ in corpus[:4]]
    found = Served(tmp_path / "model")("question", raw)["vector"]
    np.testing.assert_allclose(found, model.encode("question", tf.constant(raw)), atol=3 * NEAR[weights])


def test_a_layer_by_itself_is_written_once(tmp_path: Path) -> None:
    layer = keras.layers.Dense(64)
    layer.build((None, 64))

    def function(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": layer(tf.ones([tf.size(raw), 64]))}

    export([layer], {"features": ("text", function)}, "features", function, str(tmp_path / "model"))
    stored = tf.train.list_variables(str(tmp_path / "model" / "variables" / "variables"))
    assert sorted(shape for _, shape in stored if shape) == [[64], [64, 64]]
