"""Gates and metrics as TensorFlow Model Analysis wants them."""

import json
from collections.abc import Mapping

from tensorflow_model_analysis.proto import config_pb2 as tfma

from components.evaluate.settings import TOLERANCE, Gate, Metric

SIGNATURE = "evaluate"
CANDIDATE, PRODUCTION = "candidate", "production"

METRICS: dict[Metric, tuple[str, dict[str, float]]] = {
    "recall@1": ("RecallAtK", {"k": 1}),
    "recall@5": ("RecallAtK", {"k": 5}),
    "recall@10": ("RecallAtK", {"k": 10}),
    "mrr": ("MeanReciprocalRank", {}),
}
"""Class and parameters of every metric, by the name that users write."""


def eval_config(gates: Mapping[Metric, Gate], *, slice_by: str | None) -> tfma.EvalConfig:
    """All metrics of the new model and of the one in production; bounds hold for the whole test split, not slices.

    One bound is always there, at least one question: with no bound at all, as when `gates` has none or, on the first
    run, only those against production, TFX refuses every model.
    """
    models = [
        tfma.ModelSpec(name=CANDIDATE, signature_name=SIGNATURE, model_type="tf_generic"),
        tfma.ModelSpec(name=PRODUCTION, signature_name=SIGNATURE, model_type="tf_generic", is_baseline=True),
    ]
    slices = [tfma.SlicingSpec()]
    if slice_by:
        slices.append(tfma.SlicingSpec(feature_keys=[slice_by]))
    count = tfma.MetricConfig(class_name="ExampleCount")
    count.per_slice_thresholds.append(_over_all(_threshold(Gate(min=1))))
    metrics = [count, *(_metric(name, gates.get(name)) for name in METRICS)]
    return tfma.EvalConfig(model_specs=models, slicing_specs=slices, metrics_specs=[tfma.MetricsSpec(metrics=metrics)])


def _metric(name: Metric, gate: Gate | None) -> tfma.MetricConfig:
    class_name, parameters = METRICS[name]
    config = tfma.MetricConfig(
        class_name=class_name,
        module="components.evaluate.retrieval",
        config=json.dumps({"name": name, **parameters}),
    )
    if gate is not None:
        config.per_slice_thresholds.append(_over_all(_threshold(gate)))
    return config


def _over_all(threshold: tfma.MetricThreshold) -> tfma.PerSliceMetricThreshold:
    return tfma.PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)


def _threshold(gate: Gate) -> tfma.MetricThreshold:
    threshold = tfma.MetricThreshold()
    if gate.min is not None:
        threshold.value_threshold.lower_bound.value = gate.min
    if gate.max_drop is not None:
        threshold.change_threshold.direction = tfma.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -gate.max_drop - TOLERANCE
    return threshold
