"""`anchorline kubeflow …`: the same pipeline on Kubeflow Pipelines. Commands import what they need when called."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from components.errors import UserError
from pipeline.cli import NOT_PUSHED, Config, Overrides

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
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", metavar="NAME=VALUE", help="Set a parameter of the run.")
    ] = None,
    containers: Annotated[
        bool, typer.Option(help="Run each step in its container; without, as a process of this machine.")
    ] = True,
) -> None:
    """Run the compiled spec here, step by step, each by the command that its container would run."""
    from kubeflow.run_local import run_local
    from pipeline.config import load_config

    given = shlex.join([str(config), *(part for override in overrides or () for part in ("--set", override))])
    loaded, values = load_config(config, overrides or ()), dict(map(_parameter, parameters or ()))
    facts = run_local(loaded, given, Console(highlight=False), values, containers=containers)
    if not (facts.pushed or facts.unchanged):
        raise typer.Exit(NOT_PUSHED)


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UserError(f"--parameter {text}: must look like NAME=VALUE")
    return name, value
