"""Examples of a classify or regress request and their results as JSON, by TF Serving's rules (util/json_tensor.cc).

{"context": {feature: value}, "examples": [{feature: value or list}, …]}
    → {"results": [[[label, score], …], …]}    classify
    → {"results": [value, …]}                  regress
"""

from typing import Any

import numpy as np
import orjson

from serving.server.errors import invalid
from serving.server.examples import Result, Values, strings
from serving.server.json_parse import as_bytes
from serving.server.json_strict import debug_text, decode_base64, is_base64, type_text
from serving.server.json_tensor import jsonable
from serving.server.silent_tensorflow import example_pb2

_MAX_INT64 = 2**63 - 1


def read(document: dict[str, Any]) -> np.ndarray:
    """The serialised tf.Examples of a request: object[N] of bytes. Raises StatusError (INVALID_ARGUMENT)."""
    context = _serialized(document["context"]) if "context" in document else b""
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {debug_text(document)} When method is classify, key 'examples' is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(f"JSON Value: {debug_text(document)} Expecting 'examples' value to be an list/array")
    if not examples:
        raise invalid(f"JSON Value: {debug_text(document)} 'examples' value is an empty array")
    return strings(context + _serialized(example) for example in examples)


def _serialized(value: Any) -> bytes:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_text(value)}")
    example = example_pb2.Example()
    for name, content in value.items():
        try:
            feature = example.features.feature[name]
        except UnicodeEncodeError as error:
            raise invalid(f"Feature: {debug_text(name)} has a name that is not UTF-8") from error
        _fill(feature, name, content if isinstance(content, list) else [content])
    return example.SerializeToString()


def _fill(feature: Any, name: str, values: list[Any]) -> None:
    """Put JSON values, which must be of one kind, into an empty tf.train.Feature."""
    if not values:
        return
    kind = _kind(values[0], name)
    converted = []
    for value in values:
        if _kind(value, name) != kind:
            raise invalid(f"Unexpected element type in feature: {name} expecting type: {kind}")
        converted.append(_converted(value, name))
    getattr(feature, f"{kind}_list").value.extend(converted)


def _kind(value: Any, name: str) -> str:
    if isinstance(value, str) or is_base64(value):
        return "bytes"
    if isinstance(value, int):  # true and false, too
        return "int64"
    if isinstance(value, float):
        return "float"
    raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_text(value)}")


def _converted(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return as_bytes(value)
    if isinstance(value, dict):
        decoded = decode_base64(value)
        if decoded is None:
            raise invalid("Unable to base64 decode")
        return decoded
    if isinstance(value, int) and value > _MAX_INT64:
        raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
    return int(value) if isinstance(value, bool) else value


def write(result: Result) -> bytes:
    """The response body."""
    if isinstance(result, Values):
        results = jsonable("", result.values)
    else:
        rows = zip(jsonable("", result.labels), jsonable("", result.scores), strict=True)
        results = [list(zip(*row, strict=True)) for row in rows]
    return orjson.dumps({"results": results}, option=orjson.OPT_SERIALIZE_NUMPY)
