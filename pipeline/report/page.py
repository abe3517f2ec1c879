"""What the page shows, before it is HTML."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from components.ingest.summary import Summary
from pipeline.report.calibration import Calibration
from pipeline.report.confusion import Confusion
from pipeline.report.curves import Curve
from pipeline.report.distribution import Distribution
from pipeline.report.figures import Decision, Figure, WeakSlices
from pipeline.report.ranking import RankBin
from pipeline.report.show import Shown
from pipeline.report.stored import Step

Tone = Literal["good", "bad"]


@dataclass(frozen=True)
class LegendEntry:
    """A marker and what it stands for."""

    sign: Markup
    name: str
    rows: int


@dataclass(frozen=True)
class Map:
    """Vectors of test rows on a plane."""

    chart: Markup
    method: str
    """`t-SNE` or `PCA`."""
    rows: int
    """Points on it."""
    explained: float | None
    """PCA: share of the variance that the plane shows."""
    what: str
    """What has these vectors, such as `questions`."""
    by: str
    """What the markers tell, such as `label`."""
    legend: Sequence[LegendEntry]
    ringed: str
    """What a ring means; empty where there is none."""


@dataclass(frozen=True)
class Neighbor:
    """A training row near a test row."""

    shown: Shown
    id: str
    label: str
    score: float
    same: bool
    """Whether its label is the right one."""


@dataclass(frozen=True)
class Case:
    """A test row, what was predicted, and its neighbours."""

    shown: Shown
    id: str
    wanted: str
    predicted: str
    confidence: float
    neighbors: Sequence[Neighbor]


@dataclass(frozen=True)
class CaseGroup:
    """Test rows of one kind of mistake, or right ones."""

    title: str
    cases: Sequence[Case]
    rows: int
    """How many of this kind there are."""


@dataclass(frozen=True)
class Classified:
    """What a model made of labelled test rows."""

    calibration: Calibration
    confusion: Confusion
    groups: Sequence[CaseGroup]


@dataclass(frozen=True)
class Candidate:
    """An answer that was found."""

    shown: Shown
    id: str
    score: float
    right: bool
    """Whether it is the answer of the row."""
    also_right: bool
    """Whether it is the answer of another row with the same question."""


@dataclass(frozen=True)
class Question:
    """A question, what was found, and the rank of the right answer."""

    shown: Shown
    id: str
    answer: Shown
    rank: int
    score: float
    """Of the right answer."""
    found: Sequence[Candidate]


@dataclass(frozen=True)
class Matched:
    """What a model found for test questions."""

    bins: Sequence[RankBin]
    worst: Sequence[Question]
    best: Sequence[Question]


@dataclass(frozen=True)
class Sampled:
    """What the model said of test rows, asked for this report."""

    rows: int
    of: int
    """Test rows there are."""
    result: Classified | Matched
    map: Map | None


@dataclass(frozen=True)
class Training:
    """What was trained, and how it went."""

    parameters: int
    encoders: Mapping[str, str]
    """Type by input."""
    loss: str
    curves: Sequence[Curve]
    best_epoch: int
    epochs: int
    search: str
    """How the nearest are found, in a sentence."""


@dataclass(frozen=True)
class Lineage:
    """Where the model comes from."""

    run: str
    steps: Sequence[Step]
    data_fingerprint: str
    versions: Mapping[str, str]
    config: str
    model: str
    """Its version, or why it has none."""
    artifacts: str
    """Folder of the SavedModel."""


@dataclass(frozen=True)
class Page:
    """The report."""

    name: str
    sentence: str
    """What the pipeline is for, in a few words."""
    outcome: str
    tone: Tone
    started: datetime.datetime
    seconds: float
    notices: Sequence[str]
    """What is missing or odd, a sentence each."""
    metrics: Sequence[str]
    headline: str
    """The metric that tells a weak slice from a strong one."""
    figures: Sequence[Figure]
    production_version: str | None
    reference: str | None
    test_rows: int
    decisions: Sequence[Decision]
    ingest: Summary | None
    distribution: Distribution | None
    training: Training | None
    sampled: Sampled | None
    slices: WeakSlices
    lineage: Lineage
