"""TFX's ExampleValidator, made to stop the run and to say why."""

from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator import executor
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils

from components.errors import UserError


class AnomalyError(UserError):
    """The data does not fit its schema; the text lists how."""


class Executor(executor.Executor):
    """Validates every split and raises where anything is wrong."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> execution_result_pb2.ExecutorOutput:
        """Validate, then list every anomaly of every split.

        Raises:
            AnomalyError: one line for each anomaly.
        """
        output = super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict[specs.ANOMALIES_KEY])
        lines = [
            line
            for split in artifact_utils.decode_split_names(artifact.split_names)
            for line in _lines(split, _read(artifact_utils.get_split_uri([artifact], split)))
        ]
        if lines:
            count = "1 anomaly" if len(lines) == 1 else f"{len(lines)} anomalies"
            raise AnomalyError("\n".join([f"the data has {count}:", *lines]))
        return output


def _read(folder: str) -> anomalies_pb2.Anomalies:
    content = io_utils.read_bytes_file(f"{folder}/{executor.DEFAULT_FILE_NAME}")
    return anomalies_pb2.Anomalies.FromString(content)


def _lines(split: str, anomalies: anomalies_pb2.Anomalies) -> list[str]:
    named = [(name, info) for name, info in sorted(anomalies.anomaly_info.items())]
    if anomalies.HasField("dataset_anomaly_info"):
        named.append(("the whole split", anomalies.dataset_anomaly_info))
    return [f"  {split}, {name}: {info.description}" for name, info in named]
