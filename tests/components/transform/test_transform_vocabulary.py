from pathlib import Path

import pytest
import tensorflow as tf

from components.transform.vocabulary import Vocabulary


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    file = tmp_path / "tokens"
    file.write_text("permit\nfår\n许\nm²\nऊँची", encoding="utf-8")
    return Vocabulary(str(file))


def test_ids_begin_after_padding_and_unknown(vocabulary: Vocabulary) -> None:
    tokens = tf.ragged.constant([["permit", "får", "许"], [], ["m²", "ऊँची", "fence", "", "PERMIT"]])
    assert vocabulary.lookup(tokens).to_list() == [[2, 3, 4], [], [5, 6, 1, 1, 1]]
    assert vocabulary.lookup(tokens).dtype == tf.int64


def test_size_counts_the_reserved_ids(vocabulary: Vocabulary) -> None:
    assert vocabulary.size == 7


def test_looks_up_inside_a_graph(vocabulary: Vocabulary) -> None:
    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.string)])
    def lookup(tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        return vocabulary.lookup(tokens)

    assert lookup(tf.ragged.constant([["许", "x"], ["får"]])).to_list() == [[4, 1], [3]]
