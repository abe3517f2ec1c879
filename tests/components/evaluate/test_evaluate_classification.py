"""Metrics of classification against naive loops, and through TensorFlow Model Analysis as the Evaluator runs it."""

import json
from collections.abc import Callable
from functools import reduce
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.evaluator.executor import Executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as specs

from components.evaluate import classification
from components.evaluate.classification import (
    Accuracy,
    DistanceRatio,
    ExpectedCalibrationError,
    NeighborAccuracy,
    accuracy,
    distance_ratio,
    expected_calibration_error,
)
from components.evaluate.metric import SummaryMetric

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

type Outputs = dict[str, np.ndarray]
type Judge = Callable[[dict[str, Outputs], list[str], float], tuple[Path, bool]]

METRICS: list[SummaryMetric] = [
    Accuracy(),
    NeighborAccuracy(),
    ExpectedCalibrationError(bins=10),
    DistanceRatio(),
]


def outputs_of(seed: int, rows: int = 60) -> Outputs:
    """What an `evaluate` signature gives: four classes of unequal size, some unknown labels, sure of itself."""
    random = np.random.default_rng(seed)
    labels = random.choice([-1, 0, 1, 5, 7], rows, p=[0.1, 0.4, 0.25, 0.2, 0.05])
    vectors = random.normal(size=(rows, 6)) + 2 * random.normal(size=(9, 6))[labels]
    return {
        "label": labels,
        "correct": (random.random(rows) < 0.55).astype(np.float32),
        "confidence": random.uniform(0.4, 1, rows).astype(np.float32),
        "neighbor_correct": (random.random(rows) < 0.4).astype(np.float32),
        "vector": (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
    }


def part(outputs: Outputs, rows: slice | np.ndarray) -> Outputs:
    return {name: values[rows] for name, values in outputs.items()}


def naive_distance_ratio(vectors: np.ndarray, labels: np.ndarray) -> float:
    within: list[float] = []
    between: list[float] = []
    known = [(vector.astype(float), label) for vector, label in zip(vectors, labels, strict=True) if label != -1]
    for (one, a), (other, b) in combinations(known, 2):
        (within if a == b else between).append(sum((one - other) ** 2))
    return float(np.sqrt(np.mean(within)) / np.sqrt(np.mean(between)))


def naive_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int) -> float:
    confidence, error = confidence.astype(float), 0.0
    for low, high in pairwise(np.arange(bins + 1) / bins):
        members = [row for row, value in enumerate(confidence) if low < value <= high]
        if members:
            error += len(members) / len(confidence) * abs(np.mean(correct[members]) - np.mean(confidence[members]))
    return error


def expected(outputs: Outputs) -> dict[str, float]:
    return {
        "accuracy": float(np.mean(outputs["correct"])),
        "neighbor_accuracy": float(np.mean(outputs["neighbor_correct"])),
        "ece": naive_calibration_error(outputs["confidence"], outputs["correct"], 10),
        "distance_ratio": naive_distance_ratio(outputs["vector"], outputs["label"]),
    }


def combined(metric: SummaryMetric, batches: list[Outputs]) -> float:
    """The combiner over batches, each accumulated by itself and merged with an empty one, as Beam's workers do."""
    (computation,) = metric.computations()
    combiner = computation.combiner
    totals = [
        combiner.add_input(combiner.create_accumulator(), metric_types.StandardMetricInputs(prediction=batch))
        for batch in batches
    ]
    merged = combiner.merge_accumulators([combiner.create_accumulator(), *totals, combiner.create_accumulator()])
    (value,) = combiner.extract_output(merged).values()
    return value


def test_accuracy_is_a_mean() -> None:
    assert accuracy(np.array([1.0, 0, 1, 1])) == 0.75
    assert accuracy(np.array([True, False, False, False])) == 0.25
    assert np.isnan(accuracy(np.array([])))


def test_calibration_error_of_three_bins() -> None:
    confidence = np.array([0.2, 0.4, 0.6, 0.9, 0.8])
    correct = np.array([1.0, 0, 1, 0, 1])
    by_hand = 1 / 5 * abs(1 - 0.2) + 2 / 5 * abs(1 / 2 - 0.5) + 2 / 5 * abs(1 / 2 - 0.85)
    assert expected_calibration_error(confidence, correct, bins=3) == pytest.approx(by_hand)


def test_bins_hold_their_upper_edge_and_the_first_also_nought() -> None:
    assert expected_calibration_error(np.array([0.5, 0.4]), np.array([1, 0]), bins=2) == pytest.approx(0.1 / 2)
    assert expected_calibration_error(np.array([0.5, 0.6]), np.array([1, 0]), bins=2) == pytest.approx((0.5 + 0.6) / 2)
    assert expected_calibration_error(np.array([0.0, 0.5]), np.array([1, 0]), bins=2) == pytest.approx(0.5 / 2)
    assert expected_calibration_error(np.array([1.0, 0.6]), np.array([0, 1]), bins=2) == pytest.approx(0.6 / 2)


@pytest.mark.parametrize("bins", [1, 2, 7, 15])
def test_calibration_error_is_that_of_a_loop_over_bins(bins: int) -> None:
    outputs = outputs_of(bins)
    value = expected_calibration_error(outputs["confidence"], outputs["correct"], bins)
    assert value == pytest.approx(naive_calibration_error(outputs["confidence"], outputs["correct"], bins))
    assert value > 0.01


def test_fifteen_bins_unless_told() -> None:
    outputs = outputs_of(3)
    values = outputs["confidence"], outputs["correct"]
    assert expected_calibration_error(*values) == expected_calibration_error(*values, bins=15)
    assert ExpectedCalibrationError().bins == 15


def test_distance_ratio_by_hand() -> None:
    vectors = np.array([[1.0, 0], [0, 1], [-1, 0], [-1, 0], [0, -1]])
    labels = np.array([3, 3, 8, 8, -1])
    # Squared distances: within 2 and 0; between 4, 4, 2, 2.
    assert distance_ratio(vectors, labels) == pytest.approx(np.sqrt(1 / 3))


@pytest.mark.parametrize("seed", range(4))
def test_distance_ratio_is_that_of_all_pairs(seed: int) -> None:
    outputs = outputs_of(seed)
    value = distance_ratio(outputs["vector"], outputs["label"])
    assert value == pytest.approx(naive_distance_ratio(outputs["vector"], outputs["label"]), rel=1e-9)
    assert 0.2 < value < 0.9


def test_distance_ratio_of_features_that_say_nothing_is_about_one() -> None:
    random = np.random.default_rng(0)
    assert distance_ratio(random.normal(size=(400, 8)), random.integers(0, 3, 400)) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("spread", [1e-3, 1e-6])
def test_distance_ratio_of_classes_that_are_nearly_points(spread: float) -> None:
    random = np.random.default_rng(4)
    labels = np.repeat([0, 1, 2], [30, 20, 10])
    vectors = np.eye(5)[labels] + spread * random.normal(size=(60, 5))
    value = distance_ratio(vectors, labels)
    assert value == pytest.approx(naive_distance_ratio(vectors, labels), rel=1e-6)


def test_distance_ratio_of_classes_that_are_points_is_nought() -> None:
    vectors = np.array([[0.1, 0.2, 0.7], [0.7, 0.1, 0.3]])
    assert distance_ratio(vectors[[0, 0, 0, 1, 1]], np.array([0, 0, 0, 1, 1])) == 0


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param([], id="nothing"),
        pytest.param([-1, -1, -1], id="no known label"),
        pytest.param([4, 4, 4], id="one class"),
        pytest.param([4, 4, -1], id="one known class"),
        pytest.param([0, 1, 2], id="no class of two rows"),
    ],
)
def test_an_undefined_distance_ratio_is_not_a_number(labels: list[int]) -> None:
    assert np.isnan(distance_ratio(np.eye(3)[: len(labels)], np.array(labels, int)))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_all_classes_in_one_point_leave_the_ratio_undefined(metric: SummaryMetric) -> None:
    """However the rows are cut: no rounding of a mean may pass for a distance."""
    outputs = outputs_of(2) | {"vector": np.tile(np.array([[0.1, 0.7, 0.3]], np.float32), (60, 1))}
    value = combined(metric, [part(outputs, slice(at, at + 7)) for at in range(0, 60, 7)])
    assert np.isnan(value) == (metric.name == "distance_ratio")


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence has shape \(2,\) and correct \(3,\)"):
        expected_calibration_error(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        expected_calibration_error(np.ones(2), np.ones(2), bins=0)
    with pytest.raises(ValueError, match=r"vectors have shape \(3, 2\) and labels \(2,\)"):
        distance_ratio(np.ones((3, 2)), np.ones(2))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("cuts", [[], [1], [7, 8, 40], list(range(1, 60))], ids=len)
def test_metrics_do_not_depend_on_how_examples_are_cut(metric: SummaryMetric, cuts: list[int]) -> None:
    outputs = outputs_of(1)
    batches = [part(outputs, slice(low, high)) for low, high in pairwise([0, *cuts, 60])]
    assert combined(metric, batches) == pytest.approx(expected(outputs)[metric.name], rel=1e-6)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_one_accumulator_takes_single_examples(metric: SummaryMetric) -> None:
    """As TFMA hands them over: a scalar or an array of one for each number, and the vector with or without a row."""
    outputs = outputs_of(6)
    rows: list[Outputs] = [
        part(outputs, np.array(at)) if at % 2 else part(outputs, slice(at, at + 1)) for at in range(60)
    ]
    (computation,) = metric.computations()
    combiner = computation.combiner
    inputs = [metric_types.StandardMetricInputs(prediction=row) for row in rows]
    (value,) = combiner.extract_output(reduce(combiner.add_input, inputs, combiner.create_accumulator())).values()
    assert value == pytest.approx(expected(outputs)[metric.name], rel=1e-6)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_no_examples_are_not_a_number(metric: SummaryMetric) -> None:
    assert np.isnan(combined(metric, []))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_metrics_are_made_again_from_their_configuration(metric: SummaryMetric) -> None:
    config = metric.get_config()
    assert config == {"name": metric.name} | ({"bins": 10} if metric.name == "ece" else {})
    again = type(metric).from_config(config)
    assert combined(again, [outputs_of(8)]) == combined(metric, [outputs_of(8)])


class Known(tf.Module):
    """A model of which every output is known: `evaluate` gives back what the examples hold under the model's name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._model = name

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        numbers = {
            name: tf.io.FixedLenFeature([], tf.float32) for name in ("correct", "confidence", "neighbor_correct")
        }
        features = numbers | {
            "label": tf.io.FixedLenFeature([], tf.int64),
            "vector": tf.io.FixedLenFeature([6], tf.float32),
        }
        parsed = tf.io.parse_example(examples, {f"{self._model}/{name}": kind for name, kind in features.items()})
        return {name: parsed[f"{self._model}/{name}"] for name in features}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of two Model artifacts."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("candidate", "production")}
    for name, folder in folders.items():
        model = Known(name)
        tf.saved_model.save(model, str(folder / "Format-Serving"), signatures={"evaluate": model.evaluate})
    return folders


def write_examples(folder: Path, outputs: dict[str, Outputs], categories: list[str]) -> None:
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data-00000-of-00001.gz"), "GZIP") as writer:
        for at, category in enumerate(categories):
            example = tf.train.Example()
            example.features.feature["category"].bytes_list.value.append(category.encode())
            for model, columns in outputs.items():
                for name, values in columns.items():
                    feature = example.features.feature[f"{model}/{name}"]
                    numbers = feature.int64_list if name == "label" else feature.float_list
                    numbers.value.extend(np.ravel(values[at]).tolist())
            writer.write(example.SerializeToString())


def eval_config(most: float, models: list[str]) -> config_pb2.EvalConfig:
    """All four metrics, over all and by category; the calibration error may be `most`, over all."""
    specs = [
        config_pb2.MetricConfig(
            class_name=type(metric).__name__, module=classification.__name__, config=json.dumps(metric.get_config())
        )
        for metric in METRICS
    ]
    bound = config_pb2.GenericValueThreshold(upper_bound={"value": most})
    over_all = config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()], threshold=config_pb2.MetricThreshold(value_threshold=bound)
    )
    specs[2].per_slice_thresholds.append(over_all)
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                name=name, signature_name="evaluate", model_type="tf_generic", is_baseline=name == "production"
            )
            for name in models
        ],
        slicing_specs=[config_pb2.SlicingSpec(), config_pb2.SlicingSpec(feature_keys=["category"])],
        metrics_specs=[config_pb2.MetricsSpec(metrics=specs)],
    )


@pytest.fixture
def judge(models: dict[str, Path], tmp_path: Path, beam: "BaseBeamExecutor.Context") -> Judge:
    """Run TFX's Evaluator; gives the evaluation's folder and the blessing."""
    attempts = iter(range(9))

    def run(outputs: dict[str, Outputs], categories: list[str], most: float) -> tuple[Path, bool]:
        folder = tmp_path / str(next(attempts))
        examples, evaluation = standard_artifacts.Examples(), standard_artifacts.ModelEvaluation()
        blessing = standard_artifacts.ModelBlessing()
        examples.split_names = artifact_utils.encode_split_names(["test"])
        artifacts = {"examples": examples, "evaluation": evaluation, "blessing": blessing}
        for name, artifact in artifacts.items():
            artifact.uri = str(folder / name)
        given = {specs.EXAMPLES_KEY: [examples]}
        for key, name in ((specs.MODEL_KEY, "candidate"), (specs.BASELINE_MODEL_KEY, "production")):
            if name in outputs:
                model = standard_artifacts.Model()
                model.uri = str(models[name])
                given[key] = [model]
        write_examples(folder / "examples" / "Split-test", outputs, categories)
        Executor(beam).Do(
            given,
            {specs.EVALUATION_KEY: [evaluation], specs.BLESSING_KEY: [blessing]},
            {
                specs.EVAL_CONFIG_KEY: json_format.MessageToJson(eval_config(most, list(outputs))),
                specs.EXAMPLE_SPLITS_KEY: json.dumps(["test"]),
            },
        )
        return folder / "evaluation", blessing.get_int_custom_property("blessed") == 1

    return run


def figures(folder: Path, model: str) -> dict[str, dict[str, float]]:
    """Metrics by category, "" for all; without those of the difference between models."""
    names = [metric.name for metric in METRICS]
    slices = tfma.load_eval_result(str(folder), model_name=model).slicing_metrics
    return {
        str(key[0][1]) if key else "": {name: float(metrics[""][""][name]["doubleValue"]) for name in names}
        for key, metrics in slices
    }


def test_two_models_and_slices_through_the_evaluator(judge: Judge) -> None:
    outputs = {"candidate": outputs_of(11), "production": outputs_of(12)}
    category = np.repeat(["long", "short"], [43, 17])
    error = {name: expected(columns)["ece"] for name, columns in outputs.items()}
    folder, blessed = judge(outputs, category.tolist(), error["candidate"] + 0.001)
    assert blessed
    for name, columns in outputs.items():
        found = figures(folder, name)
        assert found[""] == pytest.approx(expected(columns), rel=1e-6)
        for where in ("long", "short"):
            assert found[where] == pytest.approx(expected(part(columns, category == where)), rel=1e-6)
    assert not judge(outputs, category.tolist(), error["candidate"] - 0.001)[1]


def test_a_slice_where_the_ratio_is_undefined_is_not_a_number_and_the_rest_stands(
    judge: Judge,
) -> None:
    outputs = outputs_of(13)
    category = np.where(outputs["label"] == 5, "five", "others")
    folder, blessed = judge({"candidate": outputs}, category.tolist(), 0.9)
    assert blessed
    found = figures(folder, "")
    assert np.isnan(found["five"].pop("distance_ratio"))
    five = part(outputs, category == "five")
    assert found["five"] == pytest.approx(
        {
            "accuracy": np.mean(five["correct"]),
            "neighbor_accuracy": np.mean(five["neighbor_correct"]),
            "ece": naive_calibration_error(five["confidence"], five["correct"], 10),
        }
    )
    assert found["others"] == pytest.approx(expected(part(outputs, category == "others")), rel=1e-6)
    assert found[""] == pytest.approx(expected(outputs), rel=1e-6)
