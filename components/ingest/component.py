"""The TFX component of ingest."""

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.proto import example_gen_pb2

from components.ingest.executor import Executor
from components.ingest.job import Job, pack
from components.ingest.settings import LabelData, PairData
from components.ingest.source import locate
from components.ingest.units import fingerprint, units_of


def example_gen(settings: PairData | LabelData, *, rejects_path: str | None) -> FileBasedExampleGen:
    """Makes the component that reads `settings.path` into the splits train, validation and test.

    Its examples have the bytes features `settings.parts` (question and answer; or text or image, and label), id,
    category and group, one value each; a picture's value is its encoded bytes. Beside the splits lie `ingest.json`
    (`summary.Summary`) and `rejected.csv`.

    Args:
        settings: what to read.
        rejects_path: where to write the list of rows set aside, too, because TFX may delete the output of a step that
            failed. It is part of the cache key, so it must be the same in every run.

    Raises:
        DataError: `settings.path` cannot be resolved; see `source.locate`.
    """
    source = locate(settings)
    job = Job(
        settings=settings,
        format=source.format,
        pattern=source.pattern,
        rejects_path=rejects_path,
        fingerprint=fingerprint(units_of(source.files, source.format), settings),
    )
    split = example_gen_pb2.SplitConfig.Split
    return FileBasedExampleGen(
        input_base=source.base,
        input_config=example_gen_pb2.Input(
            splits=[example_gen_pb2.Input.Split(name="all", pattern=source.pattern_for_tfx)],
        ),
        output_config=example_gen_pb2.Output(
            split_config=example_gen_pb2.SplitConfig(
                splits=[split(name=name, hash_buckets=share) for name, share in settings.splits.shares.items()],
                partition_feature_name="group",
            )
        ),
        custom_config=pack(job),
        custom_executor_spec=BeamExecutorSpec(Executor),
    )
