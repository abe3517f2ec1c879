"""`anchorline tune`: search the ranges of a configuration and write it with the best values."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.errors import UserError
from components.tune.results import OBJECTIVES, Result, ranked, read_results, search_folder, shown
from components.tune.values import given
from pipeline.attended import Artifacts, attended, tell_steps
from pipeline.code_version import code_version, files_version
from pipeline.config import PipelineConfig
from pipeline.history import TUNING
from pipeline.interrupt import InterruptError
from pipeline.summary import called_as
from pipeline.tuned_file import check_writable, default_file, write_tuned

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

LOG = "tune.log"
_FOLDER = "tune"
_TRAINING = ("components.train.match", "components.train.classify")
_SHOWN = 10


def tune(
    config: PipelineConfig,
    config_path: Path,
    overrides: Sequence[str],
    output: Path | None,
    console: Console,
    *,
    fresh: bool,
    verbose: bool,
) -> None:
    """Search, or go on searching, rank what was tried, and write the best.

    Args:
        config: what to tune.
        config_path: its file.
        overrides: what was changed of it, `a.b=value` each.
        output: where to write the best; by default beside the configuration.
        console: where to say how it goes.
        fresh: forget what an earlier search of the same found.
        verbose: leave on the screen what libraries say.

    Raises:
        UserError: there is nothing to tune, or it could not be done; the text says why.
    """
    if not config.tune.ranges:
        example = "tune: {ranges: {train.learning_rate: {min: 0.001, max: 0.1, log: true}}}"
        raise UserError(f"{config_path}: tune.ranges: is missing; it says what to try, as in {example}")
    if config.train.distribute == "multi_worker":
        raise UserError(f"{config_path}: train.distribute is multi_worker, but one machine tunes; use none or mirrored")
    file = output or default_file(config_path)
    check_writable(file)
    search = _search(config)
    try:
        artifacts = _run(config, search, console, fresh=fresh, verbose=verbose)
    except InterruptError:
        raise InterruptError("interrupted; the same command goes on after the last finished trial") from None
    folder = search_folder(config.output_folder / _FOLDER, search, artifacts["transform"]["transform_graph"].uri)
    results = ranked(read_results(folder), OBJECTIVES[config.task])
    best = results[0]
    write_tuned(file, config, config_path, overrides, best.values)
    _tell(config, results, file, console)


def _search(config: PipelineConfig) -> dict[str, Any]:
    """All that makes trials comparable; their number does not."""
    return {
        "settings": given(config.trainer_settings),
        "tune": config.tune.model_dump(mode="json", exclude={"trials"}, exclude_defaults=True),
        "code": code_version(_TRAINING),
        "files": files_version(config.trainer_settings.files),
    }


def _run(config: PipelineConfig, search: dict[str, Any], console: Console, *, fresh: bool, verbose: bool) -> Artifacts:
    tuning = {
        "folder": str(config.output_folder / _FOLDER),
        "search": search,
        "tune": config.tune.model_dump_json(exclude_defaults=True),
        "fresh": fresh,
        "asked": datetime.datetime.now(datetime.UTC).isoformat(),  # keeps TFX's cache away: the state is the search's
    }

    def create() -> "Pipeline":
        from pipeline.create import create_tuning

        return create_tuning(config, tuning)

    with attended(config, console, None if verbose else LOG) as interrupts:
        return tell_steps(config, create, console, interrupts, TUNING)


def _tell(config: PipelineConfig, results: Sequence[Result], file: Path, console: Console) -> None:
    """The best trials, the config as it is among them, and what to do next."""
    name = OBJECTIVES[config.task].name
    console.print()
    console.print(_table(config, results))
    console.print()
    best, base = results[0], next(result for result in results if result.number == 0)
    if best is base:
        console.print(f"[yellow]![/] none of {len(results) - 1} trials was better than the config as it is")
    else:
        change = f"{name} {best.score:.4f}, of the config as it is {base.score:.4f}"
        hint = "the best of many is partly luck, which the test split of a run shows"
        console.print(f"[green]✓[/] {change}; {hint}", soft_wrap=True)
    console.print(f"[green]✓[/] wrote {escape(str(file))}", soft_wrap=True)
    console.print(f"\nNext: [bold]{escape(called_as())} run {escape(str(file))}[/]", soft_wrap=True)


def _table(config: PipelineConfig, results: Sequence[Result]) -> Table:
    keys, several = list(config.tune.ranges), config.tune.seeds > 1
    table = Table(box=None, pad_edge=False)
    for heading in ("rank", "trial", OBJECTIVES[config.task].name, *(["±"] if several else []), *_short(keys)):
        table.add_column(heading, justify="right", overflow="fold", min_width=len(heading))
    for rank, result in enumerate(results, start=1):
        if rank > _SHOWN and result.number:
            continue
        spread = [f"{result.spread:.4f}"] if several else []
        values = [escape(shown(result.values[key])) for key in keys] if result.number else ["as it is"]
        style = None if result.number else "bold"
        table.add_row(str(rank), str(result.number), f"{result.score:.4f}", *spread, *values, style=style)
    return table


def _short(keys: Sequence[str]) -> list[str]:
    """Keys by their last part where that tells them apart."""
    last = [key.rpartition(".")[2] for key in keys]
    return [short if last.count(short) == 1 else key for key, short in zip(keys, last, strict=True)]
