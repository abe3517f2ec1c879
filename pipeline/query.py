"""Raw inputs to the pushed model, through a server as any client would."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from grpc import StatusCode
from rich.console import Console

from components.errors import UserError
from components.parts import INPUT_KEY, Modality
from components.versions import newest_version
from pipeline.config import PipelineConfig
from pipeline.quiet import waiting
from serving.client import Client, ServingError
from serving.process import ModelServer, ServerStartError

_TIMEOUT = 30.0


def query(
    config: PipelineConfig, signature: str, arguments: Sequence[str], *, server: str | None, console: Console
) -> dict[str, np.ndarray]:
    """Outputs of one signature for what the command line was given.

    Args:
        config: whose model to ask.
        signature: of the model; it reads what the first part of a row is.
        arguments: texts, or paths where that is a picture, one a row.
        server: HOST:PORT of a running server; none starts one for as long as it takes.
        console: for a spinner.

    Raises:
        UserError: an input cannot be read, nothing was pushed yet, or the server does not answer.
    """
    modality = next(iter(config.data.inputs.values()))
    rows = [_raw(modality, argument) for argument in arguments]
    if server is None and newest_version(config.serving_folder) is None:
        raise UserError(f"{config.serving_folder}: no version was pushed yet; `anchorline run` makes one")
    try:
        with _connect(config, server, console) as client:
            return client.predict(config.name, {INPUT_KEY[modality]: rows}, signature=signature, timeout=_TIMEOUT)
    except ServerStartError as error:
        raise UserError(f"the model server did not start: {error}") from error
    except ServingError as error:
        reason = error.message.partition("\n")[0]  # below it TensorFlow names nodes of the graph
        if error.code == StatusCode.INVALID_ARGUMENT:
            reason = reason.removeprefix("assertion failed: ").strip("[]")
            raise UserError(f"the model refused {', '.join(arguments)}: {reason}") from error
        raise UserError(f"the model server did not answer: {reason}") from error


def _raw(modality: Modality, argument: str) -> bytes:
    if modality == "text":
        if not argument.strip():
            raise UserError("an empty text cannot be asked about; give a text")
        return argument.encode(errors="surrogateescape")
    try:
        return Path(argument).read_bytes()
    except OSError as error:
        raise UserError(f"{argument}: cannot be read: {error.strerror}; give the path of a picture") from error


@contextmanager
def _connect(config: PipelineConfig, server: str | None, console: Console) -> Iterator[Client]:
    with ExitStack() as stack:
        if server is None:
            with waiting(console, "starting the model server"):
                started = stack.enter_context(ModelServer({config.name: str(config.serving_folder)}))
            server = f"127.0.0.1:{started.grpc_port}"
        host, _, port = server.rpartition(":")
        if not host or not port.isdecimal():
            raise UserError(f"--server {server}: must look like HOST:PORT")
        yield stack.enter_context(Client(host, int(port)))
