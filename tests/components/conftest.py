"""What the steps make of the toy corpus: examples, records, vocabularies, models, exports."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import (
    BagSettings,
    CnnSettings,
    EmbeddingBagSettings,
    EncoderSettings,
    LenetSettings,
    LstmSettings,
    PretrainedImageSettings,
    PretrainedSettings,
)
from components.parts import Kind
from components.pictures.settings import Augmentation
from components.search.exact import Exact
from components.search.similarity import Similarity
from components.tasks.library import Library
from components.tasks.match import MatchModel, key
from components.tasks.right_answers import RightAnswers
from components.tasks.settings import MatchSettings
from components.train.match import export_match
from components.train.settings import MatchTrainer, MatchTrainSettings
from components.transform.settings import TransformSettings
from components.transform.tokens import tokenize
from tests.components.corpus import ROWS, Row, Value, pair_records, pairs, write_records
from tests.components.toy_network import NAME, SIZE, make_network
from tests.components.toy_preset import write_preset

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

ENCODERS: dict[str, EncoderSettings] = {
    "bag": BagSettings(dimensions=64, buckets=4096, ngrams=(3, 4)),
    "embedding_bag": EmbeddingBagSettings(dimensions=6, buckets=512, word_dropout=0.5),
    "lstm": LstmSettings(embedding=7, units=5, max_tokens=12),
    "cnn": CnnSettings(dimensions=6, size=(8, 12), filters=(4, 5), augmentation=Augmentation(flip=True, crop=0.3)),
    "lenet": LenetSettings(dimensions=7, size=(9, 8), channels=1),
}
CANDIDATES = 4
"""How many candidates the exported models return."""

PAIR: dict[str, Kind] = {"question": "text", "answer": "text"}

type WriteExamples = Callable[..., list[str]]
type Transform = Callable[..., Path]
type Pairs = list[tuple[bytes, bytes, bytes]]


@pytest.fixture(scope="session")
def beam() -> "BaseBeamExecutor.Context":
    """How an executor runs Beam: in this process, as the pipeline does."""
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

    from pipeline.beam_settings import BeamSettings

    return BaseBeamExecutor.Context(beam_pipeline_args=BeamSettings().args)


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return ROWS


@pytest.fixture(scope="session")
def vocabulary_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every token of the questions, none of those that only answers have."""
    tokens = sorted({token.decode() for row in tokenize([row[1] for row in ROWS]).to_list() for token in row})
    file = tmp_path_factory.mktemp("vocabulary") / "tokens"
    file.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def write_examples(vocabulary_file: Path) -> WriteExamples:
    """Writes text pairs as the ingest and the Transform step do; returns the file pattern."""

    def write(folder: Path, rows: Iterable[Row], tokens: Path = vocabulary_file) -> list[str]:
        return write_records(folder, pair_records(rows, tokens))

    return write


@pytest.fixture(scope="session")
def transform(
    tmp_path_factory: pytest.TempPathFactory, vocabulary_file: Path, beam: "BaseBeamExecutor.Context"
) -> Transform:
    """Runs TFX's Transform step: `graph/`, and `examples/Split-train/`, `examples/Split-test/`.

    On the text pairs, of which the first six are the training split, unless parts and records are given.
    """
    from tfx.components.transform.executor import Executor
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.types import standard_component_specs as specs

    text_pairs = pair_records(ROWS, vocabulary_file)

    def run(
        settings: TransformSettings,
        parts: Mapping[str, Kind] = PAIR,
        train: Sequence[Mapping[str, Value]] = text_pairs[:6],
        test: Sequence[Mapping[str, Value]] = text_pairs[6:],
    ) -> Path:
        folder = tmp_path_factory.mktemp("transform")
        raw, schema = standard_artifacts.Examples(), standard_artifacts.Schema()
        graph, examples = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
        for artifact, name in ((raw, "raw"), (schema, "schema"), (graph, "graph"), (examples, "examples")):
            artifact.uri = str(folder / name)
        raw.split_names = artifact_utils.encode_split_names(["train", "test"])
        for split, records in (("train", train), ("test", test)):
            write_records(folder / "raw" / f"Split-{split}", records)
        (folder / "schema").mkdir()
        (folder / "schema" / "schema.pbtxt").write_text(_schema(parts), encoding="utf-8")
        Executor(beam).Do(
            {specs.EXAMPLES_KEY: [raw], specs.SCHEMA_KEY: [schema]},
            {specs.TRANSFORM_GRAPH_KEY: [graph], specs.TRANSFORMED_EXAMPLES_KEY: [examples]},
            {
                specs.PREPROCESSING_FN_KEY: "components.transform.preprocessing.preprocessing_fn",
                specs.CUSTOM_CONFIG_KEY: json.dumps({"settings": settings.model_dump(), "parts": dict(parts)}),
                specs.DISABLE_STATISTICS_KEY: 1,
            },
        )
        return folder

    return run


def _schema(parts: Mapping[str, Kind]) -> str:
    """As it is inferred: no statistics are made of pictures, and so their shape is not known."""
    pictures = [name for name, kind in parts.items() if kind == "image"]
    shape = "presence { min_fraction: 1 } shape { dim { size: 1 } }"
    return "\n".join(
        f'feature {{ name: "{name}" type: BYTES {"" if name in pictures else shape} }}'
        for name in ("id", *parts, "category")
    )


@pytest.fixture(scope="session")
def transformed(transform: Transform) -> Path:
    """What the Transform step makes of the text pairs with a vocabulary that leaves out the rarest tokens."""
    return transform(TransformSettings(vocabulary_size=40))


@pytest.fixture(scope="session")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pretrained toy."""
    folder = tmp_path_factory.mktemp("preset") / "toy"
    write_preset(folder)
    return folder


@pytest.fixture(scope="session", params=[*ENCODERS, "pretrained"])
def encoder(request: pytest.FixtureRequest, preset: Path, tmp_path_factory: pytest.TempPathFactory) -> EncoderSettings:
    """Every encoder in turn: what is asked of one is asked of all.

    The pretrained network for pictures takes long to trace; it is there for tests that ask for it by `parametrize`.
    """
    if request.param == "pretrained":
        return PretrainedSettings(type="pretrained", preset=str(preset))
    if request.param == "pretrained_image":
        weights = tmp_path_factory.mktemp("network") / "toy.weights.h5"
        make_network().save_weights(weights)
        return PretrainedImageSettings(
            type="pretrained_image", architecture=NAME, weights=str(weights), size=SIZE, dimensions=6
        )
    return ENCODERS[request.param]


@pytest.fixture(scope="session")
def corpus(encoder: EncoderSettings) -> Pairs:
    """Ids, questions and answers that the encoder can read."""
    return pairs(encoder.modality)


@pytest.fixture(scope="session")
def model(encoder: EncoderSettings, corpus: Pairs, vocabulary_file: Path) -> MatchModel:
    """Adapted to the corpus, with weights that are nowhere zero and differ between the towers."""
    keras.utils.set_random_seed(5)
    towers = encoder.build(["question", "answer"], str(vocabulary_file))
    towers["answer"].adapt([tf.constant([answer for _, _, answer in corpus])])
    match = MatchModel(towers)
    match.encode("question", tf.constant([corpus[0][1]]))
    match.encode("answer", tf.constant([corpus[0][2]]))
    if encoder.type == "pretrained_image":  # so deep that random weights would make it all or nothing
        return match
    random = np.random.default_rng(2)
    for weight in match.trainable_weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    for weight in match.non_trainable_weights:
        if "moving" in weight.name:
            weight.assign(random.uniform(0.3, 0.8, size=weight.shape))
    return match


@pytest.fixture(scope="session")
def library(model: MatchModel, corpus: Pairs) -> Library:
    """Every answer of the corpus once, by the model of this encoder; shown are texts, and ids of pictures."""
    ids = {answer: row_id for row_id, _, answer in reversed(corpus)}
    answers = sorted(ids)
    texts = model.answer.feature_bytes is None
    names = [ids[answer] for answer in answers]
    keys = key(tf.constant(answers))
    one_each = RightAnswers(keys.numpy(), keys.numpy())
    vectors = model.encode("answer", tf.constant(answers))
    return Library(names, answers if texts else names, keys, Similarity(Exact(vectors)), one_each)


@pytest.fixture(scope="session")
def export(
    encoder: EncoderSettings, model: MatchModel, library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The SavedModel of this encoder, in a Model artifact's folder; `search` returns CANDIDATES."""
    folder = tmp_path_factory.mktemp("export") / "Format-Serving"
    settings = MatchTrainer(
        inputs={"question": encoder.modality, "answer": encoder.modality},
        train=MatchTrainSettings(),
        seed=1,
        model=MatchSettings(encoder=encoder),
        candidates=CANDIDATES,
    )
    export_match(model, library, settings, str(folder))
    return folder
