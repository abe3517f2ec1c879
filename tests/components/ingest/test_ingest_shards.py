"""Shards of TFRecords: names, retries, failures."""

from pathlib import Path

import pytest
import tensorflow as tf

from components.ingest.shards import MAX_SHARDS, ShardWriter, shards_of

SPLITS = ("train", "test")


def records(path: Path) -> list[bytes]:
    return list(tf.data.TFRecordDataset(str(path), compression_type="GZIP").as_numpy_iterator())


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_every_split_gets_a_shard_even_an_empty_one(tmp_path: Path) -> None:
    with ShardWriter(str(tmp_path), SPLITS, 2, 13) as writer:
        writer.write("train", b"first")
        writer.write("train", b"second")
        assert not any(name.endswith(".gz") for name in names(tmp_path))
    assert names(tmp_path) == [
        "Split-test/data_tfrecord-00002-of-00013.gz",
        "Split-train/data_tfrecord-00002-of-00013.gz",
    ]
    assert records(tmp_path / "Split-train/data_tfrecord-00002-of-00013.gz") == [b"first", b"second"]
    assert records(tmp_path / "Split-test/data_tfrecord-00002-of-00013.gz") == []


def test_a_second_try_replaces_the_first_and_a_failed_one_leaves_nothing(tmp_path: Path) -> None:
    for attempt in (b"one", b"two"):
        with ShardWriter(str(tmp_path), SPLITS, 0, 1) as writer:
            writer.write("test", attempt)
    before = names(tmp_path)

    def fail() -> None:
        with ShardWriter(str(tmp_path), SPLITS, 0, 1) as writer:
            writer.write("test", b"three")
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        fail()
    assert names(tmp_path) == before
    assert records(tmp_path / "Split-test/data_tfrecord-00000-of-00001.gz") == [b"two"]


def test_many_small_files_share_shards() -> None:
    assert [shards_of(["x"] * count) for count in (1, 5, MAX_SHARDS, 1000)] == [1, 5, MAX_SHARDS, MAX_SHARDS]


def test_what_a_killed_worker_leaves_lies_where_nobody_reads(tmp_path: Path) -> None:
    ShardWriter(str(tmp_path), SPLITS, 0, 1).__enter__().write("train", b"half")
    with ShardWriter(str(tmp_path), SPLITS, 0, 1) as writer:
        writer.write("train", b"whole")
    for split in SPLITS:
        assert [path.name for path in (tmp_path / f"Split-{split}").iterdir()] == ["data_tfrecord-00000-of-00001.gz"]
    assert records(tmp_path / "Split-train/data_tfrecord-00000-of-00001.gz") == [b"whole"]
