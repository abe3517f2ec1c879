"""Raw rows through a real model server, by gRPC and by REST, held against the model's own answers."""

import base64
import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.errors import UserError
from components.parts import INPUT_KEY, Modality
from components.signatures import signature_inputs
from serving.client import Client
from serving.client import ServingError as AnswerError
from serving.process import ModelServer, ServerStartError

NAME = "candidate"
TIMEOUT = 60.0
TOLERANCE = 1e-4

Arrays = dict[str, np.ndarray]


class ServingError(UserError):
    """The exported model does not serve as it should; the text says which signature and how."""


def check_serving(model: str | Path, samples: Mapping[Modality, Sequence[bytes]]) -> list[str]:
    """Serve a SavedModel and ask every signature that takes raw texts or pictures.

    Args:
        model: folder of a SavedModel.
        samples: raw inputs: texts, and encoded pictures where the model reads any.

    Returns:
        Names of the signatures that were asked.

    Raises:
        ServingError: the server does not come up or answers with an error, or an answer is not finite or differs from
            the model's own.
    """
    loaded = tf.saved_model.load(str(model))
    signatures = signature_inputs(model)
    with tempfile.TemporaryDirectory() as base:
        shutil.copytree(model, Path(base) / "1")
        try:
            with ModelServer({NAME: base}) as server:
                for signature, modality in signatures.items():
                    rows = list(samples[modality])
                    own = {key: value.numpy() for key, value in loaded.signatures[signature](tf.constant(rows)).items()}
                    _compare(signature, "gRPC", _by_grpc(server.grpc_port, signature, modality, rows), own)
                    _compare(signature, "REST", _by_rest(server.rest_port, signature, modality, rows), own)
        except ServerStartError as error:
            raise ServingError(f"the model server does not serve the exported model: {error}") from error
    return list(signatures)


def _by_grpc(port: int, signature: str, modality: Modality, rows: list[bytes]) -> Arrays:
    try:
        with Client("127.0.0.1", port) as client:
            return client.predict(NAME, {INPUT_KEY[modality]: rows}, signature=signature, timeout=TIMEOUT)
    except AnswerError as error:
        raise _refused(signature, "gRPC", error.message) from error


def _by_rest(port: int, signature: str, modality: Modality, rows: list[bytes]) -> Arrays:
    values = [row.decode() if modality == "text" else {"b64": base64.b64encode(row).decode()} for row in rows]
    body = json.dumps({"signature_name": signature, "inputs": {INPUT_KEY[modality]: values}}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/models/{NAME}:predict", body)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            outputs: Any = json.load(response)["outputs"]
    except urllib.error.HTTPError as error:
        raise _refused(signature, "REST", json.load(error)["error"]) from error
    if not isinstance(outputs, dict):
        return {"": np.asarray(outputs)}
    return {key: np.asarray(value) for key, value in outputs.items()}


def _refused(signature: str, protocol: str, message: str) -> ServingError:
    return ServingError(f"{signature} over {protocol} is answered by an error: {message.splitlines()[0]}")


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
