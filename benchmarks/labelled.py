"""Labelled rows as the Transform step leaves them, for benchmarks that train without a pipeline."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from benchmarks.datasets import Dataset, Input, Split
from components.train.data import ids_feature
from components.train.files import Files
from components.transform.tokens import tokenize
from components.transform.vocabulary import Vocabulary


def write_dataset(folder: Path, data: Dataset, vocabulary_size: int) -> Files:
    """Records of both splits, and the vocabularies of the training split; there is no validation split."""
    pictures = isinstance(data.train.inputs[0], bytes)
    tokens = [] if pictures else most_frequent(data.train.inputs, vocabulary_size)
    labels = sorted(set(data.train.labels))
    files = Files(
        train=[str(folder / "train.gz")],
        validation=[],
        test=[str(folder / "test.gz")],
        vocabulary=write_lines(folder / "tokens", tokens),
        labels=write_lines(folder / "labels", [label.encode() for label in labels]),
    )
    name = "image" if pictures else "text"
    vocabulary = None if pictures else Vocabulary(files.vocabulary)
    for file, split in ((files.train[0], data.train), (files.test[0], data.test)):
        _write(file, split, name, labels, vocabulary)
    return files


def most_frequent(texts: Sequence[Input], size: int) -> list[bytes]:
    """So many tokens of these texts, the most frequent first."""
    counts = Counter(token for row in tokenize(tf.constant(texts)).to_list() for token in row)
    return [token for token, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:size]]


def write_lines(file: Path, lines: Sequence[bytes]) -> str:
    """Write a vocabulary; returns its path."""
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return str(file)


def _write(file: str, split: Split, name: str, labels: Sequence[str], vocabulary: Vocabulary | None) -> None:
    numbers = {label: number for number, label in enumerate(labels)}
    with tf.io.TFRecordWriter(file, "GZIP") as writer:
        for number, (value, label) in enumerate(zip(split.inputs, split.labels, strict=True)):
            example = tf.train.Example()
            feature = example.features.feature
            feature["id"].bytes_list.value.append(str(number).encode())
            feature[name].bytes_list.value.append(value if isinstance(value, bytes) else value.encode())
            feature["label"].bytes_list.value.append(label.encode())
            feature["label_id"].int64_list.value.append(numbers.get(label, -1))
            if vocabulary is not None:
                ids = vocabulary.lookup(tokenize(tf.constant([value]))).flat_values.numpy()
                feature[ids_feature(name)].int64_list.value.extend(ids)
            writer.write(example.SerializeToString())
