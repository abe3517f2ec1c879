"""How settings reach the executor: through TFX's custom_config, which also makes them part of the cache key."""

from google.protobuf import wrappers_pb2
from pydantic import BaseModel, ConfigDict, TypeAdapter
from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

from components.ingest.settings import DataSettings, Format, LabelData, PairData


class Job(BaseModel):
    """All that an ingest executor is told.

    `format` is what `settings.format` came to and `pattern` names the files below TFX's input base. `fingerprint` makes
    the cache notice what TFX's driver does not look at: names of files, and pictures that tables name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: PairData | LabelData
    format: Format
    pattern: str
    rejects_path: str | None
    fingerprint: str


def pack(message: Job | DataSettings) -> example_gen_pb2.CustomConfig:
    """Wraps a job, or the settings of one that is not settled yet, in TFX's message."""
    config = example_gen_pb2.CustomConfig()
    config.custom_config.Pack(wrappers_pb2.StringValue(value=message.model_dump_json()))
    return config


def unpack(custom_config: str) -> Job:
    """Reads a job from the execution property `custom_config`, which is the message as JSON."""
    return Job.model_validate_json(_text(custom_config))


def unpack_settings(custom_config: str) -> PairData | LabelData:
    """Reads settings that stand in the place of a job."""
    return TypeAdapter[PairData | LabelData](PairData | LabelData).validate_json(_text(custom_config))


def _text(custom_config: str) -> str:
    config = proto_utils.json_to_proto(custom_config, example_gen_pb2.CustomConfig())
    text = wrappers_pb2.StringValue()
    config.custom_config.Unpack(text)
    return text.value
