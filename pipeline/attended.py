"""Steps run while a user looks on: under the pipeline's lock, a line for each, errors and Ctrl-C in one sentence."""

import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from components.errors import UserError
from components.ingest.check import check_source
from components.ingest.summary import REJECTS_FILE
from pipeline.config import PipelineConfig
from pipeline.facts import Artifact, read_facts
from pipeline.interrupt import Interrupts, remembered_interrupts
from pipeline.loader import load_data
from pipeline.lock import run_lock
from pipeline.quiet import chatter_to, waiting
from pipeline.summary import remark

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

type Artifacts = dict[str, dict[str, Artifact]]
"""By step and output key."""

_OUTSPOKEN = ("train", "tune")
"""Steps that say themselves how they go on."""


class UnexpectedError(UserError):
    """A fault of ours or of a library; the log has the traceback."""


@contextmanager
def attended(config: PipelineConfig, console: Console, log: str | None) -> Iterator[Interrupts]:
    """What comes before a pipeline's steps and around them.

    Args:
        config: of the pipeline, whose lock is held.
        console: where to say that data is loaded.
        log: file in the output folder for what libraries say; none leaves it on the screen.

    Raises:
        UserError: the steps could not be run to their end, and the text says why.
    """
    with run_lock(config.output_folder):
        load_data(config.data, console)
        check_source(config.data)
        if config.schema_path and not Path(config.schema_path).is_file():
            raise UserError(f"{config.schema_path}: there is no such file (schema_path)")
        file = config.output_folder / log if log else None
        with chatter_to(file), remembered_interrupts() as interrupts:
            try:
                yield interrupts
            except UserError:
                raise
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  all that is left is ours to explain
                interrupts.check()
                raise _explain(error, file) from None


def tell_steps(
    config: PipelineConfig,
    create: Callable[[], "Pipeline"],
    console: Console,
    interrupts: Interrupts,
    kind: str = "",
) -> Artifacts:
    """Run the steps of a pipeline inside `attended`, with a line for each.

    Args:
        config: of the pipeline.
        create: makes it; called when TensorFlow and TFX may take their time.
        console: where to say how it goes.
        interrupts: of `attended`.
        kind: with which the run's id begins.
    """
    start = time.monotonic()
    with waiting(console, "loading TensorFlow and TFX"):
        from pipeline.local import run_steps

        pipeline = create()
    console.print(f"[dim]{'imports':14}[/]{time.monotonic() - start:7.1f} s")
    artifacts: Artifacts = {}
    with ExitStack() as spinner:

        def announce(name: str) -> None:
            if name in _OUTSPOKEN:
                console.print(f"[bold]{name}[/]")
            else:
                spinner.enter_context(waiting(console, name))

        for step in run_steps(pipeline, announce, kind):
            spinner.close()
            interrupts.check()
            artifacts[step.name] = step.outputs
            if step.name == "ingest":
                _keep_rejects(Path(step.outputs["examples"].uri), config.output_folder)
            result = "unchanged, from the cache" if step.cached else remark(config, step.name, read_facts(artifacts))
            console.print(f"[bold]{step.name:14}[/]{step.seconds:7.1f} s   [dim]{escape(result)}[/]")
    console.print(f"[dim]{'all':14}{time.monotonic() - start:7.1f} s[/]")
    return artifacts


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
