"""`anchorline run`: one run, a line for each step, and at the end what came of it."""

import shutil
import sys
import time
import traceback
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from components.errors import UserError
from components.ingest.check import check_source
from components.ingest.summary import REJECTS_FILE
from pipeline.config import PipelineConfig
from pipeline.facts import Artifact, Facts, read_facts
from pipeline.interrupt import Interrupts, remembered_interrupts
from pipeline.loader import load_data
from pipeline.lock import run_lock
from pipeline.quiet import chatter_to, waiting
from pipeline.summary import remark, summarize


class UnexpectedError(UserError):
    """A fault of ours or of a library; the log has the traceback."""


def run(config: PipelineConfig, config_path: str, console: Console, *, verbose: bool) -> Facts:
    """Run the pipeline and report to `console`.

    Raises:
        UserError: nothing was pushed, and the text says why.
    """
    folder = config.output_folder
    with run_lock(folder):
        load_data(config.data, console)
        check_source(config.data)
        if config.schema_path and not Path(config.schema_path).is_file():
            raise UserError(f"{config.schema_path}: there is no such file (schema_path)")
        log = None if verbose else folder / "run.log"
        with chatter_to(log), remembered_interrupts() as interrupts:
            try:
                facts = _run_steps(config, console, interrupts)
            except UserError:
                raise
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  all that is left is ours to explain
                interrupts.check()
                raise _explain(error, log) from None
    summarize(config, config_path, facts, console)
    return facts


def _run_steps(config: PipelineConfig, console: Console, interrupts: Interrupts) -> Facts:
    start = time.monotonic()
    with waiting(console, "loading TensorFlow and TFX"):
        from pipeline.local import run_steps
    console.print(f"[dim]{'imports':14}[/]{time.monotonic() - start:7.1f} s")
    artifacts: dict[str, dict[str, Artifact]] = {}
    with ExitStack() as spinner:

        def announce(name: str) -> None:
            if name == "train":  # Keras draws its own progress bar
                console.print(f"[bold]{name}[/]")
            else:
                spinner.enter_context(waiting(console, name))

        for step in run_steps(config, announce):
            spinner.close()
            interrupts.check()
            artifacts[step.name] = step.outputs
            if step.name == "ingest":
                _keep_rejects(Path(step.outputs["examples"].uri), config.output_folder)
            result = "unchanged, from the cache" if step.cached else remark(config, step.name, read_facts(artifacts))
            console.print(f"[bold]{step.name:14}[/]{step.seconds:7.1f} s   [dim]{result}[/]")
    console.print(f"[dim]{'all':14}{time.monotonic() - start:7.1f} s[/]")
    return read_facts(artifacts)


def _keep_rejects(examples: Path, folder: Path) -> None:
    """Put the list of rows set aside where the user looks for it; a cached step does not write it anew."""
    shutil.copyfile(examples / REJECTS_FILE, folder / f".{REJECTS_FILE}")
    (folder / f".{REJECTS_FILE}").replace(folder / REJECTS_FILE)


def _explain(error: BaseException, log: Path | None) -> UserError:
    """The sentence for the user that an error carries or hides in its causes; else one that says where to look."""
    cause: BaseException | None = error.__cause__
    while cause is not None:
        if isinstance(cause, UserError):
            return type(cause)(f"{error}: {cause}")
        cause = cause.__cause__ or cause.__context__
    traceback.print_exception(error, file=sys.stderr)  # into the log
    where = f"; the whole story is in {log}" if log else ""
    return UnexpectedError(f"{error}: {error.__cause__ or error!r:.300}{where}")
