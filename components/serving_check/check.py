"""Raw rows through a real model server, by gRPC and by REST, held against the model's own answers."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.errors import UserError
from components.parts import INPUT_KEY, Modality
from components.signatures import signature_inputs
from serving.client import Client, Protocol
from serving.client import ServingError as AnswerError
from serving.process import ModelServer, ServerStartError
from serving.programs import find_binary
from serving.server.text_ops import with_text_ops

NAME = "candidate"
PROTOCOLS: dict[Protocol, str] = {"grpc": "gRPC", "rest": "REST"}
TIMEOUT = 60.0
TOLERANCE = 1e-4

Arrays = dict[str, np.ndarray]


class ServingError(UserError):
    """The exported model does not serve as it should; the text says which signature and how."""


def check_serving(model: str | Path, samples: Mapping[Modality, Sequence[bytes]]) -> list[str]:
    """Serve a SavedModel and ask every signature that takes raw texts or pictures.

    TF Serving's binary serves it where it is on PATH, else our own server.

    Args:
        model: folder of a SavedModel.
        samples: raw inputs: texts, and encoded pictures where the model reads any.

    Returns:
        Names of the signatures that were asked.

    Raises:
        ServingError: the server does not come up or answers with an error, or an answer is not finite or differs from
            the model's own.
    """
    loaded = with_text_ops(lambda: tf.saved_model.load(str(model)))
    signatures = signature_inputs(model)
    with tempfile.TemporaryDirectory() as base:
        shutil.copytree(model, Path(base) / "1")
        try:
            with ModelServer({NAME: base}, binary=find_binary()) as server:
                for signature, modality in signatures.items():
                    rows = list(samples[modality])
                    own = {key: value.numpy() for key, value in loaded.signatures[signature](tf.constant(rows)).items()}
                    for protocol, name in PROTOCOLS.items():
                        _compare(signature, name, _ask(protocol, server, signature, modality, rows), own)
        except ServerStartError as error:
            raise ServingError(f"the model server does not serve the exported model: {error}") from error
    return list(signatures)


def _ask(protocol: Protocol, server: ModelServer, signature: str, modality: Modality, rows: list[bytes]) -> Arrays:
    port = server.grpc_port if protocol == "grpc" else server.rest_port
    try:
        with Client(server.host, port, protocol=protocol) as client:
            return client.predict(NAME, {INPUT_KEY[modality]: rows}, signature=signature, timeout=TIMEOUT)
    except AnswerError as error:
        reason = error.message.partition("\n")[0]  # below it TensorFlow names nodes of the graph
        raise ServingError(f"{signature} over {PROTOCOLS[protocol]} is answered by an error: {reason}") from error


def _compare(signature: str, protocol: str, served: Arrays, own: Arrays) -> None:
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
