"""`anchorline ask`: questions to the pushed model, through a server as any client would."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.errors import UserError
from components.versions import newest_version
from pipeline.config import PipelineConfig
from pipeline.quiet import waiting
from serving.client import Client, ServingError
from serving.process import ModelServer, ServerStartError

_TIMEOUT = 30.0


def ask(config: PipelineConfig, questions: Sequence[str], top: int, server: str | None, console: Console) -> None:
    """Print the `top` ranked answers to each question.

    Args:
        config: whose model to ask.
        questions: raw texts.
        top: how many answers.
        server: HOST:PORT of a running server; none starts one for as long as it takes.
        console: where to print.

    Raises:
        UserError: nothing was pushed yet, or the server does not answer.
    """
    if not all(question.strip() for question in questions):
        raise UserError("an empty question cannot be asked; give a text")
    if server is None and newest_version(config.serving_folder) is None:
        raise UserError(f"{config.serving_folder}: no version was pushed yet; `anchorline run` makes one")
    try:
        with _connect(config, server, console) as client:
            outputs = client.predict(config.name, {"text": list(questions)}, signature="search", timeout=_TIMEOUT)
    except ServerStartError as error:
        raise UserError(f"the model server did not start: {error}") from error
    except ServingError as error:
        raise UserError(f"the model server did not answer: {error.message}") from error
    for question, ids, candidates, scores in zip(
        questions, outputs["ids"], outputs["candidates"], outputs["scores"], strict=True
    ):
        console.print(f"\n[bold]{escape(question)}[/]")
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for rank, (key, text, score) in enumerate(zip(ids[:top], candidates[:top], scores[:top], strict=True), 1):
            table.add_row(f"{rank}.", f"[cyan]{score:.3f}[/]", escape(text.decode()), f"[dim]{escape(key.decode())}[/]")
        console.print(table)


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
