"""tf.Examples and splits, against TFX's own code."""

import resource

import pytest
import tensorflow as tf
from tfx.components.example_gen.base_example_gen_executor import _PartitionFn
from tfx.proto import example_gen_pb2

from components.ingest.dealer import Dealer, bytes_feature
from components.ingest.examples import ExampleMaker
from components.ingest.parse import Record

PAIR = ("question", "answer")


def test_each_example_has_one_bytes_value_per_feature_and_nothing_of_the_one_before() -> None:
    maker = ExampleMaker(PAIR)
    maker.serialise(Record(2, ("long " * 50, "older"), "1", "old", "g"))
    example = tf.train.Example.FromString(maker.serialise(Record(3, ("När?", "現在"), "x7", "", "g2")))
    assert {name: list(value.bytes_list.value) for name, value in example.features.feature.items()} == {
        "question": ["När?".encode()],
        "answer": ["現在".encode()],
        "id": [b"x7"],
        "category": [b""],
        "group": [b"g2"],
    }


def test_groups_are_dealt_out_as_tfx_does_it() -> None:
    shares = {"train": 5, "validation": 1, "test": 3}
    buckets = [5, 6, 9]
    config = example_gen_pb2.SplitConfig(partition_feature_name="group")
    dealer, maker = Dealer(shares), ExampleMaker(PAIR)
    seen = set()
    for number in range(300):
        group = f"grupp {number} å" * (number + 1)
        example = tf.train.Example.FromString(maker.serialise(Record(1, ("q", "a"), "", "", group)))
        expected = list(shares)[_PartitionFn(example, 3, buckets, config)]
        assert dealer.split_of(group) == expected
        seen.add(expected)
    assert seen == set(shares)


@pytest.mark.parametrize("length", [0, 1, 123, 124, 125, 126, 127, 128, 129, 16_380, 16_384, 3_000_000])
def test_a_feature_is_serialised_as_tensorflow_does(length: int) -> None:
    value = b"x" * length
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    assert bytes_feature(value) == feature.SerializeToString()


def test_what_was_serialised_is_not_held() -> None:
    """A message that is filled again and again would hold all that was ever in it."""
    maker, text = ExampleMaker(PAIR), "x" * 50_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(4000):  # 400 MB in all
        maker.serialise(Record(number, (text, text), "", "", ""))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB
