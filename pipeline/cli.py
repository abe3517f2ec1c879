"""The command line. Commands import what they need when they are called, so that `--help` is quick."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from components.errors import UserError

NOT_PUSHED = 3
"""Exit code of a run that did its work and pushed nothing, because a gate or the serving check said no."""

COMMANDS = "anchorline.commands"
"""Entry-point group by which packages add commands."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train encoders with customised losses in TFX pipelines and serve them behind TF Serving.",
)

Config = Annotated[Path, typer.Argument(help="The pipeline's YAML file.", show_default=False)]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key, as in train.epochs=3.")
]

Inputs = Annotated[list[str], typer.Argument(help="Texts, or paths of pictures.", show_default=False)]
Top = Annotated[int, typer.Option(help="How many to show.", min=1)]
Server = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="gRPC address of a running server; else one is started.")
]


@app.command()
def run(
    config: Config,
    overrides: Overrides = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what TensorFlow, Beam and TFX log.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write what came of it there, as JSON.")
    ] = None,
) -> None:
    """Run the pipeline once: from data to a judged, checked and pushed model."""
    from pipeline.config import load_config, override_arguments
    from pipeline.outcome import outcome_to
    from pipeline.run import run as run_pipeline

    given = shlex.join([str(config), *override_arguments(overrides or ())])
    with outcome_to(json_file) as hand_over:
        facts = run_pipeline(load_config(config, overrides or ()), given, Console(highlight=False), verbose=verbose)
        hand_over(facts)
    if not (facts.pushed or facts.unchanged):
        raise typer.Exit(NOT_PUSHED)


@app.command()
def ask(
    config: Config,
    questions: Inputs,
    overrides: Overrides = None,
    top: Top = 3,
    server: Server = None,
) -> None:
    """Ask the pushed model of a `match` pipeline and show its ranked answers."""
    from pipeline.ask import ask as ask_model
    from pipeline.config import load_config

    ask_model(load_config(config, overrides or ()), questions, top, server, Console(highlight=False))


@app.command()
def classify(config: Config, inputs: Inputs, overrides: Overrides = None, top: Top = 3, server: Server = None) -> None:
    """Show the most probable labels of texts or pictures."""
    from pipeline.ask import classify as classify_inputs
    from pipeline.config import load_config

    classify_inputs(load_config(config, overrides or ()), inputs, top, server, Console(highlight=False))


@app.command()
def similar(config: Config, inputs: Inputs, overrides: Overrides = None, top: Top = 5, server: Server = None) -> None:
    """Show the most similar training rows of texts or pictures, and the label of most of them."""
    from pipeline.ask import similar as show_similar
    from pipeline.config import load_config

    show_similar(load_config(config, overrides or ()), inputs, top, server, Console(highlight=False))


@app.command()
def serve(
    configs: Annotated[list[Path], typer.Argument(help="Pipelines whose models to serve.", show_default=False)],
    *,
    overrides: Overrides = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int, typer.Option(help="gRPC port.", min=1, max=65535)] = 8500,
    rest_port: Annotated[int, typer.Option(help="REST port.", min=1, max=65535)] = 8501,
    binary: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="tensorflow_model_server to run, or `own`; by default the one on PATH, else our own server.",
        ),
    ] = None,
    canary: Annotated[
        int | None, typer.Option(metavar="VERSION", help="Serve it beside the stable one, under the label canary.")
    ] = None,
    stable: Annotated[
        int | None,
        typer.Option(metavar="VERSION", help="Serve it under the label stable; by default the newest other."),
    ] = None,
) -> None:
    """Serve pushed models by gRPC and REST, with a page to try them; new versions are taken up as they are pushed."""
    from pipeline.config import load_config
    from pipeline.serve import ServeOptions
    from pipeline.serve import serve as serve_models

    loaded = [load_config(config, overrides or ()) for config in configs]
    options = ServeOptions(host=host, port=port, rest_port=rest_port, binary=binary, canary=canary, stable=stable)
    serve_models(loaded, options, Console(highlight=False))


@app.command()
def runs(config: Config, overrides: Overrides = None) -> None:
    """List past runs and rollbacks with their figures and outcomes, newest first."""
    from pipeline.config import load_config
    from pipeline.runs import show_runs

    show_runs(load_config(config, overrides or ()), Console(highlight=False))


@app.command()
def rollback(
    config: Config,
    version: Annotated[
        int | None, typer.Argument(help="By default the one before what is in production.", show_default=False)
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Make an earlier pushed version the newest one again."""
    from pipeline.config import load_config
    from pipeline.rollback import rollback as roll_back

    roll_back(load_config(config, overrides or ()), version, Console(highlight=False))


@app.command()
def schedule(
    config: Config,
    *,
    cron: Annotated[
        str | None,
        typer.Option(
            metavar="EXPRESSION",
            help="When: minute hour day month weekday, seconds before them if wanted; by default as the last time.",
        ),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="NAME", help="As in Europe/Stockholm; by default this machine's.")
    ] = None,
    overrides: Overrides = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar="ANCHORLINE_WEBHOOK", help="Is sent the JSON of every run that fails or is refused."
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="One run now, logged as the others are; for timers.")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="Print a service and a timer that do the same.")] = False,
) -> None:
    """Run the pipeline by the clock, never two runs at once; a line of JSON for each."""
    from pipeline.schedule.command import ScheduleOptions
    from pipeline.schedule.command import schedule as run_by_the_clock

    options = ScheduleOptions(
        config=config,
        overrides=overrides or (),
        cron=cron,
        timezone=timezone,
        webhook=webhook,
        once=once,
        systemd=systemd,
    )
    raise typer.Exit(run_by_the_clock(options, Console(stderr=True, highlight=False)))


@app.command()
def tune(
    config: Config,
    *,
    trials: Annotated[
        int | None, typer.Option(help="How many sets of values to try; by default tune.trials.", min=1)
    ] = None,
    overrides: Overrides = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write the best; by default CONFIG-tuned.yaml."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the trials of an earlier, equal search.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what TensorFlow, Beam and TFX log.")] = False,
) -> None:
    """Try values of the keys in tune.ranges on the validation split and write the config with the best."""
    from pipeline.config import load_config
    from pipeline.tune import tune as search

    given = overrides or []
    counted = [*given, f"tune.trials={trials}"] if trials else given
    search(load_config(config, counted), config, given, output, Console(highlight=False), fresh=fresh, verbose=verbose)


@app.command()
def data(config: Config, overrides: Overrides = None) -> None:
    """Read the data and show what a run would make of it, without running anything."""
    from pipeline.config import load_config
    from pipeline.data import show_data

    show_data(load_config(config, overrides or ()), Console(highlight=False))


@app.command()
def report(
    config: Config,
    overrides: Overrides = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where to write it; by default report.html beside the runs."
        ),
    ] = None,
) -> None:
    """Write one HTML file on the last run: figures, gates, mistakes, calibration, neighbours, lineage."""
    from pipeline.config import load_config
    from pipeline.report.command import report as write_report

    write_report(load_config(config, overrides or ()), output, Console(highlight=False))


def add_commands() -> None:
    """Add what installed packages offer under the entry-point group `anchorline.commands`.

    Each is a Typer application, which becomes a group of commands, or a function, which becomes one.
    """
    for point in entry_points(group=COMMANDS):
        command = point.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=point.name)
        else:
            app.command(point.name)(command)


def main() -> None:
    """Run the command line; errors meant for the user end it with one sentence."""
    add_commands()
    if "--verbose" not in sys.argv:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # some of what TensorFlow says comes when all else is over
    try:
        app()
    except UserError as error:
        Console(stderr=True, highlight=False).print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
