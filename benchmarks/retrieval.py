"""Recall and MRR of a configuration's encoder and loss, beside TF-IDF and the matcher that the project began from.

    ./dev python -m benchmarks.retrieval examples/faq.yaml [--set KEY=VALUE …] [--splits 5]

For each split other 100 questions are held out for the test and 50 to pick the best epoch; the rest is learnt from.
Every held-out question is ranked against all answers. The split number is the seed of everything else, too.
"""

import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.originals import LSTM, MATCH_LOSS, ORIGINAL_MATCHER
from components.errors import UserError
from components.ingest.check import check_source
from components.ingest.parse import Record
from components.ingest.units import read_records, units_of
from components.search.settings import SearchSettings
from components.tasks.settings import MatchSettings
from pipeline.config import MatchConfig, load_config
from pipeline.quiet import chatter_to

TEST, VALIDATION = 100, 50
_SIDES = ("question", "answer")
METRICS = ("recall@1", "recall@5", "recall@10", "MRR")

Metrics = dict[str, float]


def main(
    config: Path,
    overrides: Annotated[list[str] | None, typer.Option("--set")] = None,
    splits: int = 5,
) -> None:
    """Print mean ± standard deviation over the splits."""
    settings = load_config(config, overrides or ())
    if not isinstance(settings, MatchConfig) or set(settings.data.inputs.values()) != {"text"}:
        raise UserError(f"{config}: is not about matching texts to texts")
    records = _records(settings)
    with chatter_to(Path(os.devnull)):
        results = [_split(settings, records, seed) for seed in range(splits)]
    table = Table(f"{splits} splits of {TEST} held-out questions", *METRICS, box=box.MARKDOWN)
    for name in results[0]:
        values = {metric: [result[name][metric] for result in results] for metric in METRICS}
        table.add_row(name, *(f"{np.mean(values[metric]):.3f} ± {np.std(values[metric]):.3f}" for metric in METRICS))
    Console(width=120).print(table)


def _records(settings: MatchConfig) -> list[Record]:
    source = check_source(settings.data)
    rows = [row for unit in units_of(source.files, source.format) for row in read_records(unit, settings.data)]
    return [row for row in rows if isinstance(row, Record)]


def _split(config: MatchConfig, records: Sequence[Record], seed: int) -> dict[str, Metrics]:
    import tensorflow as tf

    from components.evaluate.tfidf import tfidf_ranks
    from components.losses.scores import unit_vectors
    from components.tasks.match import key
    from components.train.candidates import Candidates
    from components.train.encoding import Encoder
    from components.train.files import Files
    from components.train.library import build_library
    from components.train.match import fit_match
    from components.train.rows import read_rows

    shuffled = random.Random(seed).sample(records, len(records))
    split = {"test": shuffled[:TEST], "validation": shuffled[TEST : TEST + VALIDATION]}
    split["train"] = shuffled[TEST + VALIDATION :]
    config = config.model_copy(update={"seed": seed})
    ranks: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = _write_vocabulary(Path(folder) / "tokens", split["train"])
        written = {name: [_write_examples(Path(folder) / f"{name}.gz", split[name], vocabulary)] for name in split}
        files = Files(**written, vocabulary=str(vocabulary), labels="")
        candidates = Candidates(files.all)
        questions, answers = zip(*read_rows(files.test, ("question", "answer")), strict=True)
        right: dict[str | bytes, list[bytes]] = {}
        for question, answer in read_rows(files.all, ("question", "answer")):
            right.setdefault(question, []).append(answer)
        for name, model in _models(config).items():
            settings = config.trainer_settings.model_copy(update={"model": model})
            fitted = fit_match(settings, files, candidates, progress=False)
            vectors, asked = unit_vectors(Encoder(fitted.model.question)(questions)), tf.constant(questions)
            for addition, search in _searches(config).items():
                searching = settings.model_copy(update={"search": search})
                library = build_library(fitted.model, candidates, searching, files.validation).library
                found = library.rank(vectors, key(asked), key(tf.constant(answers)), asked)
                ranks[f"{name}{addition}"] = found.numpy()
        ranks["TF-IDF"] = tfidf_ranks(questions, answers, library.shown.numpy().tolist(), right)
    return {name: _metrics(found) for name, found in ranks.items()}


def _models(config: MatchConfig) -> dict[str, MatchSettings]:
    """The configuration's model and the original's, by name."""
    encoders = dict.fromkeys(encoder.type for encoder in config.model.encoders(config.data.inputs).values())
    return {
        f"{' and '.join(encoders)}, {config.model.loss.type}": config.model,
        ORIGINAL_MATCHER: MatchSettings(encoder=LSTM, loss=MATCH_LOSS),
    }


def _searches(config: MatchConfig) -> dict[str, SearchSettings]:
    """Ranking by the cosine alone and, where the configuration adds TF-IDF, by both."""
    alone = {"": SearchSettings()}
    return alone if config.search.lexical == "none" else alone | {" + TF-IDF": config.search}


def _metrics(ranks: np.ndarray) -> Metrics:
    recall = {f"recall@{k}": float(np.mean(ranks <= k)) for k in (1, 5, 10)}
    return recall | {"MRR": float(np.mean(1 / ranks))}


def _write_vocabulary(file: Path, records: Sequence[Record]) -> Path:
    """The tokens of the training texts, as the Transform step would list them."""
    import tensorflow as tf

    from components.transform.tokens import tokenize

    texts = [text for record in records for text in record.values]
    tokens = sorted(set(tokenize(tf.constant(texts)).flat_values.numpy()))
    file.write_bytes(b"\n".join(tokens) + b"\n")
    return file


def _write_examples(file: Path, records: Sequence[Record], vocabulary_file: Path) -> str:
    """Records as the Transform step leaves them."""
    import tensorflow as tf

    from components.ingest.examples import ExampleMaker
    from components.train.data import ids_feature
    from components.transform.tokens import tokenize
    from components.transform.vocabulary import Vocabulary

    vocabulary = Vocabulary(str(vocabulary_file))
    maker = ExampleMaker(_SIDES)
    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        for record in records:
            example = tf.train.Example.FromString(maker.serialise(record))
            for side, text in zip(_SIDES, record.values, strict=True):
                ids = vocabulary.lookup(tokenize(tf.constant([text]))).flat_values.numpy()
                example.features.feature[ids_feature(side)].int64_list.value.extend(ids)
            writer.write(example.SerializeToString())
    return str(file)


if __name__ == "__main__":
    typer.run(main)
