"""The Evaluator step, run for real: models whose outputs stand in the examples, and some that were exported."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from tfx.types import artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as specs

from components.encoders.settings import CnnSettings
from components.evaluate.classification import accuracy, distance_ratio, expected_calibration_error
from components.evaluate.config import eval_config
from components.evaluate.executor import Executor
from components.evaluate.settings import ClassifyMetric, Gate, MatchMetric, Metric
from components.evaluate.tfidf import tfidf_ranks
from components.evaluate.verdict import FILE, Verdict
from components.losses.scores import unit_vectors
from components.losses.settings import SoftmaxSettings
from components.search.exact import Exact
from components.tasks.classify import ClassifyModel
from components.tasks.library import Library
from components.tasks.match import MatchModel, key
from components.tasks.references import References
from components.tasks.settings import ClassifySettings
from components.train.classify import export_classify, judge
from components.train.settings import ClassifyTrainer, ClassifyTrainSettings
from tests.components.corpus import LABELS, Value, label_records, labelled, write_records

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

type Gates = Mapping[Metric, Gate]
type Records = Sequence[Mapping[str, Value]]
type Judge = Callable[..., tuple[Verdict, bool]]

MATCH: tuple[Metric, ...] = get_args(MatchMetric)
CLASSIFY: tuple[Metric, ...] = get_args(ClassifyMetric)


class Known(tf.Module):
    """A model whose outputs are known: they are told by numbers in the example's id, `5 2.5` are 5 and 2.5.

    Args:
        outputs: from the numbers, float32[N, K], and the label's number, int64[N] (-1 for one that is not in LABELS).
    """

    def __init__(self, outputs: Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]) -> None:
        super().__init__()
        self._outputs = outputs

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {name: tf.io.FixedLenFeature([], tf.string, default_value="") for name in ("id", "label")}
        rows = tf.io.parse_example(examples, spec)
        numbers = tf.strings.to_number(tf.strings.split(rows["id"], " ").to_tensor("0"))
        is_label = rows["label"][:, tf.newaxis] == list(LABELS)
        label = tf.where(tf.reduce_any(is_label, 1), tf.argmax(tf.cast(is_label, tf.int32), 1), -1)
        return self._outputs(numbers, label)

    def export(self, folder: Path) -> Path:
        tf.saved_model.save(self, str(folder / "Format-Serving"), signatures={"evaluate": self.evaluate})
        return folder


@pytest.fixture
def judged(tmp_path: Path, beam: "BaseBeamExecutor.Context") -> Judge:
    """Run the executor on test rows; gives the verdict and the blessing that Pusher reads."""

    def run(
        model: Path,
        production: Path | None,
        gates: Gates,
        rows: Records,
        *,
        metrics: Sequence[Metric] = MATCH,
        slice_by: Sequence[str] = ("category",),
        training: Records | None = None,
    ) -> tuple[Verdict, bool]:
        examples, candidate, baseline = (
            standard_artifacts.Examples(),
            standard_artifacts.Model(),
            standard_artifacts.Model(),
        )
        evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
        examples.uri, candidate.uri, baseline.uri = str(tmp_path / "examples"), str(model), str(production or tmp_path)
        examples.split_names = artifact_utils.encode_split_names(["train", "test"])
        evaluation.uri, blessing.uri = str(tmp_path / "evaluation"), str(tmp_path / "blessing")
        write_records(tmp_path / "examples" / "Split-train", training or rows)
        write_records(tmp_path / "examples" / "Split-test", rows)
        if production:
            baseline.set_string_custom_property("production_version", "17")
        config = eval_config(metrics, gates, slice_by=slice_by)
        Executor(beam).Do(
            {
                specs.EXAMPLES_KEY: [examples],
                specs.MODEL_KEY: [candidate],
                specs.BASELINE_MODEL_KEY: [baseline],
            },
            {specs.EVALUATION_KEY: [evaluation], specs.BLESSING_KEY: [blessing]},
            {
                specs.EVAL_CONFIG_KEY: json_format.MessageToJson(config),
                specs.EXAMPLE_SPLITS_KEY: json.dumps(["test"]),
            },
        )
        verdict = Verdict.model_validate_json((tmp_path / "evaluation" / FILE).read_text(encoding="utf-8"))
        assert verdict.blessed == (tmp_path / "blessing" / "BLESSED").exists()
        return verdict, blessing.get_int_custom_property("blessed") == 1

    return run


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two Model artifacts' folders: the first and the second number of each example as its rank."""
    folder = tmp_path_factory.mktemp("ranked")
    first, second = Known(lambda numbers, _: {"rank": numbers[:, 0]}), Known(lambda numbers, _: {"rank": numbers[:, 1]})
    return first.export(folder / "first"), second.export(folder / "second")


def ranked_rows(ranks: Mapping[str, list[str]]) -> list[dict[str, Value]]:
    """A row for each pair of ranks of each category."""
    numbered = [(pair, category) for category, pairs in ranks.items() for pair in pairs]
    return [
        {"id": pair, "question": f"question {at} about word{at}", "answer": f"word{at}", "category": where}
        for at, (pair, where) in enumerate(numbered)
    ]


RANKS = ranked_rows({"good": ["1 2", "1 1", "2 1", "1 4", "1 1", "1 5"], "bad": ["20 10", "8 50"]})
FIRST = {"recall@1": 5 / 8, "recall@5": 6 / 8, "recall@10": 7 / 8, "mrr": (5 + 1 / 2 + 1 / 20 + 1 / 8) / 8}
SECOND = {
    "recall@1": 3 / 8,
    "recall@5": 6 / 8,
    "recall@10": 7 / 8,
    "mrr": (3 + 1 / 2 + 1 / 4 + 1 / 5 + 1 / 10 + 1 / 50) / 8,
}


def test_a_better_model_passes_though_a_slice_is_below_the_bounds(judged: Judge, ranked: tuple[Path, Path]) -> None:
    gates: Gates = {"recall@1": Gate(min=0.6), "mrr": Gate(min=0.5, max_drop=0.0)}
    verdict, blessed = judged(*ranked, gates, RANKS)
    assert blessed
    assert verdict.metrics == pytest.approx(FIRST)
    assert verdict.production == pytest.approx(SECOND)
    assert verdict.production_version == "17"
    assert verdict.rows == 8
    bad, good = verdict.slices
    assert [(one.by, one.name, one.rows) for one in (bad, good)] == [("category", "bad", 2), ("category", "good", 6)]
    assert bad.metrics == pytest.approx({"recall@1": 0, "recall@5": 0, "recall@10": 0.5, "mrr": (1 / 20 + 1 / 8) / 2})
    assert good.metrics["recall@1"] == pytest.approx(5 / 6)
    assert [(check.metric, check.kind, check.bound, check.passed) for check in verdict.checks] == [
        ("recall@1", "min", 0.6, True),
        ("mrr", "min", 0.5, True),
        ("mrr", "max_drop", 0.0, True),
    ]
    assert verdict.reference is None  # a model that reads no texts


def test_a_worse_model_is_refused_by_name_and_difference(judged: Judge, ranked: tuple[Path, Path]) -> None:
    gates: Gates = {"recall@1": Gate(min=0.3, max_drop=0.24), "recall@5": Gate(max_drop=0.0), "mrr": Gate(min=0.6)}
    verdict, blessed = judged(*reversed(ranked), gates, RANKS)
    assert not blessed
    assert [check.sentence() for check in verdict.checks if not check.passed] == [
        "recall@1 0.375 is -0.250 against 0.625 in production, may fall by 0.240",
        "mrr 0.509, at least 0.600 wanted, short by 0.091",
    ]
    assert [check.metric for check in verdict.checks] == ["recall@1", "recall@1", "recall@5", "mrr"]


def test_with_nothing_in_production_there_is_nothing_to_fall_behind(judged: Judge, ranked: tuple[Path, Path]) -> None:
    verdict, blessed = judged(ranked[0], None, {"mrr": Gate(max_drop=0.01)}, RANKS)
    assert blessed
    assert verdict.production_version is verdict.production is None
    assert verdict.metrics == pytest.approx(FIRST)
    assert [check.sentence() for check in verdict.checks] == ["mrr 0.709, no version in production to compare with"]


@pytest.mark.parametrize("encoder", ["bag", "cnn"], indirect=True)
def test_an_exported_model_is_judged_by_its_library_beside_tf_idf(
    judged: Judge, export: Path, model: MatchModel, library: Library, corpus: list[tuple[bytes, bytes, bytes]]
) -> None:
    rows = [
        {"id": row_id, "question": question, "answer": answer, "category": ""} for row_id, question, answer in corpus
    ]
    verdict, blessed = judged(export.parent, None, {"mrr": Gate(min=0.99)}, rows[6:], training=rows[:6])
    questions, answers = [row[1] for row in corpus[6:]], [row[2] for row in corpus[6:]]
    vectors = model.encode("question", tf.constant(questions))
    ranks = library.rank(vectors, key(tf.constant(questions)), key(tf.constant(answers))).numpy()
    assert verdict.metrics == pytest.approx(figures(ranks))
    if model.question.feature_bytes is None:
        assert verdict.reference is not None
        assert verdict.reference.name == "TF-IDF"
        plain = tfidf_ranks(questions, answers, sorted({answer for _, _, answer in corpus}))
        assert verdict.reference.metrics == pytest.approx(figures(plain))
    else:
        assert verdict.reference is None
    assert not blessed
    assert [check.passed for check in verdict.checks] == [False]


def figures(ranks: np.ndarray) -> dict[str, float]:
    return {f"recall@{k}": float(np.mean(ranks <= k)) for k in (1, 5, 10)} | {"mrr": float(np.mean(1 / ranks))}


def classified(first: int) -> Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]:
    """Outputs of a classifier from four numbers: correct, confidence, neighbour correct, and the vector's angle."""

    def outputs(numbers: tf.Tensor, label: tf.Tensor) -> dict[str, tf.Tensor]:
        correct, confidence, neighbor, angle = tf.unstack(numbers[:, first : first + 4], num=4, axis=1)
        vector = tf.stack([tf.cos(angle), tf.sin(angle)], axis=1)
        return {
            "label": label,
            "correct": correct,
            "confidence": confidence,
            "neighbor_correct": neighbor,
            "vector": vector,
        }

    return outputs


# Label, category, then correct, confidence, neighbour correct and angle of one model, and of another.
_TABLE = [
    ("wall", "scan", (1, 0.91, 1, 0.1), (1, 0.95, 1, 0.0)),
    ("wall", "scan", (1, 0.72, 1, 0.2), (0, 0.99, 1, 0.5)),
    ("wall", "photo", (0, 0.63, 1, 0.9), (0, 0.97, 0, 1.0)),
    ("floor", "photo", (1, 0.88, 0, 1.5), (1, 0.94, 0, 1.4)),
    ("floor", "photo", (1, 0.51, 1, 1.7), (1, 0.96, 1, 0.7)),
    ("dot", "scan", (0, 0.44, 0, 2.8), (0, 0.93, 0, 2.0)),
    ("roof", "scan", (0, 0.37, 0, 3.0), (0, 0.92, 0, 3.0)),
]
CLASSIFIED: list[dict[str, Value]] = [
    {"id": " ".join(str(number) for number in (*one, *other)), "label": label, "category": category}
    for label, category, one, other in _TABLE
]


def expected(which: int, rows: Sequence[int] = range(len(_TABLE))) -> dict[str, float]:
    """The metrics of one of the two models, of some rows."""
    numbers = np.array([_TABLE[row][2 + which] for row in rows], float)
    ids = np.array([list(LABELS).index(_TABLE[row][0]) if _TABLE[row][0] in LABELS else -1 for row in rows])
    angles = np.stack([np.cos(numbers[:, 3]), np.sin(numbers[:, 3])], axis=1)
    return {
        "accuracy": accuracy(numbers[:, 0]),
        "neighbor_accuracy": accuracy(numbers[:, 2]),
        "ece": expected_calibration_error(numbers[:, 1], numbers[:, 0]),
        "distance_ratio": distance_ratio(angles, ids),
    }


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two Model artifacts' folders: the better one and the worse one of the table."""
    folder = tmp_path_factory.mktemp("classifiers")
    return Known(classified(0)).export(folder / "first"), Known(classified(4)).export(folder / "second")


def test_a_better_classifier_passes_every_kind_of_gate(judged: Judge, classifiers: tuple[Path, Path]) -> None:
    gates: Gates = {
        "accuracy": Gate(min=0.5, max_drop=0.0),
        "neighbor_accuracy": Gate(min=4 / 7 - 1e-6),
        "ece": Gate(max=0.4, max_rise=0.0),
        "distance_ratio": Gate(max=1.0, max_rise=0.01),
    }
    verdict, blessed = judged(*classifiers, gates, CLASSIFIED, metrics=CLASSIFY, slice_by=["label", "category"])
    assert blessed
    assert verdict.rows == 7
    assert verdict.metrics == pytest.approx(expected(0), abs=1e-5)
    assert verdict.production == pytest.approx(expected(1), abs=1e-5)
    assert [(check.metric, check.kind, check.passed) for check in verdict.checks] == [
        ("accuracy", "min", True),
        ("accuracy", "max_drop", True),
        ("neighbor_accuracy", "min", True),
        ("ece", "max", True),
        ("ece", "max_rise", True),
        ("distance_ratio", "max", True),
        ("distance_ratio", "max_rise", True),
    ]
    names = [(one.by, one.name, one.rows) for one in verdict.slices]
    assert names == [
        ("category", "photo", 3),
        ("category", "scan", 4),
        ("label", "dot", 1),
        ("label", "floor", 2),
        ("label", "roof", 1),
        ("label", "wall", 3),
    ]
    for one in verdict.slices:
        rows = [row for row, entry in enumerate(_TABLE) if one.name in entry[:2]]
        assert one.metrics == pytest.approx(expected(0, rows), abs=1e-5, nan_ok=True)
        assert math.isnan(one.metrics["distance_ratio"]) == (one.by == "label")  # one label is at no distance


def test_a_worse_classifier_misses_every_kind_of_gate(judged: Judge, classifiers: tuple[Path, Path]) -> None:
    gates: Gates = {
        "accuracy": Gate(min=0.5, max_drop=0.1),
        "ece": Gate(max=0.3, max_rise=0.1),
        "distance_ratio": Gate(max_rise=0.0),
    }
    verdict, blessed = judged(*reversed(classifiers), gates, CLASSIFIED, metrics=CLASSIFY, slice_by=["label"])
    assert not blessed
    worse, better = expected(1), expected(0)
    assert [check.sentence() for check in verdict.checks] == [
        f"accuracy {worse['accuracy']:.3f}, at least 0.500 wanted, short by {0.5 - worse['accuracy']:.3f}",
        f"accuracy {worse['accuracy']:.3f} is {worse['accuracy'] - better['accuracy']:+.3f} against"
        f" {better['accuracy']:.3f} in production, may fall by 0.100",
        f"ece {worse['ece']:.3f}, at most 0.300 wanted, over by {worse['ece'] - 0.3:.3f}",
        f"ece {worse['ece']:.3f} is {worse['ece'] - better['ece']:+.3f} against {better['ece']:.3f} in production,"
        " may rise by 0.100",
        f"distance_ratio {worse['distance_ratio']:.3f} is {worse['distance_ratio'] - better['distance_ratio']:+.3f}"
        f" against {better['distance_ratio']:.3f} in production, may not rise",
    ]
    assert [check.passed for check in verdict.checks] == [False] * 5


def test_a_figure_that_is_not_a_number_passes_no_gate(judged: Judge, classifiers: tuple[Path, Path]) -> None:
    """Of one label alone the distance ratio is undefined."""
    verdict, blessed = judged(
        classifiers[0], None, {"distance_ratio": Gate(max=9.0)}, CLASSIFIED[:3], metrics=CLASSIFY, slice_by=[]
    )
    assert not blessed
    assert math.isnan(verdict.metrics["distance_ratio"])
    assert [check.sentence() for check in verdict.checks] == ["distance_ratio nan, at most 9.000 wanted, over by nan"]
    assert verdict.slices == []


def test_an_exported_classifier_of_pictures_is_judged_beside_its_pixels(judged: Judge, tmp_path: Path) -> None:
    keras.utils.set_random_seed(3)
    encoder = CnnSettings(size=(8, 8), filters=(3,), dimensions=4)
    tower = encoder.build(["image"], "")["image"]
    names = [label.encode() for label in LABELS]
    model = ClassifyModel(tower, SoftmaxSettings(type="softmax").build(3, 4), names)
    rows = labelled("image", 36)
    train, test = rows[:24], rows[24:]
    vectors = model.vectors(tf.constant([row.raw for row in train]))
    index = Exact(unit_vectors(vectors))
    references = References([row.id.encode() for row in train], [row.label.encode() for row in train], index)
    settings = ClassifyTrainer(
        inputs={"image": "image"},
        model=ClassifySettings(encoder=encoder),
        train=ClassifyTrainSettings(),
        seed=1,
        neighbors=2,
    )
    export_classify(model, references, settings, str(tmp_path / "model" / "Format-Serving"))
    verdict, blessed = judged(
        tmp_path / "model",
        None,
        {},
        label_records(test, "image"),
        metrics=CLASSIFY,
        slice_by=["label"],
        training=label_records(train, "image"),
    )
    assert blessed
    labels = tf.constant([row.label for row in test])
    found = {
        name: values.numpy()
        for name, values in judge(model, references, model.vectors(tf.constant([r.raw for r in test])), labels).items()
    }
    assert verdict.metrics == pytest.approx(
        {
            "accuracy": accuracy(found["correct"]),
            "neighbor_accuracy": accuracy(found["neighbor_correct"]),
            "ece": expected_calibration_error(found["confidence"], found["correct"]),
            "distance_ratio": distance_ratio(found["vector"], found["label"]),
        },
        abs=1e-4,
    )
    assert verdict.reference is not None
    assert verdict.reference.name == "5-NN on pixels"
    assert set(verdict.reference.metrics) == {"accuracy", "neighbor_accuracy"}
    assert {one.name: one.rows for one in verdict.slices} == {
        name: sum(row.label == name for row in test) for name in LABELS
    }
