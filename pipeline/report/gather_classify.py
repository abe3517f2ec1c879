"""What a `classify` model says of test rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from components.parts import Modality
from pipeline.report.calibration import calibration
from pipeline.report.cases import TITLES, choose_cases
from pipeline.report.confusion import confusion
from pipeline.report.model import ReportedModel
from pipeline.report.page import Case, CaseGroup, Classified, Map, Neighbor
from pipeline.report.rows import Row, values_by_id
from pipeline.report.show import Shown, shorten, show
from pipeline.report.vectors_map import vectors_map

_TEXT = 110
_NEIGHBORS = 5


def gather_classified(
    model: ReportedModel, rows: Sequence[Row], inputs: Mapping[str, Modality], train: Path | None, seed: int
) -> tuple[Classified, Map | None]:
    """Calibration, confusion, cases with their neighbours, and the map.

    Args:
        model: trained.
        rows: of the test split, at least one.
        inputs: the one part that the model reads, and what it is.
        train: folder of the rows among which neighbours are; none where they are not there any more.
        seed: of what is drawn.
    """
    ((part, modality),) = inputs.items()
    judged = model.ask("evaluate", [row.serialized for row in rows])
    predicted = [_text(label) for label in model.ask("classify", [row.given for row in rows])["labels"][:, 0]]
    wanted = [_text(row.wanted) for row in rows]
    confidence, correct = np.ravel(judged["confidence"]), np.ravel(judged["correct"])
    pairs = list(zip(wanted, predicted, strict=True))
    chosen = choose_cases(correct, np.ravel(judged["neighbor_correct"]), confidence, pairs, seed)
    places = [row for group in chosen.values() for row in group.rows]
    neighbors = _neighbors(model, [rows[place] for place in places], part, modality, train)
    cases = {
        place: Case(
            shown=show(rows[place].given, modality, f"test row {_text(rows[place].id)}", _TEXT),
            id=_text(rows[place].id),
            wanted=wanted[place],
            predicted=predicted[place],
            confidence=float(confidence[place]),
            neighbors=near,
        )
        for place, near in zip(places, neighbors, strict=True)
    }
    groups = [CaseGroup(TITLES[kind], [cases[row] for row in group.rows], group.all) for kind, group in chosen.items()]
    drawn = vectors_map(
        judged["vector"],
        wanted,
        [_point_text(row, modality, *pair) for row, pair in zip(rows, pairs, strict=True)],
        correct == 0,
        what="test rows",
        by="label",
        ring="predicted label wrong",
        seed=seed,
    )
    return Classified(calibration(confidence, correct), confusion(wanted, predicted), groups), drawn


def _neighbors(
    model: ReportedModel, rows: Sequence[Row], part: str, modality: Modality, train: Path | None
) -> list[list[Neighbor]]:
    """The nearest training rows of each row."""
    found = model.ask("neighbors", [row.given for row in rows])
    ids = found["ids"][:, :_NEIGHBORS]
    contents = values_by_id([train] if train else [], part, set(np.ravel(ids).tolist()))
    return [
        [
            Neighbor(
                shown=_show(contents.get(key), modality, f"training row {_text(key)}"),
                id=_text(key),
                label=_text(label),
                score=float(score),
                same=label == row.wanted,
            )
            for key, label, score in zip(ids[place], found["labels"][place], found["scores"][place], strict=False)
        ]
        for place, row in enumerate(rows)
    ]


def _show(content: bytes | None, modality: Modality, name: str) -> Shown:
    return Shown(name) if content is None else show(content, modality, name, _TEXT)


def _point_text(row: Row, modality: Modality, wanted: str, predicted: str) -> str:
    seen = "" if wanted == predicted else f", predicted {predicted}"
    name = shorten(_text(row.given), 80) if modality == "text" else _text(row.id)
    return f"{wanted}{seen}: {name}"


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
