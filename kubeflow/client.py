"""`anchorline kubeflow submit`, `schedule`, `unschedule` and `status`: a pipeline on a server of Kubeflow Pipelines.

Everything of one pipeline is in one experiment of its name.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.errors import UserError
from kubeflow.compile import write_spec
from kubeflow.connection import Server, connected
from kubeflow.driver import run_parameters
from pipeline.config import PipelineConfig
from pipeline.schedule.cron import Times, parse_cron

if TYPE_CHECKING:
    from kfp import Client

SPEC_FILE = "pipeline.yaml"
"""In the output folder: what was last sent."""

_OVER = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
_PAGE = 100
_SHOWN = 10
"""Runs that `status` shows."""


def submit(
    config: PipelineConfig,
    server: Server,
    parameters: Mapping[str, str],
    console: Console,
    *,
    wait: float | None = None,
) -> bool:
    """Compile the pipeline and start one run.

    Args:
        config: what to run.
        server: where.
        parameters: of the run, by name, where not their defaults.
        console: where to say which run it is.
        wait: seconds between looks at whether it is over; none does not wait.

    Returns:
        Whether it succeeded; true where it is not waited for.

    Raises:
        UserError: a parameter is not the pipeline's, or the server is not there or refuses.
    """
    file, values = _compiled(config, parameters, console)
    with connected(server) as client:
        started = client.run_pipeline(
            experiment_id=_experiment(client, config, server, create=True),
            job_name=f"{config.name} {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}",
            pipeline_package_path=str(file),
            params=values,
        )
        console.print(f"[green]✓[/] submitted as run {started.run_id}{_link(server, started.run_id)}", soft_wrap=True)
        if wait is None:
            return True
        run = client.get_run(started.run_id)
        while run.state not in _OVER:
            time.sleep(wait)
            run = client.get_run(started.run_id)
    console.print(escape(f"{run.state.lower()}{_failure(run)}"), soft_wrap=True)
    return bool(run.state == "SUCCEEDED")


def schedule(
    config: PipelineConfig, server: Server, cron: str, parameters: Mapping[str, str], console: Console
) -> None:
    """Compile the pipeline and let the server run it by the clock, in place of any schedule that it had.

    Raises:
        UserError: the expression or a parameter is wrong, or the server is not there or refuses.
    """
    expression = parse_cron(cron)
    Times(expression, datetime.UTC)
    fields = expression.six_fields()
    file, values = _compiled(config, parameters, console)
    with connected(server) as client:
        experiment = _experiment(client, config, server, create=True)
        before = [one.recurring_run_id for one in _schedules(client, config, experiment)]
        made = client.create_recurring_run(
            experiment_id=experiment,
            job_name=config.name,
            cron_expression=fields,
            max_concurrency=1,
            no_catchup=True,
            params=values,
            pipeline_package_path=str(file),
        )
        for one in before:  # only now: a schedule too many for a moment, and not one too few
            client.delete_recurring_run(one)
    instead = f", in place of {', '.join(before)}" if before else ""
    console.print(f"[green]✓[/] scheduled as {made.recurring_run_id}{instead}: {fields}", soft_wrap=True)
    console.print("  by the clock of the server, which is UTC unless it was told otherwise; one run at a time")


def unschedule(config: PipelineConfig, server: Server, console: Console) -> None:
    """Take the pipeline's schedule away; a run that goes on is left alone.

    Raises:
        UserError: there is none, or the server is not there or refuses.
    """
    with connected(server) as client:
        experiment = _experiment(client, config, server, create=False)
        found = [one.recurring_run_id for one in _schedules(client, config, experiment)] if experiment else []
        for one in found:
            client.delete_recurring_run(one)
    if not found:
        raise UserError(f"{config.name} has no schedule on {server}")
    console.print(f"[green]✓[/] no longer scheduled: {', '.join(found)}", soft_wrap=True)


def status(config: PipelineConfig, server: Server, console: Console) -> None:
    """Print the pipeline's schedule and its last runs, newest first.

    Raises:
        UserError: the server is not there or refuses.
    """
    with connected(server) as client:
        experiment = _experiment(client, config, server, create=False)
        if experiment is None:
            console.print(f"{config.name} was not submitted to {server} yet", soft_wrap=True)
            return
        schedules = _schedules(client, config, experiment)
        listed = client.list_runs(page_size=_SHOWN, sort_by="created_at desc", experiment_id=experiment).runs or []
        newest = client.get_run(listed[0].run_id) if listed else None  # with the states of its steps
    for one in schedules:
        paused = "" if one.status == "ENABLED" else f", {one.status.lower()}"
        console.print(f"scheduled as {one.recurring_run_id}: {one.trigger.cron_schedule.cron}{paused}", soft_wrap=True)
    if not schedules:
        console.print("not scheduled")
    if newest is None:
        console.print("no run yet")
        return
    console.print(_table(listed))
    if why := _failure(newest):
        console.print(escape(f"the newest run {newest.state.lower()}{why}"), soft_wrap=True)


def _compiled(config: PipelineConfig, parameters: Mapping[str, str], console: Console) -> tuple[Path, dict[str, Any]]:
    """The spec as a file, and the values of all parameters of a run."""
    file = config.output_folder / SPEC_FILE
    write_spec(config, file, console)
    spec = next(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    return file, run_parameters(spec, parameters)


def _experiment(client: Client, config: PipelineConfig, server: Server, *, create: bool) -> Any:
    """Id of the pipeline's experiment; none where there is none and none is wanted."""
    if create:
        return client.create_experiment(config.name, namespace=server.namespace).experiment_id
    try:
        return client.get_experiment(experiment_name=config.name, namespace=server.namespace).experiment_id
    except ValueError:  # its only way to say so
        return None


def _schedules(client: Client, config: PipelineConfig, experiment: str) -> list[Any]:
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": config.name}
    return list(_pages(client, experiment, json.dumps({"predicates": [predicate]})))


def _pages(client: Client, experiment: str, wanted: str) -> Iterator[Any]:
    token = ""
    while True:
        page = client.list_recurring_runs(page_token=token, page_size=_PAGE, experiment_id=experiment, filter=wanted)
        yield from page.recurring_runs or []
        token = page.next_page_token
        if not token:
            return


def _table(runs: list[Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("started", "seconds", "state", "by", "run"):
        table.add_column(heading, justify="right" if heading == "seconds" else "left", no_wrap=heading == "run")
    for run in runs:
        over = run.state in _OVER and run.finished_at
        seconds = f"{(run.finished_at - run.created_at).total_seconds():.0f}" if over else ""
        by = "schedule" if run.recurring_run_id else "hand"
        started = f"{run.created_at.astimezone():%Y-%m-%d %H:%M:%S}"
        table.add_row(started, seconds, (run.state or "waiting").lower(), by, run.run_id)
    return table


def _failure(run: Any) -> str:
    """Which steps failed and what the server says of it."""
    if run.state != "FAILED":
        return ""
    tasks = (run.run_details and run.run_details.task_details) or []
    steps = [task.display_name for task in tasks if task.state == "FAILED" and not task.child_tasks]
    said = run.error.message.strip().rpartition("\n")[2] if run.error and run.error.message else ""
    return (f" in {', '.join(steps)}" if steps else "") + (f": {said}" if said else "")


def _link(server: Server, run: str) -> str:
    return f": {server.host.rstrip('/')}/#/runs/details/{run}" if server.host else ""
