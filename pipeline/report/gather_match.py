"""What a `match` model finds for test questions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from components.parts import Modality
from pipeline.report.model import ReportedModel
from pipeline.report.page import Candidate, Map, Matched, Question
from pipeline.report.ranking import choose_questions, rank_histogram
from pipeline.report.rows import Row, answers_to, values_by_id
from pipeline.report.show import Shown, shorten, show
from pipeline.report.vectors_map import vectors_map

FOUND = 3
"""Ranked answers shown of each question, and the right one if it is not among them."""

_FIRST = 10
_FEWEST = 3
_BUCKETS = {1: "rank 1", 5: "ranks 2–5", 10: "ranks 6–10"}


def gather_matched(
    model: ReportedModel, rows: Sequence[Row], inputs: Mapping[str, Modality], splits: Sequence[Path], seed: int
) -> tuple[Matched, Map | None]:
    """Ranks, the worst and the best questions, and the map.

    Args:
        model: trained.
        rows: of the test split, at least one.
        inputs: what a question and an answer are.
        splits: folders of all rows, in which pictures of answers are looked up.
        seed: of the projection.
    """
    ranks = np.ravel(model.ask("evaluate", [row.serialized for row in rows])["rank"])
    questions = model.ask("question", [row.given for row in rows])["vector"]
    answers = model.ask("answer", [row.wanted for row in rows])["vector"]
    scores = np.einsum("nd,nd->n", questions, answers)
    worst, best = choose_questions(ranks, scores, [(row.given, row.wanted) for row in rows])
    found = _found(model, [rows[place] for place in (*worst, *best)], inputs, splits)
    shown = [
        Question(
            shown=show(rows[place].given, inputs["question"], f"question {_text(rows[place].id)}"),
            id=_text(rows[place].id),
            answer=show(rows[place].wanted, inputs["answer"], "the right answer"),
            rank=int(ranks[place]),
            score=float(scores[place]),
            found=candidates,
        )
        for place, candidates in zip((*worst, *best), found, strict=True)
    ]
    matched = Matched(rank_histogram(ranks), shown[: len(worst)], shown[len(worst) :])
    return matched, _map(rows, questions, ranks, inputs["question"], seed)


def _found(
    model: ReportedModel, rows: Sequence[Row], inputs: Mapping[str, Modality], splits: Sequence[Path]
) -> list[list[Candidate]]:
    """The first answers found for each question."""
    found = model.ask("search", [row.given for row in rows])
    ids, texts, scores = (found[name][:, :FOUND] for name in ("ids", "candidates", "scores"))
    pictures = inputs["answer"] == "image"
    contents = values_by_id(splits, "answer", set(np.ravel(ids).tolist())) if pictures else {}
    right = answers_to(splits, {row.given for row in rows})

    def candidate(row: Row, key: bytes, text: bytes, score: float) -> Candidate:
        content = contents.get(key) if pictures else text
        shown = Shown(_text(key)) if content is None else show(content, inputs["answer"], f"answer {_text(key)}")
        is_right = content == row.wanted
        return Candidate(shown, _text(key), score, is_right, not is_right and content in right[row.given])

    return [
        [
            candidate(row, key, text, float(score))
            for key, text, score in zip(ids[place], texts[place], scores[place], strict=True)
        ]
        for place, row in enumerate(rows)
    ]


def _map(rows: Sequence[Row], vectors: np.ndarray, ranks: np.ndarray, modality: Modality, seed: int) -> Map | None:
    """By category where there are several with rows enough; else by rank."""
    categories = [row.category for row in rows]
    common = {name for name in categories if name and categories.count(name) >= _FEWEST}
    by_category = len(common) > 1
    texts = [
        f"{row.category + ', ' if row.category else ''}rank {rank:.0f}: "
        + (shorten(_text(row.given), 80) if modality == "text" else _text(row.id))
        for row, rank in zip(rows, ranks, strict=True)
    ]
    return vectors_map(
        vectors,
        categories if by_category else [_bucket(rank) for rank in ranks.tolist()],
        texts,
        ranks > _FIRST if by_category else np.zeros(len(rows), bool),
        what="test questions",
        by="category" if by_category else "rank of the right answer",
        ring=f"right answer not among the first {_FIRST}",
        seed=seed,
        fewest=_FEWEST if by_category else 1,
    )


def _bucket(rank: float) -> str:
    return next((name for last, name in _BUCKETS.items() if rank <= last), f"ranks above {_FIRST}")


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
