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


def test_vocabularies_of_one_process_are_apart(tmp_path: Path) -> None:
    for size in range(1, 30):  # one after the other, so that memory is used again
        file = tmp_path / str(size)
        file.write_text("".join(f"t{number}\n" for number in range(size)), encoding="utf-8")
        vocabulary = Vocabulary(str(file))
        assert vocabulary.size == size + 2
        last = tf.ragged.constant([[f"t{size - 1}", f"t{size}"]])
        assert vocabulary.lookup(last).to_list() == [[size + 1, 1]]


def test_a_file_may_be_written_anew(tmp_path: Path) -> None:
    file, tokens = tmp_path / "tokens", tf.ragged.constant([["one", "two"]])
    file.write_text("one\ntwo\n", encoding="utf-8")
    before = Vocabulary(str(file))
    file.write_text("two\n", encoding="utf-8")
    after = Vocabulary(str(file))
    assert before.lookup(tokens).to_list() == [[2, 3]]
    assert after.lookup(tokens).to_list() == [[1, 2]]
