"""TensorFlow and TF Serving's protos, without TensorFlow's chatter and without Keras: the only place that imports them.

`import tensorflow` ends by importing Keras (1 s of 2.4 s), which no SavedModel needs, and it takes an ImportError there
for an answer; so Keras is hidden while it runs. Its first lines are written by C++ before any log level counts, hence
the redirected file descriptor. Errors of the import itself are raised as ever.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def _hidden(module: str) -> Iterator[None]:
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # the import system's own mark for "not to be had"
    try:
        yield
    finally:
        del sys.modules[module]


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _import_tensorflow() -> ModuleType:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _hidden("keras"), _silent_stderr():
        import tensorflow
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


tf: Any = _import_tensorflow()

from tensorflow.core.example import example_pb2  # noqa: E402
from tensorflow.core.protobuf import config_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)
from tensorflow_serving.config import model_server_config_pb2  # noqa: E402

__all__ = [
    "classification_pb2",
    "config_pb2",
    "example_pb2",
    "get_model_metadata_pb2",
    "get_model_status_pb2",
    "inference_pb2",
    "model_management_pb2",
    "model_pb2",
    "model_server_config_pb2",
    "predict_pb2",
    "regression_pb2",
    "tf",
]
