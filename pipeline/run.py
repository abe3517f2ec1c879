"""`anchorline run`: one run, a line for each step, and at the end what came of it."""

from typing import TYPE_CHECKING

from rich.console import Console

from pipeline.attended import attended, tell_steps
from pipeline.config import PipelineConfig
from pipeline.facts import Facts, read_facts
from pipeline.summary import summarize

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

LOG = "run.log"


def run(config: PipelineConfig, config_path: str, console: Console, *, verbose: bool) -> Facts:
    """Run the pipeline and report to `console`.

    Raises:
        UserError: nothing was pushed, and the text says why.
    """
    with attended(config, console, None if verbose else LOG) as interrupts:

        def create() -> "Pipeline":
            from pipeline.create import create_pipeline

            return create_pipeline(config)

        facts = read_facts(tell_steps(config, create, console, interrupts))
    summarize(config, config_path, facts, console)
    return facts
