"""The bounds as TensorFlow Model Analysis applies them, without running it."""

import json
from collections.abc import Mapping
from importlib import import_module

import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.evaluators.metrics_validator import validate_metrics
from tensorflow_model_analysis.metrics.metric_types import MetricKey

from components.evaluate.config import CANDIDATE, METRICS, PRODUCTION, eval_config
from components.evaluate.retrieval import MeanReciprocalRank, RecallAtK
from components.evaluate.settings import Gate, Metric

type Gates = Mapping[Metric, Gate]

GOOD = {"recall@1": 0.5, "recall@5": 0.75, "recall@10": 0.875, "mrr": 0.625}


def passes(
    gates: Gates,
    metrics: dict[str, float],
    production: dict[str, float] | None = None,
    *,
    category: str | None = None,
    questions: int = 9,
) -> bool:
    """Whether one slice (the whole test split without a category) is good enough, in the way that TFX asks."""
    config = tfma.utils.update_eval_config_with_defaults(
        eval_config(gates, slice_by="category"), has_baseline=production is not None, rubber_stamp=True
    )
    assert tfma.metrics.metric_thresholds_from_metrics_specs(config.metrics_specs, eval_config=config)
    model = CANDIDATE if production else ""
    found = {MetricKey("example_count", model_name=model): float(questions)}
    found |= {MetricKey(name, model_name=model): value for name, value in metrics.items()}
    if production:
        found |= {
            MetricKey(name, model_name=CANDIDATE, is_diff=True): metrics[name] - value
            for name, value in production.items()
        }
    key = (("category", category),) if category else ()
    return validate_metrics((key, found), config).validation_ok


@pytest.mark.parametrize("metric", METRICS)
def test_the_least_value_of_each_metric_holds(metric: Metric) -> None:
    gates: Gates = {metric: Gate(min=GOOD[metric])}
    assert passes(gates, GOOD)
    assert passes(gates, GOOD, GOOD)
    assert not passes(gates, GOOD | {metric: GOOD[metric] - 0.001})
    assert not passes(gates, GOOD | {metric: GOOD[metric] - 0.001}, GOOD)


@pytest.mark.parametrize("metric", METRICS)
def test_the_largest_drop_of_each_metric_holds(metric: Metric) -> None:
    gates: Gates = {metric: Gate(max_drop=0.1)}
    assert passes(gates, GOOD | {metric: GOOD[metric] - 0.1}, GOOD)
    assert not passes(gates, GOOD | {metric: GOOD[metric] - 0.101}, GOOD)
    assert passes(gates, GOOD | {metric: 0.999}, GOOD)


def test_an_equal_model_has_not_dropped_and_a_hair_less_has() -> None:
    gates: Gates = {"mrr": Gate(max_drop=0.0)}
    assert passes(gates, GOOD, GOOD)
    assert passes(gates, GOOD | {"mrr": GOOD["mrr"] - 1e-12}, GOOD)
    assert not passes(gates, GOOD | {"mrr": GOOD["mrr"] - 1e-6}, GOOD)


@pytest.mark.parametrize("production", [None, GOOD], ids=["first run", "later run"])
def test_a_slice_may_be_below_every_bound(production: dict[str, float] | None) -> None:
    gates: Gates = {metric: Gate(min=GOOD[metric], max_drop=0.0) for metric in METRICS}
    bad = dict.fromkeys(GOOD, 0.0)
    assert passes(gates, bad, production, category="decks")
    assert not passes(gates, bad, production)


@pytest.mark.parametrize("gates", [{}, {"mrr": Gate()}, {"mrr": Gate(max_drop=0.01)}])
def test_without_anything_to_hold_it_to_a_model_passes_if_it_was_asked_at_all(gates: Gates) -> None:
    assert passes(gates, GOOD)
    assert not passes(gates, GOOD, questions=0)


def test_slices_are_by_the_given_feature_or_there_are_none() -> None:
    assert [list(spec.feature_keys) for spec in eval_config({}, slice_by="category").slicing_specs] == [
        [],
        ["category"],
    ]
    assert [list(spec.feature_keys) for spec in eval_config({}, slice_by=None).slicing_specs] == [[]]


def test_both_models_are_asked_by_the_evaluate_signature() -> None:
    candidate, production = eval_config({}, slice_by=None).model_specs
    assert (candidate.name, candidate.signature_name, candidate.is_baseline) == (CANDIDATE, "evaluate", False)
    assert (production.name, production.signature_name, production.is_baseline) == (PRODUCTION, "evaluate", True)


def test_metrics_are_what_their_names_say() -> None:
    made = [
        getattr(import_module(metric.module), metric.class_name).from_config(json.loads(metric.config))
        for metric in eval_config({}, slice_by=None).metrics_specs[0].metrics
        if metric.config
    ]
    assert [(type(metric), metric.name, getattr(metric, "k", None)) for metric in made] == [
        (RecallAtK, "recall@1", 1),
        (RecallAtK, "recall@5", 5),
        (RecallAtK, "recall@10", 10),
        (MeanReciprocalRank, "mrr", None),
    ]
