"""Raw rows through a real model server, by gRPC and by REST, held against the model's own answers."""

import json
import shutil
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.errors import UserError
from serving.client import Client
from serving.process import ModelServer, ServerStartError

NAME = "candidate"
TIMEOUT = 60.0
TOLERANCE = 1e-4

Arrays = dict[str, np.ndarray]


class ServingError(UserError):
    """The exported model does not serve as it should; the text says which signature and how."""


def check_serving(model: str | Path, texts: Sequence[str]) -> list[str]:
    """Serve a SavedModel and ask every signature that takes raw text.

    Args:
        model: folder of a SavedModel.
        texts: raw inputs.

    Returns:
        Names of the signatures that were asked.

    Raises:
        ServingError: the server does not come up, or an answer is not finite, differs between gRPC and REST, or from
            the model's own.
    """
    loaded = tf.saved_model.load(str(model))
    signatures = sorted(
        name for name, function in loaded.signatures.items() if list(function.structured_input_signature[1]) == ["text"]
    )
    with tempfile.TemporaryDirectory() as base:
        shutil.copytree(model, Path(base) / "1")
        try:
            with ModelServer({NAME: base}) as server:
                for signature in signatures:
                    own = {
                        key: value.numpy() for key, value in loaded.signatures[signature](tf.constant(texts)).items()
                    }
                    _compare(signature, "gRPC", _by_grpc(server.grpc_port, signature, texts), own)
                    _compare(signature, "REST", _by_rest(server.rest_port, signature, texts), own)
        except ServerStartError as error:
            raise ServingError(f"the model server does not serve the exported model: {error}") from error
    return signatures


def _by_grpc(port: int, signature: str, texts: Sequence[str]) -> Arrays:
    with Client("127.0.0.1", port) as client:
        return client.predict(NAME, {"text": list(texts)}, signature=signature, timeout=TIMEOUT)


def _by_rest(port: int, signature: str, texts: Sequence[str]) -> Arrays:
    body = json.dumps({"signature_name": signature, "inputs": {"text": list(texts)}}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/models/{NAME}:predict", body)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
        outputs: Any = json.load(response)["outputs"]
    if not isinstance(outputs, dict):
        return {"": np.asarray(outputs)}
    return {key: np.asarray(value) for key, value in outputs.items()}


def _compare(signature: str, protocol: str, served: Arrays, own: Arrays) -> None:
    if list(served) == [""] and len(own) == 1:  # REST does not name a single output
        served = {next(iter(own)): served[""]}
    if served.keys() != own.keys():
        raise ServingError(f"signature {signature} over {protocol} returns {sorted(served)}, the model {sorted(own)}")
    for key, wanted in own.items():
        got = served[key]
        if got.shape != wanted.shape:
            raise ServingError(
                f"{signature}.{key} over {protocol} has shape {got.shape}, the model's is {wanted.shape}"
            )
        if np.issubdtype(wanted.dtype, np.floating):
            if not np.isfinite(got).all():
                raise ServingError(f"{signature}.{key} over {protocol} is not finite")
            distance = float(np.max(np.abs(got - wanted), initial=0.0))
            if distance > TOLERANCE:
                raise ServingError(f"{signature}.{key} over {protocol} is {distance:.2g} away from the model's own")
