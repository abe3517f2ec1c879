"""One configuration in, one TFX pipeline out: the order of the steps, and nothing of what they compute."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow_data_validation as tfdv
from tfx.components import StatisticsGen, Trainer, Transform, Tuner
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2

from components.anomalies.component import StrictExampleValidator
from components.baseline.component import Baseline
from components.errors import UserError
from components.evaluate.component import JudgingEvaluator
from components.evaluate.config import eval_config
from components.evaluate.settings import Gate, Metric
from components.ingest.component import example_gen, example_gen_elsewhere
from components.ingest.summary import REJECTS_FILE
from components.push.component import AtomicPusher
from components.schema.component import CommittedSchema, InferSchema
from components.serving_check.component import ServingCheck
from components.tune.values import given
from components.versions import newest_version
from pipeline.code_version import files_version
from pipeline.config import PipelineConfig

CHECKED_ROWS = 20


@dataclass(frozen=True)
class Elsewhere:
    """Where steps that run on other machines find the data and push to; both are paths there."""

    data_path: str
    serving_folder: str


def create_pipeline(config: PipelineConfig, elsewhere: Elsewhere | None = None) -> Pipeline:
    """The pipeline of one configuration; what it leaves behind lies under `config.output_folder`.

    Args:
        config: what to run.
        elsewhere: for steps that run on other machines. Path and version of the data, gates and a name for the run are
            runtime parameters then, and the version in production is looked up by the step that needs it.

    Raises:
        UserError: the committed schema that the config names cannot be read, or Beam's workers could see no data.
    """
    return _pipeline(config, elsewhere, _run_steps(config, elsewhere))


def create_tuning(config: PipelineConfig, tuning: Mapping[str, Any]) -> Pipeline:
    """The pipeline that searches the ranges of a configuration; up to Transform it is that of a run, and so its cache.

    Args:
        config: what to tune.
        tuning: what `components.tune.tuner_fn` is told besides the settings of the training.
    """
    steps = _data_steps(config, None)
    tune = Tuner(
        tuner_fn="components.tune.tuner_fn.tuner_fn",
        custom_config={**tuning, "settings": json.dumps(given(config.trainer_settings))},
        **_training(steps),
    )
    return _pipeline(config, None, {**steps, "tune": tune})


def _pipeline(config: PipelineConfig, elsewhere: Elsewhere | None, steps: Mapping[str, BaseNode]) -> Pipeline:
    if config.beam.runner == "dataflow" and elsewhere is None:
        raise UserError(f"beam.runner is dataflow, whose workers cannot see the folder {config.output_folder}")
    return Pipeline(
        pipeline_name=config.name if elsewhere is None else config.name.replace("_", "-"),  # KFP refuses underscores
        pipeline_root=str(config.output_folder / "artifacts"),
        metadata_connection_config=sqlite_metadata_connection_config(str(config.output_folder / "metadata.sqlite")),
        components=[step.with_id(name) for name, step in steps.items()],
        enable_cache=True,
        beam_pipeline_args=config.beam.args,
    )


def _data_steps(config: PipelineConfig, elsewhere: Elsewhere | None) -> dict[str, BaseNode]:
    """From the data to what is learnt from."""
    ingest = _ingest(config, elsewhere)
    examples = ingest.outputs["examples"]
    parts = config.data.parts
    pictures = [name for name, kind in parts.items() if kind == "image"]
    looked_at = [name for name in (*parts, "id", "category", "group") if name not in pictures]
    statistics = StatisticsGen(examples=examples, stats_options=tfdv.StatsOptions(feature_allowlist=looked_at))
    schema = (
        CommittedSchema(text=_read_schema(config.schema_path))
        if config.schema_path
        else InferSchema(statistics=statistics.outputs["statistics"], pictures=json.dumps(pictures))
    )
    anomalies = StrictExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
    transform = Transform(
        examples=examples,
        schema=schema.outputs["schema"],
        preprocessing_fn="components.transform.preprocessing.preprocessing_fn",
        custom_config={"settings": config.transform.model_dump(mode="json"), "parts": parts},
        disable_statistics=True,
        disable_analyzer_cache=True,
    )
    transform.add_upstream_node(anomalies)
    return {
        "ingest": ingest,
        "statistics": statistics,
        "schema": schema,
        "anomalies": anomalies,
        "transform": transform,
    }


def _training(steps: Mapping[str, BaseNode]) -> dict[str, Any]:
    """What both Trainer and Tuner read."""
    outputs = steps["transform"].outputs
    return {
        "examples": outputs["transformed_examples"],
        "transform_graph": outputs["transform_graph"],
        "train_args": trainer_pb2.TrainArgs(splits=["train"]),
        "eval_args": trainer_pb2.EvalArgs(splits=["validation", "test"]),
    }


def _run_steps(config: PipelineConfig, elsewhere: Elsewhere | None) -> dict[str, BaseNode]:
    serving_folder = elsewhere.serving_folder if elsewhere else str(config.serving_folder)
    steps = _data_steps(config, elsewhere)
    examples = steps["ingest"].outputs["examples"]
    train = Trainer(
        run_fn="components.train.run_fn.run_fn",
        custom_config={
            "settings": config.trainer_settings.model_dump_json(),
            "files": files_version(config.trainer_settings.files),  # read by nobody but TFX's cache
        },
        **_training(steps),
    )
    newest = None if elsewhere else newest_version(serving_folder)
    baseline = Baseline(serving_folder=serving_folder, newest=str(newest or ""))
    evaluate = JudgingEvaluator(
        examples=examples,
        model=train.outputs["model"],
        baseline_model=baseline.outputs["model"],
        example_splits=["test"],
        eval_config=eval_config(config.metrics, config.gates, slice_by=_slices(config)),
        gates=_parameter("gates", _in_json(config.gates)) if elsewhere else None,
    )
    baseline.add_upstream_node(train)
    serving_check = ServingCheck(
        model=train.outputs["model"], examples=examples, rows=CHECKED_ROWS, parts=json.dumps(config.data.parts)
    )
    push = AtomicPusher(
        model=train.outputs["model"],
        model_blessing=evaluate.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=serving_folder)
        ),
        run_name=_parameter("run_name", "") if elsewhere else None,
    )
    return {
        **steps,
        "train": train,
        "baseline": baseline,
        "evaluate": evaluate,
        "serving_check": serving_check,
        "push": push,
    }


def _ingest(config: PipelineConfig, elsewhere: Elsewhere | None) -> FileBasedExampleGen:
    if elsewhere is None:
        return example_gen(config.data, rejects_path=str(config.output_folder / REJECTS_FILE))
    ingest = example_gen_elsewhere(config.data, _parameter("data_path", elsewhere.data_path))
    ingest.exec_properties["data_version"] = _parameter("data_version", "")
    return ingest


def _read_schema(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file (schema_path)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read (schema_path): {error}") from None


def _parameter(name: str, default: str) -> RuntimeParameter:
    return RuntimeParameter(name=name, ptype=str, default=default)


def _in_json(gates: Mapping[Metric, Gate]) -> str:
    return json.dumps({metric: gate.model_dump(exclude_none=True) for metric, gate in gates.items()})


def _slices(config: PipelineConfig) -> list[str]:
    """Features by whose values metrics are broken down."""
    labels = [name for name, kind in config.data.parts.items() if kind == "label"]
    return [*labels, *(["category"] if config.data.columns.category else [])]
