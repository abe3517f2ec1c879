"""Infers the schema, or takes the one that is committed.

A component of our own and not TFX's SchemaGen, because of pictures: no statistics are made of them, and so no schema
would be inferred for them either, but Transform reads nothing that is not in the schema.
"""

import json
from pathlib import Path

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from components.errors import UserError

FILE = "schema.pbtxt"
_STATISTICS = "FeatureStats.pb"


@component
def InferSchema(  # noqa: N802
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    pictures: Parameter[str],
    schema: OutputArtifact[standard_artifacts.Schema],
) -> None:
    """Infer a schema from the statistics of every split, with fixed shapes; `pictures` are named in a JSON list."""
    inferred = _infer(statistics)
    for name in json.loads(pictures):
        inferred.feature.add(name=name, type=schema_pb2.BYTES)
    _write(schema, text_format.MessageToString(inferred))


@component
def CommittedSchema(text: Parameter[str], schema: OutputArtifact[standard_artifacts.Schema]) -> None:  # noqa: N802
    """Hand on a schema given as text, which unlike the path of a file is known wherever the step runs."""
    try:
        text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise SchemaError(f"the schema (schema_path) is not a Schema in text format: {error}") from None
    _write(schema, text)


class SchemaError(UserError):
    """What is given as a schema is none."""


def _write(schema: types.Artifact, text: str) -> None:
    folder = Path(schema.uri)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(text, encoding="utf-8")


def _infer(statistics: types.Artifact) -> schema_pb2.Schema:
    inferred = None
    for split in artifact_utils.decode_split_names(statistics.split_names):
        file = f"{artifact_utils.get_split_uri([statistics], split)}/{_STATISTICS}"
        found = tfdv.load_stats_binary(file)
        if inferred is None:
            inferred = tfdv.infer_schema(found, infer_feature_shape=True)
        else:
            inferred = tfdv.update_schema(inferred, found, infer_feature_shape=True)
    return inferred
