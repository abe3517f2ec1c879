"""What came of a run, for programs: one JSON object."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from components.errors import UserError
from pipeline.facts import Facts
from serving.whole_file import check_writable, write_whole


class Outcome(BaseModel):
    """What came of a run; none, or nothing, for what it did not get to."""

    outcome: str
    """In a few words."""
    pushed: str | None = None
    """Version that the run pushed."""
    unchanged: str | None = None
    """Version in production that is the very model of the run."""
    blessed: bool | None = None
    """Whether the gates let the model pass."""
    serves: bool | None = None
    """Whether the serving check did."""
    refused_by: list[str] = []
    """Each gate, or the serving check, that said no, as a sentence."""
    metrics: dict[str, float | None] = {}
    """Of the model, on the test rows; none where there is no number."""
    error: str | None = None
    """Why the run ended early."""


def outcome_of(facts: Facts) -> Outcome:
    """What is to be said of a run that went through all its steps."""
    verdict = facts.verdict
    refused_by = [check.sentence() for check in verdict.checks if not check.passed] if verdict else []
    if facts.serves is False:
        refused_by.append(f"serving check: {facts.refusal}")
    if facts.withdrawn:
        refused_by.append(facts.outcome)
    return Outcome(
        outcome=facts.outcome,
        pushed=facts.pushed,
        unchanged=facts.unchanged,
        blessed=verdict.blessed if verdict else None,
        serves=facts.serves,
        refused_by=refused_by,
        metrics=dict(verdict.metrics) if verdict else {},
    )


@contextmanager
def outcome_to(file: Path | None) -> Iterator[Callable[[Facts], None]]:
    """Write what came of the run in the block, which hands over its facts or raises, to a file.

    Args:
        file: replaced by one rename; none writes nothing.

    Raises:
        UserError: the file cannot be written, which is found out before the block.
    """
    facts: list[Facts] = []
    with _named(file):
        if file is not None:
            check_writable(file)
    try:
        yield facts.append
    except (Exception, KeyboardInterrupt) as error:
        _write(Outcome(outcome="failed", error=str(error) or "interrupted"), file)
        raise
    _write(outcome_of(facts[-1]), file)


def _write(outcome: Outcome, file: Path | None) -> None:
    with _named(file):
        if file is not None:
            write_whole(file, outcome.model_dump_json() + "\n")


@contextmanager
def _named(file: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"--json {file}: cannot be written: {error.strerror}") from None
