"""TFX's Evaluator, told when there is nothing in production yet, and made to write down its verdict."""

import json
import math
from collections.abc import Sequence
from typing import Any, Literal

import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import executor
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import path_utils, proto_utils

from components.baseline.component import production_version
from components.evaluate.config import CANDIDATE, PRODUCTION, with_gates
from components.evaluate.reference import reference
from components.evaluate.verdict import Check, Metrics, Slice, Verdict

GATES = "gates"
"""Execution property: bounds in JSON, as in a config, that stand in for those of the EvalConfig."""


class Executor(executor.Executor):
    """Evaluates against production where there is a version to evaluate against; writes `verdict.json`."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Run TFMA, then put its figures, a reference's and the outcome of every bound into one file.

        Raises:
            GateError: the execution property `gates` is not what a config may say.
        """
        config = json_format.Parse(exec_properties[specs.EVAL_CONFIG_KEY], config_pb2.EvalConfig())
        if GATES in exec_properties:
            config = with_gates(config, exec_properties[GATES])
            exec_properties = exec_properties | {specs.EVAL_CONFIG_KEY: proto_utils.proto_to_json(config)}
        baseline = artifact_utils.get_single_instance(input_dict[specs.BASELINE_MODEL_KEY])
        version = production_version(baseline)
        if version is None:
            input_dict = {key: value for key, value in input_dict.items() if key != specs.BASELINE_MODEL_KEY}
        super().Do(input_dict, output_dict, exec_properties)

        folder = artifact_utils.get_single_uri(output_dict[specs.EVALUATION_KEY])
        blessing = artifact_utils.get_single_instance(output_dict[specs.BLESSING_KEY])
        names = [json.loads(metric.config)["name"] for metric in config.metrics_specs[0].metrics if metric.config]
        metrics, count, slices = _figures(folder, CANDIDATE if version else "", names)
        production = _figures(folder, PRODUCTION, names)[0] if version else None
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict[specs.MODEL_KEY]))
        Verdict(
            blessed=bool(blessing.get_int_custom_property("blessed")),
            production_version=version,
            rows=count,
            metrics=metrics,
            production=production,
            reference=reference(model, artifact_utils.get_single_instance(input_dict[specs.EXAMPLES_KEY])),
            checks=_checks(config, metrics, production),
            slices=slices,
        ).write(folder)


def _figures(folder: str, model: str, names: Sequence[str]) -> tuple[Metrics, int, list[Slice]]:
    """Metrics of all rows, their number, and the metrics by slice."""
    overall: Metrics = {}
    count, slices = 0, []
    for key, by_output in tfma.load_eval_result(folder, model_name=model).slicing_metrics:
        values = {name: value.get("doubleValue", math.nan) for name, value in by_output[""][""].items()}
        rows = int(values["example_count"])
        metrics: Metrics = {name: float(values[name]) for name in names}
        if key:
            slices.append(Slice(by=key[0][0], name=str(key[0][1]), rows=rows, metrics=metrics))
        else:
            overall, count = metrics, rows
    return overall, count, sorted(slices, key=lambda one: (one.by, one.name))


def _checks(config: config_pb2.EvalConfig, metrics: Metrics, production: Metrics | None) -> list[Check]:
    checks = []
    for metric in (metric for metric in config.metrics_specs[0].metrics if metric.config):
        name = json.loads(metric.config)["name"]
        against = production[name] if production else None
        for bound in metric.per_slice_thresholds:
            value, change = bound.threshold.value_threshold, bound.threshold.change_threshold
            if value.HasField("lower_bound"):
                checks.append(Check(metric=name, kind="min", bound=value.lower_bound.value, value=metrics[name]))
            if value.HasField("upper_bound"):
                checks.append(Check(metric=name, kind="max", bound=value.upper_bound.value, value=metrics[name]))
            if change.HasField("absolute"):
                falls = change.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER
                limit = round(abs(change.absolute.value), 6)
                kind: Literal["max_drop", "max_rise"] = "max_drop" if falls else "max_rise"
                checks.append(Check(metric=name, kind=kind, bound=limit, value=metrics[name], against=against))
    return checks
