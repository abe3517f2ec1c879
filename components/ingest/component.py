"""The TFX component of ingest."""

import os
from pathlib import Path
from typing import Any

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import example_gen_pb2
from tfx.types.standard_component_specs import CUSTOM_CONFIG_KEY, INPUT_BASE_KEY, INPUT_CONFIG_KEY

from components.ingest.check import check_source
from components.ingest.executor import Executor
from components.ingest.job import Job, pack, unpack_settings
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
    return _component(settings, source.base, source.pattern_for_tfx, pack(job))


def example_gen_elsewhere(settings: PairData | LabelData, path: RuntimeParameter) -> FileBasedExampleGen:
    """Makes the same component for a step that runs where the data is, which is not here.

    Args:
        settings: what to read; `path` stands in for theirs.
        path: of the data, where the step runs.
    """
    return _component(settings, path, "*", pack(settings))


def settle(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Execution properties of `example_gen_elsewhere`, made into those of `example_gen` where the data is.

    Raises:
        DataError: the data is not there or cannot be used; see `check.check_source`.
    """
    settings = _moved(unpack_settings(exec_properties[CUSTOM_CONFIG_KEY]), exec_properties[INPUT_BASE_KEY])
    check_source(settings)
    here = example_gen(settings, rejects_path=None)
    keys = (CUSTOM_CONFIG_KEY, INPUT_BASE_KEY, INPUT_CONFIG_KEY)
    return exec_properties | {key: here.exec_properties[key] for key in keys}


def _moved(settings: PairData | LabelData, path: str) -> PairData | LabelData:
    """Settings for data that lies at another path; the folder of pictures keeps its place beside the table."""
    changes: dict[str, str] = {"path": path}
    if settings.image_folder is not None and path != settings.path:
        place = os.path.relpath(settings.image_folder, Path(settings.path).parent)
        changes["image_folder"] = os.path.normpath(Path(path).parent / place)
    return settings.model_copy(update=changes)


def _component(
    settings: PairData | LabelData,
    base: str | RuntimeParameter,
    pattern: str,
    custom_config: example_gen_pb2.CustomConfig,
) -> FileBasedExampleGen:
    split = example_gen_pb2.SplitConfig.Split
    return FileBasedExampleGen(
        input_base=base,
        input_config=example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern=pattern)]),
        output_config=example_gen_pb2.Output(
            split_config=example_gen_pb2.SplitConfig(
                splits=[split(name=name, hash_buckets=share) for name, share in settings.splits.shares.items()],
                partition_feature_name="group",
            )
        ),
        custom_config=custom_config,
        custom_executor_spec=BeamExecutorSpec(Executor),
    )
