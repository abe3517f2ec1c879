"""A toy corpus in several scripts, and what the steps make of it: examples, records, vocabulary, models, exports."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings, EncoderSettings, LstmSettings
from components.tasks.library import Library
from components.tasks.match import MatchModel
from components.train.export import export_match
from components.transform.settings import TransformSettings
from components.transform.tokens import tokenize
from components.transform.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

type Row = tuple[str, str, str, str]
"""id, question, answer, category."""

ROWS: list[Row] = [
    ("07", "Do I need a permit for a fence?", "A fence above 110 cm needs a building permit.", "fences"),
    ("02", "How high may my fence be?", "A fence above 110 cm needs a building permit.", "fences"),
    ("03", "Behöver jag bygglov för altan?", "En altan högre än 1,8 meter kräver bygglov.", "decks"),
    ("11", "Får jag bygga en friggebod?", "En friggebod på högst 15 kvadratmeter kräver inget lov.", "sheds"),
    ("05", "怎么申请许可证？", "许可证在网上申请。", "how"),
    ("06", "ベランダに屋根をつけたい", "屋根には許可が必要です。", "decks"),
    ("01", "울타리 허가가 필요한가요?", "울타리는 허가가 필요합니다.", "fences"),
    ("08", "बाड़ के लिए अनुमति चाहिए?", "ऊँची बाड़ के लिए अनुमति चाहिए।", "fences"),
    (
        "09",
        "May I paint my house red, or is a permit needed for that as well, and how long will it take?",
        "Yes.",
        "how",
    ),
    ("10", "👍", "Colours are free outside the old town, where paint counts as a change of the house.", "how"),
]
ENCODERS: dict[str, EncoderSettings] = {
    "bag": BagSettings(dimensions=64, buckets=4096, ngrams=(3, 4)),
    "lstm": LstmSettings(embedding=7, units=5, max_tokens=12),
}
SCHEMA = "\n".join(
    f'feature {{ name: "{name}" type: BYTES presence {{ min_fraction: 1 }} shape {{ dim {{ size: 1 }} }} }}'
    for name in ("id", "question", "answer", "category")
)

type WriteExamples = Callable[..., list[str]]


@pytest.fixture(scope="session")
def beam() -> "BaseBeamExecutor.Context":
    """How an executor runs Beam: in this process."""
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

    runner = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    return BaseBeamExecutor.Context(beam_pipeline_args=[f"--runner={runner}"])


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
    """Writes rows as the ingest step does, with token ids as the Transform step adds them; returns the file pattern."""

    def write(folder: Path, records: Iterable[Row], tokens: Path = vocabulary_file) -> list[str]:
        vocabulary = Vocabulary(str(tokens))
        folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "data-00000-of-00001.gz"), "GZIP") as writer:
            for row in records:
                example = tf.train.Example()
                for name, text in zip(("id", "question", "answer", "category"), row, strict=True):
                    example.features.feature[name].bytes_list.value.append(text.encode())
                for name, text in zip(("question_ids", "answer_ids"), row[1:3], strict=True):
                    ids = vocabulary.lookup(tokenize([text])).flat_values.numpy()
                    example.features.feature[name].int64_list.value.extend(ids)
                writer.write(example.SerializeToString())
        return [f"{folder}/*"]

    return write


@pytest.fixture(scope="session")
def transform(
    tmp_path_factory: pytest.TempPathFactory, write_examples: WriteExamples, beam: "BaseBeamExecutor.Context"
) -> Callable[[TransformSettings], Path]:
    """Runs TFX's Transform step on the corpus: `graph/`, and `examples/Split-train/`, `examples/Split-test/`.

    The training split is the first six rows.
    """
    from tfx.components.transform.executor import Executor
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.types import standard_component_specs as specs

    def run(settings: TransformSettings) -> Path:
        folder = tmp_path_factory.mktemp("transform")
        raw, schema = standard_artifacts.Examples(), standard_artifacts.Schema()
        graph, examples = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
        for artifact, name in ((raw, "raw"), (schema, "schema"), (graph, "graph"), (examples, "examples")):
            artifact.uri = str(folder / name)
        raw.split_names = artifact_utils.encode_split_names(["train", "test"])
        write_examples(folder / "raw" / "Split-train", ROWS[:6])
        write_examples(folder / "raw" / "Split-test", ROWS[6:])
        (folder / "schema").mkdir()
        (folder / "schema" / "schema.pbtxt").write_text(SCHEMA, encoding="utf-8")
        Executor(beam).Do(
            {specs.EXAMPLES_KEY: [raw], specs.SCHEMA_KEY: [schema]},
            {specs.TRANSFORM_GRAPH_KEY: [graph], specs.TRANSFORMED_EXAMPLES_KEY: [examples]},
            {
                specs.PREPROCESSING_FN_KEY: "components.transform.preprocessing.preprocessing_fn",
                specs.CUSTOM_CONFIG_KEY: json.dumps({"settings": settings.model_dump()}),
                specs.DISABLE_STATISTICS_KEY: 1,
            },
        )
        return folder

    return run


@pytest.fixture(scope="session")
def transformed(transform: Callable[[TransformSettings], Path]) -> Path:
    """What the Transform step makes of the corpus with a vocabulary that leaves out the rarest tokens."""
    return transform(TransformSettings(vocabulary_size=40))


@pytest.fixture(scope="session", params=list(ENCODERS))
def encoder(request: pytest.FixtureRequest) -> EncoderSettings:
    """Every encoder in turn: what is asked of one is asked of all."""
    return ENCODERS[request.param]


@pytest.fixture(scope="session")
def model(encoder: EncoderSettings, vocabulary_file: Path) -> MatchModel:
    """Adapted to the corpus, with weights that are nowhere zero and differ between the towers."""
    keras.utils.set_random_seed(5)
    towers = encoder.build(str(vocabulary_file))
    towers["answer"].adapt([tf.constant([row[2] for row in ROWS])])
    match = MatchModel(towers)
    match.encode("question", tf.constant(["fence"]))
    match.encode("answer", tf.constant(["house"]))
    random = np.random.default_rng(2)
    for weight in match.trainable_weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    return match


@pytest.fixture(scope="session")
def library(model: MatchModel) -> Library:
    """Every answer of the corpus once, by the model of this encoder."""
    ids = {row[2]: row[0] for row in reversed(ROWS)}
    texts = sorted(ids)
    return Library([ids[text] for text in texts], texts, model.encode("answer", tf.constant(texts)))


@pytest.fixture(scope="session")
def export(model: MatchModel, library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SavedModel of this encoder, in a Model artifact's folder; `search` returns four candidates."""
    folder = tmp_path_factory.mktemp("export") / "Format-Serving"
    export_match(model, library, 4, str(folder))
    return folder
