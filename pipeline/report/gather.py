"""Everything that the page shows, from the artifacts of a run."""

from collections.abc import Sequence
from typing import Any

from components.errors import UserError
from components.evaluate.verdict import Verdict
from pipeline.config import PipelineConfig
from pipeline.facts import Facts
from pipeline.history import Run
from pipeline.lock import is_locked
from pipeline.report.curves import curves
from pipeline.report.distribution import Distribution, distribution, read_counts
from pipeline.report.figures import decisions, figures, weak_slices
from pipeline.report.lineage import changed_keys, config_text, library_versions
from pipeline.report.page import Lineage, Page, Sampled, Training
from pipeline.report.search import describe_search
from pipeline.report.stored import StoredRun
from pipeline.summary import FEW

MOST_ROWS = 2_000
"""Test rows that the model is asked about; of more a seeded sample."""


def gather_page(config: PipelineConfig, stored: StoredRun, newer: Sequence[Run]) -> Page:
    """The page of a judged run.

    Args:
        config: of the pipeline, as it is now.
        stored: the run.
        newer: runs that began later and were not judged.

    Raises:
        UserError: the run was one of another task.
    """
    facts = stored.run.facts
    assert facts.verdict is not None, "`last_judged_run` returns no other"  # noqa: S101
    if set(config.metrics) - set(facts.verdict.metrics):
        raise UserError(f"{config.name}: the last judged run was one of another task than {config.task}; run it again")
    sampled, missing = _ask_model(config, stored)
    return Page(
        name=config.name,
        sentence=_sentence(config),
        outcome=_outcome(stored.run, running=is_locked(config.output_folder) and not newer),
        tone="good" if facts.pushed or facts.unchanged else "bad",
        started=stored.run.started,
        seconds=stored.run.seconds,
        notices=[*_notices(config, stored, newer, facts.verdict), *missing],
        metrics=config.metrics,
        headline=config.headlines[0],
        figures=figures(facts.verdict, config.metrics),
        production_version=facts.verdict.production_version,
        reference=facts.verdict.reference.name if facts.verdict.reference else None,
        test_rows=facts.verdict.rows,
        decisions=decisions(facts),
        ingest=facts.ingest,
        distribution=_distribution(config, stored),
        training=_training(config, facts.training) if facts.training else None,
        sampled=sampled,
        slices=weak_slices(facts.verdict, [config.headlines[0], *_others(config)]),
        lineage=_lineage(config, stored),
    )


def _others(config: PipelineConfig) -> list[str]:
    return [name for name in config.metrics if name != config.headlines[0]]


def _sentence(config: PipelineConfig) -> str:
    words = {"text": "texts", "image": "pictures", "label": "labels"}
    first, second = (words[kind] for kind in config.data.parts.values())
    return f"classifies {first}" if config.task == "classify" else f"matches questions ({first}) to answers ({second})"


def _outcome(run: Run, *, running: bool) -> str:
    if run.facts.outcome != "unfinished":
        return run.facts.outcome
    return "still running" if running else f"stopped in {run.failed_step or 'a step'}"


def _notices(config: PipelineConfig, stored: StoredRun, newer: Sequence[Run], verdict: Verdict) -> list[str]:
    notices = []
    running = is_locked(config.output_folder)
    for number, run in enumerate(newer):
        when = f"{run.started.astimezone():%Y-%m-%d %H:%M}"
        where = f"stopped in the step {run.failed_step}" if run.failed_step else "was not judged"
        did = "is still going on" if running and number == 0 else where
        notices.append(f"A newer run, begun {when}, {did}; this is the last one that was judged.")
    if running and not newer:
        notices.append("The run is still going on; what comes later is missing.")
    elif step := stored.run.failed_step:
        notices.append(f"The run stopped in the step {step}; what comes after it is missing, and nothing was pushed.")
    if verdict.rows < FEW:
        notices.append(f"{verdict.rows} test rows say little about a model; raise data.splits.test or add rows.")
    changed = changed_keys(config, stored.run.facts.training) if stored.run.facts.training else []
    if changed:
        notices.append(f"The configuration has changed since this run: {', '.join(changed)}.")
    return notices


def _distribution(config: PipelineConfig, stored: StoredRun) -> Distribution | None:
    """Rows by label, or by category where there are any."""
    parts = config.data.parts
    feature = next((name for name, kind in parts.items() if kind == "label"), "category")
    if feature == "category" and not config.data.columns.category:
        return None
    files = {split: stored.statistics(split) for split in config.data.splits.shares}
    counts = {split: read_counts(file, feature) for split, file in files.items() if file}
    return distribution(feature, counts) if any(counts.values()) else None


def _training(config: PipelineConfig, record: dict[str, Any]) -> Training:
    model, history = record["model"], record["history"]
    encoders = {name: model.get(f"{name}_encoder") or model["encoder"] for name in record["inputs"]}
    if not all(encoders.values()):
        defaults = type(config.model)().encoders(record["inputs"])
        encoders = {name: encoder.model_dump() for name, encoder in defaults.items()}
    return Training(
        parameters=record["parameters"],
        encoders={name: encoder["type"] for name, encoder in encoders.items()},
        loss=model["loss"]["type"],
        curves=curves(history, record["best_epoch"]),
        best_epoch=record["best_epoch"],
        epochs=max((len(values) for values in history.values()), default=0),
        search=describe_search(record),
    )


def _ask_model(config: PipelineConfig, stored: StoredRun) -> tuple[Sampled | None, list[str]]:
    """What the model says of test rows, or why it cannot be asked."""
    model, test = stored.saved_model, stored.examples("test")
    if model is None or test is None:
        what = "trained model" if model is None else "test split"
        return None, [f"The {what} of this run cannot be found any more, so the model was not asked for this report."]
    from pipeline.report.gather_classify import gather_classified
    from pipeline.report.gather_match import gather_matched
    from pipeline.report.model import ReportedModel
    from pipeline.report.rows import sample_rows

    rows, total = sample_rows(test, tuple(config.data.parts), MOST_ROWS, config.seed)
    asked, inputs = ReportedModel(model), config.data.inputs
    if config.task == "classify":
        classified, drawn = gather_classified(asked, rows, inputs, stored.examples("train"), config.seed)
        return Sampled(len(rows), total, classified, drawn), []
    splits = [folder for split in config.data.splits.shares if (folder := stored.examples(split))]
    matched, drawn = gather_matched(asked, rows, inputs, splits, config.seed)
    return Sampled(len(rows), total, matched, drawn), []


def _lineage(config: PipelineConfig, stored: StoredRun) -> Lineage:
    return Lineage(
        run=stored.run.id,
        steps=stored.steps,
        data_fingerprint=stored.data_fingerprint,
        versions=library_versions(),
        config=config_text(config),
        model=_model(stored.run.facts),
        artifacts=str(stored.saved_model or ""),
    )


def _model(facts: Facts) -> str:
    if facts.pushed:
        return facts.pushed
    return f"{facts.unchanged}, the same model" if facts.unchanged else "none, because it was not pushed"
