"""`anchorline kubeflow …`: the same pipeline on Kubeflow Pipelines. Commands import what they need when called."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from components.errors import UserError
from pipeline.cli import NOT_PUSHED, Config, Overrides

LOOK_AT_RUN = 5.0
"""Seconds between looks at a run that is waited for."""

Parameters = Annotated[
    list[str] | None, typer.Option("--parameter", metavar="NAME=VALUE", help="Set a parameter of the run.")
]
Host = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="KF_PIPELINES_ENDPOINT",
        help="Of Kubeflow Pipelines; by default that of this pod's cluster or of the kubeconfig.",
    ),
]
Namespace = Annotated[
    str | None, typer.Option(metavar="NAME", help="Yours, on a server with a namespace for each user.")
]
CaFile = Annotated[
    Path | None, typer.Option("--ca-file", metavar="FILE", help="Certificates that the server's is signed by.")
]

app = typer.Typer(no_args_is_help=True, help="The same pipeline on Kubeflow Pipelines v2.")


@app.command("compile")
def compile_pipeline(
    config: Config,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it: a name that ends in .yaml.")
    ] = Path("pipeline.yaml"),
    overrides: Overrides = None,
) -> None:
    """Write the pipeline as a KFP v2 pipeline spec, which the KFP client and its web page take."""
    from kubeflow.compile import write_spec
    from pipeline.config import load_config

    write_spec(load_config(config, overrides or ()), output, Console(highlight=False))


@app.command("run-local")
def run_local(
    config: Config,
    overrides: Overrides = None,
    parameters: Parameters = None,
    containers: Annotated[
        bool, typer.Option(help="Run each step in its container; without, as a process of this machine.")
    ] = True,
) -> None:
    """Run the compiled spec here, step by step, each by the command that its container would run."""
    from kubeflow.run_local import run_local
    from pipeline.config import load_config, override_arguments

    given = shlex.join([str(config), *override_arguments(overrides or ())])
    loaded, values = load_config(config, overrides or ()), dict(map(_parameter, parameters or ()))
    facts = run_local(loaded, given, Console(highlight=False), values, containers=containers)
    if not (facts.pushed or facts.unchanged):
        raise typer.Exit(NOT_PUSHED)


@app.command()
def submit(
    config: Config,
    *,
    overrides: Overrides = None,
    parameters: Parameters = None,
    host: Host = None,
    namespace: Namespace = None,
    ca_file: CaFile = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until the run is over; exit code 1 where it failed.")] = False,
) -> None:
    """Start one run on a server of Kubeflow Pipelines."""
    from kubeflow.client import submit as submit_run
    from kubeflow.connection import Server
    from pipeline.config import load_config

    server, values = Server(host=host, namespace=namespace, ca_file=ca_file), dict(map(_parameter, parameters or ()))
    loaded, console = load_config(config, overrides or ()), Console(highlight=False)
    if not submit_run(loaded, server, values, console, wait=LOOK_AT_RUN if wait else None):
        raise typer.Exit(1)


@app.command()
def schedule(
    config: Config,
    cron: Annotated[str, typer.Option(metavar="EXPRESSION", help="When, as in '0 3 * * *', by the server's clock.")],
    *,
    overrides: Overrides = None,
    parameters: Parameters = None,
    host: Host = None,
    namespace: Namespace = None,
    ca_file: CaFile = None,
) -> None:
    """Let a server of Kubeflow Pipelines run the pipeline by the clock, in place of any schedule that it had."""
    from kubeflow.client import schedule as schedule_runs
    from kubeflow.connection import Server
    from pipeline.config import load_config

    server, values = Server(host=host, namespace=namespace, ca_file=ca_file), dict(map(_parameter, parameters or ()))
    schedule_runs(load_config(config, overrides or ()), server, cron, values, Console(highlight=False))


@app.command()
def unschedule(
    config: Config,
    *,
    overrides: Overrides = None,
    host: Host = None,
    namespace: Namespace = None,
    ca_file: CaFile = None,
) -> None:
    """Take the pipeline's schedule away from a server of Kubeflow Pipelines."""
    from kubeflow.client import unschedule as take_away
    from kubeflow.connection import Server
    from pipeline.config import load_config

    server = Server(host=host, namespace=namespace, ca_file=ca_file)
    take_away(load_config(config, overrides or ()), server, Console(highlight=False))


@app.command()
def status(
    config: Config,
    *,
    overrides: Overrides = None,
    host: Host = None,
    namespace: Namespace = None,
    ca_file: CaFile = None,
) -> None:
    """Show the pipeline's schedule and last runs on a server of Kubeflow Pipelines."""
    from kubeflow.client import status as show_status
    from kubeflow.connection import Server
    from pipeline.config import load_config

    server = Server(host=host, namespace=namespace, ca_file=ca_file)
    show_status(load_config(config, overrides or ()), server, Console(highlight=False))


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UserError(f"--parameter {text}: must look like NAME=VALUE")
    return name, value
