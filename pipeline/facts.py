"""What a run's artifacts tell: rows read, figures reached, verdicts, version pushed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from components.evaluate.verdict import FILE as VERDICT_FILE
from components.evaluate.verdict import Verdict
from components.ingest.summary import SUMMARY_FILE, Summary

TRAINING_FILE = "training.json"


class Artifact(Protocol):
    """The part of an ML Metadata artifact that is read here."""

    uri: str
    custom_properties: Mapping[str, Any]


ByStep = Mapping[str, Mapping[str, Artifact]]
"""Artifacts by step and output key."""


@dataclass(frozen=True)
class Facts:
    """What is known of one run; none for what it did not get to."""

    ingest: Summary | None
    training: dict[str, Any] | None
    verdict: Verdict | None
    serves: bool | None
    refusal: str
    """Why the serving check refused the model."""
    pushed: str | None
    """Version that this run pushed."""
    unchanged: str | None
    """Version in production that is the very model of this run."""
    withdrawn: str | None = None
    """Version that is the very model of this run and was rolled back."""

    @property
    def outcome(self) -> str:
        """One word or two for a table."""
        if self.pushed:
            return f"pushed {self.pushed}"
        if self.unchanged:
            return f"same as {self.unchanged}"
        if self.withdrawn:
            return f"same as {self.withdrawn}, which was rolled back"
        if self.verdict and not self.verdict.blessed:
            return "refused by gate"
        if self.serves is False:
            return "does not serve"
        return "unfinished"


def read_facts(artifacts: ByStep) -> Facts:
    """Facts from the artifacts of a run."""
    blessing = artifacts.get("serving_check", {}).get("blessing")
    pushed = artifacts.get("push", {}).get("pushed_model")
    found = _file(artifacts.get("ingest", {}).get("examples"), SUMMARY_FILE)
    trained = _file(artifacts.get("train", {}).get("model_run"), TRAINING_FILE)
    judged = _file(artifacts.get("evaluate", {}).get("evaluation"), VERDICT_FILE)
    return Facts(
        ingest=Summary.model_validate_json(found) if found else None,
        training=json.loads(trained) if trained else None,
        verdict=Verdict.model_validate_json(judged) if judged else None,
        serves=bool(_integer(blessing, "blessed")) if blessing else None,
        refusal=_text(blessing, "reason"),
        pushed=_text(pushed, "pushed_version") or None,
        unchanged=_text(pushed, "unchanged") or None,
        withdrawn=_text(pushed, "withdrawn") or None,
    )


def _file(artifact: Artifact | None, name: str) -> str | None:
    if artifact is None or not (file := Path(artifact.uri) / name).exists():
        return None
    return file.read_text(encoding="utf-8")


def _text(artifact: Artifact | None, key: str) -> str:
    if artifact is None or key not in artifact.custom_properties:
        return ""
    return artifact.custom_properties[key].string_value


def _integer(artifact: Artifact, key: str) -> int:
    return artifact.custom_properties[key].int_value if key in artifact.custom_properties else 0
