"""TFX's Evaluator, told when there is nothing in production yet, and made to write down its verdict."""

import json
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import executor
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs

from components.baseline.component import production_version
from components.evaluate import retrieval
from components.evaluate.config import CANDIDATE, METRICS, PRODUCTION
from components.evaluate.tfidf import tfidf_ranks
from components.evaluate.verdict import Check, Metrics, Slice, Verdict
from components.train.data import read_library, read_texts


class Executor(executor.Executor):
    """Evaluates against production where there is a version to evaluate against; writes `verdict.json`."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Run TFMA, then put its figures, the TF-IDF reference and the outcome of every bound into one file."""
        baseline = artifact_utils.get_single_instance(input_dict[specs.BASELINE_MODEL_KEY])
        version = production_version(baseline)
        if version is None:
            input_dict = {key: value for key, value in input_dict.items() if key != specs.BASELINE_MODEL_KEY}
        super().Do(input_dict, output_dict, exec_properties)

        folder = artifact_utils.get_single_uri(output_dict[specs.EVALUATION_KEY])
        blessing = artifact_utils.get_single_instance(output_dict[specs.BLESSING_KEY])
        metrics, count, slices = _figures(folder, CANDIDATE if version else "")
        production = _figures(folder, PRODUCTION)[0] if version else None
        config = json_format.Parse(exec_properties[specs.EVAL_CONFIG_KEY], config_pb2.EvalConfig())
        Verdict(
            blessed=bool(blessing.get_int_custom_property("blessed")),
            production_version=version,
            questions=count,
            metrics=metrics,
            production=production,
            tfidf=_tfidf(artifact_utils.get_single_instance(input_dict[specs.EXAMPLES_KEY])),
            checks=_checks(config, metrics, production),
            slices=slices,
        ).write(folder)


def _figures(folder: str, model: str) -> tuple[Metrics, int, list[Slice]]:
    """Metrics of all questions, their number, and the metrics by slice."""
    overall: Metrics = {}
    count, slices = 0, []
    for key, by_output in tfma.load_eval_result(folder, model_name=model).slicing_metrics:
        values = {name: value.get("doubleValue") for name, value in by_output[""][""].items()}
        questions = int(values["example_count"])
        metrics: Metrics = {name: values[name] for name in METRICS}
        if key:
            slices.append(Slice(name=str(key[0][1]), questions=questions, metrics=metrics))
        else:
            overall, count = metrics, questions
    return overall, count, sorted(slices, key=lambda one: one.name)


def _tfidf(examples: types.Artifact) -> Metrics:
    splits = artifact_utils.decode_split_names(examples.split_names)
    files = [f"{artifact_utils.get_split_uri([examples], split)}/*" for split in splits]
    _, questions, answers = zip(*read_texts([f"{artifact_utils.get_split_uri([examples], 'test')}/*"]), strict=True)
    ranks = tfidf_ranks(questions, answers, list(read_library(files)))
    return {
        name: float(np.mean(getattr(retrieval, class_name)(**parameters).value(ranks)))
        for name, (class_name, parameters) in METRICS.items()
    }


def _checks(config: config_pb2.EvalConfig, metrics: Metrics, production: Metrics | None) -> list[Check]:
    checks = []
    for metric in (metric for metric in config.metrics_specs[0].metrics if metric.config):
        for bound in metric.per_slice_thresholds:
            name, threshold = json.loads(metric.config)["name"], bound.threshold
            if threshold.HasField("value_threshold"):
                least = threshold.value_threshold.lower_bound.value
                checks.append(Check(metric=name, kind="min", bound=least, value=metrics[name]))
            if threshold.HasField("change_threshold"):
                drop = round(-threshold.change_threshold.absolute.value, 6)
                against = production[name] if production else None
                checks.append(Check(metric=name, kind="max_drop", bound=drop, value=metrics[name], against=against))
    return checks
