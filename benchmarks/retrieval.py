"""Recall and MRR of a configuration's encoder and loss, beside TF-IDF on the same questions and candidates.

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

from components.encoders.settings import Side
from components.ingest.check import check_source
from components.ingest.parse import Record, read_records
from pipeline.config import PipelineConfig, load_config
from pipeline.quiet import chatter_to

TEST, VALIDATION = 100, 50
METRICS = ("recall@1", "recall@5", "recall@10", "MRR")

Metrics = dict[str, float]


def main(
    config: Path,
    overrides: Annotated[list[str] | None, typer.Option("--set")] = None,
    splits: int = 5,
) -> None:
    """Print mean ± standard deviation over the splits."""
    settings = load_config(config, overrides or ())
    records = _records(settings)
    with chatter_to(Path(os.devnull)):
        results = [_split(settings, records, seed) for seed in range(splits)]
    table = Table(f"{splits} splits of {TEST} held-out questions", *METRICS, box=box.MARKDOWN)
    for name in results[0]:
        values = {metric: [result[name][metric] for result in results] for metric in METRICS}
        table.add_row(name, *(f"{np.mean(values[metric]):.3f} ± {np.std(values[metric]):.3f}" for metric in METRICS))
    Console(width=120).print(table)


def _records(settings: PipelineConfig) -> list[Record]:
    source = check_source(settings.data)
    rows = [row for file in source.files for row in read_records(file, source.format, settings.data)]
    return [row for row in rows if isinstance(row, Record)]


def _split(config: PipelineConfig, records: Sequence[Record], seed: int) -> dict[str, Metrics]:
    import tensorflow as tf

    from components.evaluate.tfidf import tfidf_ranks
    from components.tasks.library import Library
    from components.train.encoding import Encoder
    from components.train.fit import fit_match
    from components.train.settings import TrainerSettings

    shuffled = random.Random(seed).sample(records, len(records))
    test, validation, train = shuffled[:TEST], shuffled[TEST : TEST + VALIDATION], shuffled[TEST + VALIDATION :]
    library = {record.candidate: record.id for record in records}
    questions, answers = _columns(test)
    trainer = TrainerSettings(task=config.task, model=config.model, train=config.train, seed=seed, candidates=1)
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = _write_vocabulary(Path(folder) / "tokens", train)
        file = _write_examples(Path(folder) / "train.gz", train, vocabulary)
        fitted = fit_match(
            trainer,
            train_files=[str(file)],
            validation=_columns(validation),
            candidates=library,
            vocabulary_file=str(vocabulary),
            progress=False,
        )
        vectors = Encoder(fitted.model.answer)(list(library))
        ranks = Library(list(library.values()), list(library), vectors).rank(
            Encoder(fitted.model.question)(questions), tf.constant(answers)
        )
    encoder, loss = config.model.encoder.type, config.model.loss.type
    return {
        "TF-IDF": _metrics(tfidf_ranks(questions, answers, list(library))),
        f"{encoder}, {loss}": _metrics(ranks.numpy()),
    }


def _columns(records: Sequence[Record]) -> tuple[list[str], list[str]]:
    return [record.query for record in records], [record.candidate for record in records]


def _metrics(ranks: np.ndarray) -> Metrics:
    recall = {f"recall@{k}": float(np.mean(ranks <= k)) for k in (1, 5, 10)}
    return recall | {"MRR": float(np.mean(1 / ranks))}


def _write_vocabulary(file: Path, records: Sequence[Record]) -> Path:
    """The tokens of the training texts, as the Transform step would list them."""
    import tensorflow as tf

    from components.transform.tokens import tokenize

    texts = [text for record in records for text in (record.query, record.candidate)]
    tokens = sorted(set(tokenize(tf.constant(texts)).flat_values.numpy()))
    file.write_bytes(b"\n".join(tokens) + b"\n")
    return file


def _write_examples(file: Path, records: Sequence[Record], vocabulary_file: Path) -> Path:
    """Records as the Transform step leaves them."""
    import tensorflow as tf

    from components.train.data import ids_feature
    from components.transform.tokens import tokenize
    from components.transform.vocabulary import Vocabulary

    vocabulary = Vocabulary(str(vocabulary_file))
    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        for record in records:
            example = tf.train.Example()
            feature = example.features.feature
            feature["id"].bytes_list.value.append(record.id.encode())
            texts: dict[Side, str] = {"question": record.query, "answer": record.candidate}
            for side, text in texts.items():
                feature[side].bytes_list.value.append(text.encode())
                ids = vocabulary.lookup(tokenize(tf.constant([text]))).flat_values.numpy()
                feature[ids_feature(side)].int64_list.value.extend(ids)
            writer.write(example.SerializeToString())
    return file


if __name__ == "__main__":
    typer.run(main)
