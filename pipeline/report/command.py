"""`anchorline report`: gather, render, write."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from components.errors import UserError
from pipeline.config import PipelineConfig
from pipeline.quiet import chatter_to, waiting
from pipeline.report.stored import last_judged_run
from serving.whole_file import write_whole

FILE = "report.html"


def report(config: PipelineConfig, output: Path | None, console: Console) -> Path:
    """Write the report of the last run that was judged.

    Args:
        config: of the pipeline.
        output: the file; by default `report.html` in the output folder.
        console: where to say what was written.

    Raises:
        UserError: no run was judged yet, or the file cannot be written.
    """
    stored, newer = last_judged_run(config.output_folder / "metadata.sqlite", config.name)
    file = (output or config.output_folder / FILE).absolute()
    if not file.parent.is_dir():
        raise UserError(f"{file}: the folder {file.parent} is not there (--output)")
    with chatter_to(config.output_folder / "report.log"), waiting(console, "asking the model about test rows"):
        from pipeline.report.gather import gather_page
        from pipeline.report.render import render

        text = render(gather_page(config, stored, newer))
    try:
        write_whole(file, text)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror} (--output)") from None
    size = len(text.encode()) / 1e6
    console.print(f"{escape(str(file))} [dim]{size:.1f} MB, run {stored.run.id}[/]", soft_wrap=True)
    return file
