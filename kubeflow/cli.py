"""`anchorline kubeflow …`: the same pipeline on Kubeflow Pipelines. Commands import what they need when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli import Config, Overrides

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
