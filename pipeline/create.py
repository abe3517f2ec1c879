"""One configuration in, one TFX pipeline out: the order of the steps, and nothing of what they compute."""

import json

import tensorflow_data_validation as tfdv
from tfx.components import StatisticsGen, Trainer, Transform
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2

from components.anomalies.component import StrictExampleValidator
from components.baseline.component import Baseline
from components.evaluate.component import JudgingEvaluator
from components.evaluate.config import eval_config
from components.ingest.component import example_gen
from components.ingest.summary import REJECTS_FILE
from components.push.component import AtomicPusher
from components.schema.component import InferSchema
from components.serving_check.component import ServingCheck
from components.versions import newest_version
from pipeline.config import PipelineConfig

BEAM_ARGS = [
    # Beam's default runner tries to download the Prism binary; this one runs in the process.
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    # Without a word on dependencies TFX builds a source package of itself for workers elsewhere, in every Beam step.
    "--sdk_container_image=none",
]

CHECKED_ROWS = 20


def create_pipeline(config: PipelineConfig) -> Pipeline:
    """The pipeline of one configuration; what it leaves behind lies under `config.output_folder`."""
    steps = _steps(config)
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.output_folder / "artifacts"),
        metadata_connection_config=sqlite_metadata_connection_config(str(config.output_folder / "metadata.sqlite")),
        components=[step.with_id(name) for name, step in steps.items()],
        enable_cache=True,
        beam_pipeline_args=BEAM_ARGS,
    )


def _steps(config: PipelineConfig) -> dict[str, BaseNode]:
    ingest = example_gen(config.data, rejects_path=str(config.output_folder / REJECTS_FILE))
    examples = ingest.outputs["examples"]
    parts = config.data.parts
    pictures = [name for name, kind in parts.items() if kind == "image"]
    looked_at = [name for name in (*parts, "id", "category", "group") if name not in pictures]
    statistics = StatisticsGen(examples=examples, stats_options=tfdv.StatsOptions(feature_allowlist=looked_at))
    schema = (
        ImportSchemaGen(schema_file=config.schema_path)
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
    train = Trainer(
        run_fn="components.train.run_fn.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["validation", "test"]),
        custom_config={"settings": config.trainer_settings.model_dump_json()},
    )
    baseline = Baseline(
        serving_folder=str(config.serving_folder), newest=str(newest_version(config.serving_folder) or "")
    )
    evaluate = JudgingEvaluator(
        examples=examples,
        model=train.outputs["model"],
        baseline_model=baseline.outputs["model"],
        example_splits=["test"],
        eval_config=eval_config(config.metrics, config.gates, slice_by=_slices(config)),
    )
    baseline.add_upstream_node(train)
    serving_check = ServingCheck(
        model=train.outputs["model"], examples=examples, rows=CHECKED_ROWS, parts=json.dumps(parts)
    )
    push = AtomicPusher(
        model=train.outputs["model"],
        model_blessing=evaluate.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(config.serving_folder))
        ),
    )
    return {
        "ingest": ingest,
        "statistics": statistics,
        "schema": schema,
        "anomalies": anomalies,
        "transform": transform,
        "train": train,
        "baseline": baseline,
        "evaluate": evaluate,
        "serving_check": serving_check,
        "push": push,
    }


def _slices(config: PipelineConfig) -> list[str]:
    """Features by whose values metrics are broken down."""
    labels = [name for name, kind in config.data.parts.items() if kind == "label"]
    return [*labels, *(["category"] if config.data.columns.category else [])]
