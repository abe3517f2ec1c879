"""The same steps as `anchorline run` put together as TFX's own templates do, and run by TFX's LocalDagRunner.

It is run by `pipeline` in a process of its own; everything but the model is TFX's standard component with its defaults
(see there for what that means). No serving check: TFX's needs docker.
"""

import argparse
from pathlib import Path
from typing import get_args

from tfx import v1 as tfx

from components.evaluate.config import eval_config
from components.evaluate.settings import Gate, MatchMetric
from components.ingest.settings import Splits

BEAM_ARGS = ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"]
"""As Anchorline's. Beam's own default would download another runner."""


def plain_pipeline(data: Path, output: Path, encoder: str, steps: int, validation_steps: int) -> tfx.dsl.Pipeline:
    """The plain pipeline.

    Args:
        data: folder with one CSV file.
        output: folder for all it leaves behind; `metadata.sqlite` in it is the metadata store.
        encoder: type of the encoder.
        steps: steps of the optimiser.
        validation_steps: batches of the validation split that are scored at the end of training.
    """
    split = tfx.proto.SplitConfig.Split
    ingest = tfx.components.CsvExampleGen(
        input_base=str(data),
        output_config=tfx.proto.Output(
            split_config=tfx.proto.SplitConfig(
                splits=[split(name=name, hash_buckets=share) for name, share in Splits().shares.items()],
                partition_feature_name="answer",
            )
        ),
    )
    statistics = tfx.components.StatisticsGen(examples=ingest.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
    anomalies = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    transform = tfx.components.Transform(
        examples=ingest.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn="benchmarks.plain_train.preprocessing_fn",
        disable_statistics=True,
    )
    train = tfx.components.Trainer(
        run_fn="benchmarks.plain_train.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        train_args=tfx.proto.TrainArgs(splits=["train"], num_steps=steps),
        eval_args=tfx.proto.EvalArgs(splits=["validation", "test"], num_steps=validation_steps),
        custom_config={"encoder": encoder},
    )
    evaluate = tfx.components.Evaluator(
        examples=ingest.outputs["examples"],
        model=train.outputs["model"],
        example_splits=["test"],
        eval_config=eval_config(get_args(MatchMetric), {"mrr": Gate(min=0)}, slice_by=["category"]),
    )
    push = tfx.components.Pusher(
        model=train.outputs["model"],
        model_blessing=evaluate.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(output / "serving"))
        ),
    )
    return tfx.dsl.Pipeline(
        pipeline_name="plain",
        pipeline_root=str(output / "artifacts"),
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(output / "metadata.sqlite")
        ),
        components=[ingest, statistics, schema, anomalies, transform, train, evaluate, push],
        beam_pipeline_args=BEAM_ARGS,
    )


def main() -> None:
    """Run it; the arguments are those of `plain_pipeline`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("encoder")
    parser.add_argument("steps", type=int)
    parser.add_argument("validation_steps", type=int)
    tfx.orchestration.LocalDagRunner().run(plain_pipeline(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
