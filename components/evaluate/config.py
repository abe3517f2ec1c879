"""Gates and metrics as TensorFlow Model Analysis wants them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from tensorflow_model_analysis.proto import config_pb2 as tfma

from components.errors import UserError
from components.evaluate.settings import TOLERANCE, Gate, Metric, check_bounds

SIGNATURE = "evaluate"
CANDIDATE, PRODUCTION = "candidate", "production"
_RETRIEVAL = "components.evaluate.retrieval"
_CLASSIFICATION = "components.evaluate.classification"


class _Definition(NamedTuple):
    module: str
    class_name: str
    parameters: dict[str, float] = {}  # noqa: RUF012  never changed


METRICS: dict[Metric, _Definition] = {
    "recall@1": _Definition(_RETRIEVAL, "RecallAtK", {"k": 1}),
    "recall@5": _Definition(_RETRIEVAL, "RecallAtK", {"k": 5}),
    "recall@10": _Definition(_RETRIEVAL, "RecallAtK", {"k": 10}),
    "mrr": _Definition(_RETRIEVAL, "MeanReciprocalRank"),
    "accuracy": _Definition(_CLASSIFICATION, "Accuracy"),
    "neighbor_accuracy": _Definition(_CLASSIFICATION, "NeighborAccuracy"),
    "ece": _Definition(_CLASSIFICATION, "ExpectedCalibrationError"),
    "distance_ratio": _Definition(_CLASSIFICATION, "DistanceRatio"),
}
"""Class and parameters of every metric, by the name that users write."""


def eval_config(metrics: Iterable[Metric], gates: Mapping[Metric, Gate], *, slice_by: Iterable[str]) -> tfma.EvalConfig:
    """Metrics of the new model and of the one in production; bounds hold for the whole test split, not slices.

    One bound is always there, at least one row: with no bound at all, as when `gates` has none or, on the first run,
    only those against production, TFX refuses every model.

    Args:
        metrics: those of the task.
        gates: bounds of some of them.
        slice_by: features by whose values the metrics are broken down.
    """
    models = [
        tfma.ModelSpec(name=CANDIDATE, signature_name=SIGNATURE, model_type="tf_generic"),
        tfma.ModelSpec(name=PRODUCTION, signature_name=SIGNATURE, model_type="tf_generic", is_baseline=True),
    ]
    slices = [tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=[feature]) for feature in slice_by)]
    count = tfma.MetricConfig(class_name="ExampleCount")
    count.per_slice_thresholds.append(_over_all(_threshold(Gate(min=1))))
    configs = [count, *(_metric(name, gates.get(name)) for name in metrics)]
    return tfma.EvalConfig(model_specs=models, slicing_specs=slices, metrics_specs=[tfma.MetricsSpec(metrics=configs)])


class GateError(UserError):
    """Bounds given as text are none."""


def with_gates(config: tfma.EvalConfig, gates: str) -> tfma.EvalConfig:
    """A copy of what `eval_config` made, with other bounds.

    Args:
        config: of `eval_config`.
        gates: by metric, in JSON, as a config has them: `{"mrr": {"min": 0.5}}`.

    Raises:
        GateError: `gates` is not JSON, or names a metric that is not judged by, or has no such bound.
    """
    judged = {json.loads(metric.config)["name"]: metric for metric in config.metrics_specs[0].metrics if metric.config}
    try:
        bounds: Mapping[Any, Gate] = TypeAdapter(dict[str, Gate]).validate_json(gates)
        if unknown := bounds.keys() - judged.keys():
            raise ValueError(f"{', '.join(sorted(unknown))}: not judged by; allowed are {', '.join(judged)}")
        check_bounds(bounds)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise GateError(f"gates: got {gates}; {where + ': ' if where else ''}{first['msg']}") from None
    except ValueError as error:
        raise GateError(f"gates: got {gates}; {error}") from None
    changed = tfma.EvalConfig()
    changed.CopyFrom(config)
    for metric in changed.metrics_specs[0].metrics:
        if metric.config:
            metric.CopyFrom(_metric(name := json.loads(metric.config)["name"], bounds.get(name)))
    return changed


def _metric(name: Metric, gate: Gate | None) -> tfma.MetricConfig:
    module, class_name, parameters = METRICS[name]
    config = tfma.MetricConfig(class_name=class_name, module=module, config=json.dumps({"name": name, **parameters}))
    if gate is not None:
        config.per_slice_thresholds.append(_over_all(_threshold(gate)))
    return config


def _over_all(threshold: tfma.MetricThreshold) -> tfma.PerSliceMetricThreshold:
    return tfma.PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)


def _threshold(gate: Gate) -> tfma.MetricThreshold:
    threshold = tfma.MetricThreshold()
    if gate.min is not None:
        threshold.value_threshold.lower_bound.value = gate.min
    if gate.max is not None:
        threshold.value_threshold.upper_bound.value = gate.max
    if gate.max_drop is not None:
        threshold.change_threshold.direction = tfma.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -gate.max_drop - TOLERANCE
    if gate.max_rise is not None:
        threshold.change_threshold.direction = tfma.MetricDirection.LOWER_IS_BETTER
        threshold.change_threshold.absolute.value = gate.max_rise + TOLERANCE
    return threshold
